"""What runs a lab: its header, its cells, the desk it works at, its report and its records."""
