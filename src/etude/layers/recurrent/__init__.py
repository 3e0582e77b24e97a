"""Recurrent layers: the loop, the cells, and what runs all steps at once."""
