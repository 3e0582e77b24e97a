"""Layers for samples of any kind: dense, embeddings, merging, reshaping, wrappers, noise."""
