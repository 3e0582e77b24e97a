"""Folders of images, texts and sounds as data sets."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np

from etude.config import standardize_data_format
from etude.errors import ArgumentError, DataError
from etude.utils.directories import Folder, dataset_from_folder

__all__ = [
    "audio_dataset_from_directory",
    "image_dataset_from_directory",
    "text_dataset_from_directory",
]

IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp")
MODES = {"rgb": "RGB", "rgba": "RGBA", "grayscale": "L"}
INTERPOLATIONS = {
    "nearest": "NEAREST",
    "bilinear": "BILINEAR",
    "bicubic": "BICUBIC",
    "mitchellcubic": "BICUBIC",
    "area": "BOX",
    "gaussian": "HAMMING",
    "lanczos3": "LANCZOS",
    "lanczos5": "LANCZOS",
}


def _check_format(format: str) -> None:
    if format not in ("tf", "grain"):
        raise ArgumentError(f'`format` should be either "tf" or "grain". Received: format={format}')


# ---- images -----------------------------------------------------------------------------------


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """The images of a folder as a `Dataset` of batches.

    Images are .bmp, .gif (the first frame), .jpeg, .png and .webp files, read by Pillow. Where an
    image becomes smaller, each new pixel is an average of all the old ones that it covers.

    Args:
        directory: the folder; with labels inferred, it has a subfolder for each class.
        labels: ``"inferred"``, ``None``, or a list of integers in the order of the sorted paths.
        label_mode: ``"int"``, ``"categorical"`` (one-hot), ``"binary"`` (0.0 and 1.0) or ``None``.
        class_names: the subfolders to use, in the order of their labels.
        color_mode: ``"rgb"``, ``"rgba"`` or ``"grayscale"``.
        batch_size: images in a batch; ``None`` gives them one by one.
        image_size: (height, width) that all are brought to.
        shuffle: whether the order is random, and another one at each iteration.
        seed: of the order.
        validation_split: the share of the images that is kept for validation.
        subset: ``"training"``, ``"validation"`` or ``"both"``, which gives two data sets.
        interpolation: how pixels are computed: ``"bilinear"``, ``"nearest"``, ``"bicubic"``,
            ``"area"``, ``"lanczos3"``, ``"lanczos5"``, ``"gaussian"``, ``"mitchellcubic"``.
        follow_links: whether links to folders are followed.
        crop_to_aspect_ratio: whether images are cropped rather than stretched.
        pad_to_aspect_ratio: whether images are padded rather than stretched.
        data_format: ``"channels_last"`` or ``"channels_first"``.
        format: accepted: ``"tf"`` or ``"grain"``; either way it is a `Dataset`.
        verbose: whether the number of files is printed.

    Returns:
        A data set of images, float32, (batch, height, width, channels) from 0 to 255, with labels
        (batch,), (batch, classes) or (batch, 1). Its attributes ``class_names`` and ``file_paths``
        tell what it holds.

    Raises:
        ArgumentError: an argument has a value that cannot be used.
        DataError: there are no images.
    """
    _check_format(format)
    if color_mode not in MODES:
        raise ArgumentError(
            f'`color_mode` must be one of {{"rgb", "rgba", "grayscale"}}. Received: '
            f"color_mode={color_mode}"
        )
    if interpolation.lower() not in INTERPOLATIONS:
        raise ArgumentError(
            f"Argument `interpolation` should be one of {tuple(INTERPOLATIONS)}. Received: "
            f"interpolation={interpolation}"
        )
    if isinstance(image_size, int):
        image_size = (image_size, image_size)
    if not isinstance(image_size, (list, tuple)) or len(image_size) != 2:
        raise ArgumentError(
            "Invalid `image_size` value. Expected a tuple of 2 integers. Received: "
            f"image_size={image_size}"
        )
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ArgumentError(
            "Only one of `pad_to_aspect_ratio` and `crop_to_aspect_ratio` can be set to `True`."
        )
    fit = "crop" if crop_to_aspect_ratio else "pad" if pad_to_aspect_ratio else "stretch"
    first = standardize_data_format(data_format) == "channels_first"

    def read(path: str) -> Any:
        image = _image(
            path, MODES[color_mode], image_size, INTERPOLATIONS[interpolation.lower()], fit
        )
        return np.moveaxis(image, -1, 0) if first else image

    folder = Folder(
        directory=directory,
        labels=labels,
        label_mode=label_mode,
        class_names=class_names,
        batch_size=batch_size,
        shuffle=shuffle,
        seed=seed,
        validation_split=validation_split,
        subset=subset,
        follow_links=follow_links,
        verbose=verbose,
    )
    return dataset_from_folder(folder, "image", IMAGES, read)


def _image(path: str, mode: str, size: Any, interpolation: str, fit: str) -> np.ndarray[Any, Any]:
    """An image file as numbers, (height, width, channels)."""
    from PIL import Image, ImageOps  # noqa: PLC0415  (slow to import)

    height, width = size
    resample = Image.Resampling[interpolation]
    try:
        with Image.open(path) as file:
            image = file.convert(mode)
    except OSError as error:
        raise DataError(f"{path} cannot be read as an image: {error}.") from error
    if fit == "crop":
        image = ImageOps.fit(image, (width, height), method=resample)
    elif fit == "pad":
        image = ImageOps.pad(image, (width, height), method=resample)
    else:
        image = image.resize((width, height), resample)
    array = np.asarray(image, dtype="float32")
    return array[..., None] if array.ndim == 2 else array  # (height, width, channels)


# ---- texts ------------------------------------------------------------------------------------


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """The .txt files of a folder as a `Dataset` of batches of texts.

    Args:
        directory: the folder; with labels inferred, it has a subfolder for each class.
        labels: ``"inferred"``, ``None``, or a list of integers in the order of the sorted paths.
        label_mode: ``"int"``, ``"categorical"`` (one-hot), ``"binary"`` (0.0 and 1.0) or ``None``.
        class_names: the subfolders to use, in the order of their labels.
        batch_size: texts in a batch; ``None`` gives them one by one.
        max_length: how many bytes of a text are kept; all by default.
        shuffle: whether the order is random, and another one at each iteration.
        seed: of the order.
        validation_split: the share of the texts that is kept for validation.
        subset: ``"training"``, ``"validation"`` or ``"both"``, which gives two data sets.
        follow_links: whether links to folders are followed.
        format: accepted: ``"tf"`` or ``"grain"``; either way it is a `Dataset`.
        verbose: whether the number of files is printed.

    Returns:
        A data set of texts, (batch,) strings, with labels (batch,), (batch, classes) or
        (batch, 1).

    Raises:
        ArgumentError: an argument has a value that cannot be used.
        DataError: there are no texts.
    """
    _check_format(format)

    def read(path: str) -> Any:
        return Path(path).read_bytes()[:max_length].decode("utf-8", "replace")

    folder = Folder(
        directory=directory,
        labels=labels,
        label_mode=label_mode,
        class_names=class_names,
        batch_size=batch_size,
        shuffle=shuffle,
        seed=seed,
        validation_split=validation_split,
        subset=subset,
        follow_links=follow_links,
        verbose=verbose,
    )
    return dataset_from_folder(folder, "text", (".txt",), read)


# ---- sounds -----------------------------------------------------------------------------------


def audio_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> Any:
    """The .wav files of a folder as a `Dataset` of batches of sounds.

    Args:
        directory: the folder; with labels inferred, it has a subfolder for each class.
        labels: ``"inferred"``, ``None``, or a list of integers in the order of the sorted paths.
        label_mode: ``"int"``, ``"categorical"`` (one-hot), ``"binary"`` (0.0 and 1.0) or ``None``.
        class_names: the subfolders to use, in the order of their labels.
        batch_size: sounds in a batch; ``None`` gives them one by one.
        sampling_rate: samples per second that all are brought to; as in the files by default.
        output_sequence_length: samples that all are cut or padded to; by default those of a batch
            are padded to its longest.
        ragged: must be false; ragged tensors are left out.
        shuffle: whether the order is random, and another one at each iteration.
        seed: of the order.
        validation_split: the share of the sounds that is kept for validation.
        subset: ``"training"``, ``"validation"`` or ``"both"``, which gives two data sets.
        follow_links: whether links to folders are followed.
        verbose: whether the number of files is printed.

    Returns:
        A data set of sounds, float32 from -1 to 1, (batch, samples, channels), with labels
        (batch,), (batch, classes) or (batch, 1).

    Raises:
        ArgumentError: an argument has a value that cannot be used.
        DataError: there are no sounds, or one is no PCM of 16 bits.
    """
    for name, value in (
        ("sampling_rate", sampling_rate),
        ("output_sequence_length", output_sequence_length),
    ):
        if value is not None and (not isinstance(value, int) or value <= 0):
            raise ArgumentError(
                f"`{name}` should be higher than 0, an integer. Received: {name}={value}"
            )
    if ragged:
        raise ArgumentError(
            "`ragged=True` is not supported: etude has no ragged tensors. Leave it out: shorter "
            "sounds of a batch are padded with silence."
        )

    def read(path: str) -> Any:
        return _sound(path, sampling_rate, output_sequence_length)

    folder = Folder(
        directory=directory,
        labels=labels,
        label_mode=label_mode,
        class_names=class_names,
        batch_size=batch_size,
        shuffle=shuffle,
        seed=seed,
        validation_split=validation_split,
        subset=subset,
        follow_links=follow_links,
        verbose=verbose,
    )
    pad = output_sequence_length is None
    return dataset_from_folder(folder, "audio", (".wav",), read, pad=pad)


def _sound(path: str, rate: int | None, length: int | None) -> np.ndarray[Any, Any]:
    """A .wav file as numbers from -1 to 1, (samples, channels)."""
    try:
        with wave.open(path, "rb") as file:
            if file.getsampwidth() != 2:
                raise DataError(
                    f"{path} has {8 * file.getsampwidth()} bits per sample; only PCM of 16 bits is "
                    "read. Convert it, e.g. by `ffmpeg -i in.wav -c:a pcm_s16le out.wav`."
                )
            frames = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
            sound = frames.reshape(-1, file.getnchannels()).astype("float32") / 32768.0
            found = file.getframerate()
    except (wave.Error, EOFError) as error:
        raise DataError(f"{path} cannot be read as a .wav file: {error}.") from error
    if rate is not None and rate != found:
        sound = _resampled(sound, round(len(sound) * rate / found))
    if length is not None:
        sound = np.pad(sound[:length], ((0, max(0, length - len(sound))), (0, 0)))
    return sound


def _resampled(sound: np.ndarray[Any, Any], count: int) -> np.ndarray[Any, Any]:
    """Another number of samples for the same time: the spectrum is cut off, or padded."""
    spectrum = np.fft.rfft(sound, axis=0)
    scaled = np.fft.irfft(spectrum[: count // 2 + 1], n=count, axis=0) * (count / len(sound))
    return scaled.astype("float32")
