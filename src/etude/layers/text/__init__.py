"""Text and categories as integers: vocabularies and hashes."""
