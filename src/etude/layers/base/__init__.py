"""What every layer builds on: calls, state, shapes, configs. No layer of a network is here."""
