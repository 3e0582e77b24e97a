"""Layers on images: resizing, cropping, and random changes of geometry and colour."""
