"""`ImageDataGenerator` and its iterator, which `image_dataset_from_directory` and layers replaced.

The rest of `tf.keras.preprocessing.image` is etude's own.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import etude
from etude import config, ops
from etude.data import PyDataset
from etude.errors import ArgumentError, DataError, ShapeError
from etude.messages import say
from etude.random import make_shuffle_seed
from etude.utils.directories import class_folders, files_below
from etude.utils.directory_datasets import IMAGES
from etude.utils.images import img_to_array, load_img

Array = np.ndarray[Any, Any]

_ENDINGS = (*IMAGES, ".ppm", ".tif", ".tiff")
_MODES = ("categorical", "binary", "sparse", "input", None)


class ImageDataGenerator:
    """Batches of images from arrays or folders, changed at random in each epoch.

    Args:
        featurewise_center: whether the mean of the images given to `fit` is subtracted.
        samplewise_center: whether each image's own mean is subtracted.
        featurewise_std_normalization: whether images are divided by the deviation seen by `fit`.
        samplewise_std_normalization: whether each image is divided by its own deviation.
        zca_whitening: must be false.
        zca_epsilon: without effect.
        rotation_range: the largest angle, in degrees.
        width_shift_range: the largest shift to a side: below 1 in widths, else in pixels.
        height_shift_range: the largest shift up or down: below 1 in heights, else in pixels.
        brightness_range: the smallest and largest factor of all values.
        shear_range: the largest angle of shear, in degrees.
        zoom_range: the smallest and largest zoom; a number z means ``(1 - z, 1 + z)``.
        channel_shift_range: the largest number that is added to a channel.
        fill_mode: what comes in from the borders: "constant", "nearest", "reflect" or "wrap".
        cval: the value for "constant".
        horizontal_flip: whether half of the images are mirrored.
        vertical_flip: whether half of them are turned upside down.
        rescale: a factor of all values, applied last.
        preprocessing_function: takes an image and returns another, before ``rescale``.
        data_format: must be "channels_last" or None.
        validation_split: the share of the images with ``subset="validation"``.
        interpolation_order: without effect: values between pixels are bilinear.
        dtype: of the batches.

    Raises:
        ArgumentError: an argument has another value, or is not to be had.

    Example:
        >>> images = np.ones((5, 4, 4, 1))
        >>> batches = ImageDataGenerator(rescale=0.5).flow(images, np.arange(5), batch_size=2)
        >>> x, y = next(batches)
        >>> x.shape, float(x.max()), len(batches)
        ((2, 4, 4, 1), 0.5, 3)
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: float = 0.0,
        height_shift_range: float = 0.0,
        brightness_range: tuple[float, float] | None = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[[Array], Any] | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: Any = None,
    ) -> None:
        if zca_whitening or data_format not in (None, "channels_last"):
            raise ArgumentError(
                "ImageDataGenerator: `zca_whitening` and `data_format='channels_first'` are not to "
                "be had. Change the images yourself, in `preprocessing_function`."
            )
        if not 0 <= validation_split < 1:
            raise ArgumentError(f"`validation_split` must be from 0 to 1; got {validation_split}.")
        self.featurewise_center = featurewise_center
        self.samplewise_center = samplewise_center
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.rotation_range, self.shear_range = rotation_range, shear_range
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        self.brightness_range = brightness_range
        self.zoom_range = (
            (1 - zoom_range, 1 + zoom_range)
            if isinstance(zoom_range, (int, float))
            else tuple(zoom_range)
        )
        self.channel_shift_range = channel_shift_range
        self.fill_mode, self.cval = fill_mode, cval
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.validation_split = validation_split
        self.dtype = dtype or config.floatx()
        self.mean: Any = None
        self.std: Any = None

    # ---- batches -------------------------------------------------------------------------------

    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        subset: str | None = None,
        **kwargs: Any,
    ) -> ImageBatches:
        """Batches of an array of images, (n, height, width, channels), and of their labels."""
        images = np.asarray(x)
        if images.ndim != 4:
            raise ShapeError(
                "ImageDataGenerator.flow() expects images (n, height, width, channels); got the "
                f"shape {images.shape}. Where the channel axis is missing, add it: x[..., None]."
            )
        targets = [np.asarray(part) for part in (y, sample_weight) if part is not None]
        if any(len(part) != len(images) for part in targets):
            raise DataError(
                f"flow() got {len(images)} images, but {[len(part) for part in targets]} labels "
                "or weights."
            )
        kept = self._subset(len(images), subset)
        batches = ImageBatches(
            self, lambda i: images[kept][i], len(images[kept]), batch_size, shuffle, seed
        )
        batches.targets = [part[kept] for part in targets]
        return batches

    def flow_from_directory(
        self,
        directory: Any,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: list[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
    ) -> ImageBatches:
        """Batches of the images in a folder that has a folder for each class.

        Raises:
            ArgumentError: ``class_mode`` has another value, ``save_to_dir`` is given, or some of
                the ``classes`` have no folder.
            DataError: there is no such folder, or no image in it.
        """
        if save_to_dir is not None:
            raise ArgumentError(
                "flow_from_directory: `save_to_dir` is not to be had; save the images it gives, "
                "with `etude.utils.save_img`."
            )
        if class_mode not in _MODES:
            raise ArgumentError(f"`class_mode` must be one of {_MODES}; got {class_mode!r}.")
        if not os.path.isdir(directory):
            raise DataError(f"There is no folder {directory}. It should hold one for each class.")
        names = class_folders(Path(directory), classes)
        files: list[str] = []
        labels: list[int] = []
        for label, name in enumerate(names):
            found = files_below(Path(directory, name), _ENDINGS, follow_links)
            found = found[self._subset(len(found), subset)]
            files += found
            labels += [label] * len(found)
        say(f"Found {len(files)} images belonging to {len(names)} classes.")

        def load(i: int) -> Array:
            picture = load_img(files[i], color_mode, target_size, interpolation, keep_aspect_ratio)
            return img_to_array(picture)

        batches = ImageBatches(self, load, len(files), batch_size, shuffle, seed)
        batches.filepaths, batches.class_mode = files, class_mode
        batches.filenames = [os.path.relpath(file, directory) for file in files]
        batches.classes = batches.labels = np.array(labels, dtype="int32")
        batches.class_indices = {name: label for label, name in enumerate(names)}
        batches.num_classes = len(names)
        batches.image_shape = (*target_size, {"rgb": 3, "rgba": 4}.get(color_mode, 1))
        if class_mode == "categorical":
            batches.targets = [np.eye(len(names), dtype=self.dtype)[batches.classes]]
        elif class_mode in ("binary", "sparse"):
            batches.targets = [batches.classes.astype(self.dtype)]
        return batches

    def _subset(self, count: int, subset: str | None) -> slice:
        """Validation takes the first part, training the rest."""
        if subset not in (None, "training", "validation"):
            raise ArgumentError(f"`subset` must be 'training' or 'validation'; got {subset!r}.")
        first = int(count * self.validation_split)
        return {"validation": slice(0, first), "training": slice(first, None)}.get(
            subset or "", slice(None)
        )

    # ---- single images -------------------------------------------------------------------------

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Learns mean and deviation of each channel, for the featurewise options."""
        images = np.asarray(x, dtype=self.dtype)
        self.mean = images.mean(axis=(0, 1, 2))
        self.std = images.std(axis=(0, 1, 2))

    def standardize(self, x: Any) -> Array:
        """An image with everything done to it that is not random."""
        image = np.array(x, dtype=self.dtype)
        if self.preprocessing_function is not None:
            image = np.asarray(self.preprocessing_function(image), dtype=self.dtype)
        if self.rescale is not None:
            image = image * self.rescale
        if self.samplewise_center:
            image = image - image.mean(keepdims=True)
        if self.samplewise_std_normalization:
            image = image / (image.std(keepdims=True) + 1e-6)
        featurewise = self.featurewise_center or self.featurewise_std_normalization
        if featurewise and self.mean is None:
            raise DataError(
                "ImageDataGenerator: the featurewise options need the mean and deviation of the "
                "data: call `fit(x_train)` of the generator before."
            )
        if self.featurewise_center:
            image = image - self.mean
        if self.featurewise_std_normalization:
            image = image / (self.std + 1e-6)
        return image.astype(self.dtype)

    def random_transform(self, x: Any, seed: int | None = None) -> Array:
        """An image with everything done to it that is random."""
        return self._changed(np.asarray(x), np.random.default_rng(seed))

    def _changed(self, image: Array, rng: np.random.Generator) -> Array:
        image = image.astype(self.dtype)
        height, width = image.shape[:2]
        place = self._random_place(height, width, rng)
        if place is not None:
            with config.engine_scope("numpy"):
                moved = ops.image.affine_transform(
                    image,
                    place,
                    interpolation="bilinear",
                    fill_mode=self.fill_mode,
                    fill_value=self.cval,
                    data_format="channels_last",
                )
                image = moved.numpy()
        if self.channel_shift_range:
            low, high = image.min(), image.max()
            shift = rng.uniform(-self.channel_shift_range, self.channel_shift_range)
            image = np.clip(image + shift, low, high)
        if self.horizontal_flip and rng.random() < 0.5:
            image = image[:, ::-1]
        if self.vertical_flip and rng.random() < 0.5:
            image = image[::-1]
        if self.brightness_range is not None:
            low, high = image.min(), image.max()
            factor = rng.uniform(*self.brightness_range)
            image = np.clip(image * factor, min(low, 0), 255 if high > 1 else 1)
        return image

    def _random_place(self, height: int, width: int, rng: np.random.Generator) -> Any:
        """Where the pixels of a changed image come from, for `affine_transform`; None: unchanged.

        About the centre, in rows and columns: rotation · shift · shear · zoom.
        """
        angle, shear = (
            math.radians(rng.uniform(-limit, limit))
            for limit in (self.rotation_range, self.shear_range)
        )
        down, right = (
            rng.uniform(-limit, limit) * (size if abs(limit) < 1 else 1)
            for limit, size in (
                (self.height_shift_range, height),
                (self.width_shift_range, width),
            )
        )
        low, high = self.zoom_range
        zoom_y, zoom_x = rng.uniform(low, high, 2)
        if (angle, shear, down, right, zoom_y, zoom_x) == (0, 0, 0, 0, 1, 1):
            return None
        cos, sin = math.cos(angle), math.sin(angle)
        rotation = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
        shift = np.array([[1, 0, down], [0, 1, right], [0, 0, 1]])
        sheared = np.array([[1, -math.sin(shear), 0], [0, math.cos(shear), 0], [0, 0, 1]])
        y, x = (height - 1) / 2, (width - 1) / 2
        to_centre = np.array([[1, 0, -y], [0, 1, -x], [0, 0, 1]])
        zoom = np.diag([zoom_y, zoom_x, 1])
        m = np.linalg.inv(to_centre) @ rotation @ shift @ sheared @ zoom @ to_centre
        return [m[1, 1], m[1, 0], m[1, 2], m[0, 1], m[0, 0], m[0, 2], 0.0, 0.0]


class ImageBatches(PyDataset):
    """What an `ImageDataGenerator` gives: batches by index, and by ``next`` without an end.

    Args:
        generator: changes the images.
        load: gives the image of an index.
        count: how many images there are.
        batch_size: images in a batch.
        shuffle: whether each epoch has another order.
        seed: of order and changes.

    Attributes:
        filenames: the paths of images from a folder, without that of the folder.
        filepaths: those with it.
        classes: the class of each of them, which is also ``labels``.
        class_indices: the number of each class by its name.

    Raises:
        DataError: there are no images.
    """

    def __init__(
        self,
        generator: ImageDataGenerator,
        load: Callable[[int], Array],
        count: int,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
    ) -> None:
        super().__init__()
        if not count:
            raise DataError(f"There are no images; names must end in one of {_ENDINGS}.")
        self.image_data_generator, self._load = generator, load
        self.n = self.samples = count
        self.batch_size, self.shuffle = batch_size, shuffle
        self.seed = make_shuffle_seed() if seed is None else seed
        self.targets: list[Array] = []
        self.class_mode: str | None = None
        self.filenames: list[str] = []
        self.filepaths: list[str] = []
        self.classes = self.labels = np.zeros(0, dtype="int32")
        self.class_indices: dict[str, int] = {}
        self.num_classes = 0
        self.image_shape: tuple[int, ...] = ()
        self.epoch = self.batch_index = 0

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"There is no batch {index}: there are {len(self)}, counted from 0.")
        order = np.arange(self.n)
        if self.shuffle:
            np.random.default_rng([self.seed, self.epoch]).shuffle(order)
        places = order[index * self.batch_size :][: self.batch_size]
        make, rng = self.image_data_generator, np.random.default_rng([self.seed, self.epoch, index])
        x = np.stack([make.standardize(make._changed(self._load(int(i)), rng)) for i in places])
        rest = [x.copy()] if self.class_mode == "input" else [part[places] for part in self.targets]
        return (x, *rest) if rest else x

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        batch = self[self.batch_index]
        self.batch_index += 1
        if self.batch_index == len(self):
            self.on_epoch_end()
        return batch

    next = __next__

    def reset(self) -> None:
        """Begins at the first batch again."""
        self.batch_index = 0

    def on_epoch_end(self) -> None:
        """The next epoch has another order, and other changes."""
        self.batch_index, self.epoch = 0, self.epoch + 1


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(etude.preprocessing.image, name)
