"""Layers on sequences, images and volumes: convolutions, pooling, padding, upsampling."""
