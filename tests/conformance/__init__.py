"""Tests that others wrote, run against etude; and what etude has of Keras's public names."""
