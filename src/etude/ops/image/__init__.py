"""Operations on images; their names are those of `keras.ops.image`.

Images are (N, H, W, C) or (H, W, C), or have the channels first. Whatever has a derivative, by
pixels, places or scales, has it here.
"""

from etude.errors import explain_missing as _explain_missing
from etude.ops.image.color import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from etude.ops.image.cropping import crop_images, pad_images
from etude.ops.image.filtering import (
    extract_patches,
    extract_patches_3d,
    gaussian_blur,
    sobel_edges,
    ssim,
)
from etude.ops.image.resizing import resize, scale_and_translate
from etude.ops.image.sampling import (
    affine_transform,
    elastic_transform,
    map_coordinates,
    perspective_transform,
)

__all__ = [
    "affine_transform",
    "crop_images",
    "elastic_transform",
    "extract_patches",
    "extract_patches_3d",
    "gaussian_blur",
    "hsv_to_rgb",
    "map_coordinates",
    "pad_images",
    "perspective_transform",
    "resize",
    "rgb_to_grayscale",
    "rgb_to_hsv",
    "scale_and_translate",
    "sobel_edges",
    "ssim",
]

_explain_missing(__name__)
