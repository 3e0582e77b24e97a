"""Numbers, categories and sounds made ready for a model."""
