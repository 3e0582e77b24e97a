"""ResNet50 under a name of its own, as Keras has it."""

from etude.applications.resnet import ResNet50, decode_predictions, preprocess_input

__all__ = ["ResNet50", "decode_predictions", "preprocess_input"]
