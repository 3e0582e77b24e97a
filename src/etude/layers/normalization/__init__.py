"""Normalisation: over the batch, within a sample, and of kernels."""
