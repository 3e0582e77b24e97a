"""Side-by-side timings of etude and its peers. No tests: figures depend on the machine."""
