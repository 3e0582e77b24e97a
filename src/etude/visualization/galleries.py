"""Images in rows and columns, with labels, boxes or masks, drawn by matplotlib."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from etude.errors import ArgumentError, MissingPackageError
from etude.ops.core import convert_to_numpy
from etude.visualization.drawing import as_images, draw_bounding_boxes, draw_segmentation_masks

__all__ = ["plot_bounding_box_gallery", "plot_image_gallery", "plot_segmentation_mask_gallery"]


def _matplotlib(function: str) -> Any:
    """The package, imported when it is first needed.

    Raises:
        MissingPackageError: it is not installed.
    """
    try:
        import matplotlib.pyplot  # noqa: PLC0415 - optional, and slow to import
    except ImportError as error:
        raise MissingPackageError(
            f"The `{function}` function requires the `matplotlib` package, which is not installed. "
            "Run `pip install matplotlib`, or `pip install 'etude[labs]'`."
        ) from error
    return matplotlib


def plot_image_gallery(
    images: Any,
    y_true: Any = None,
    y_pred: Any = None,
    label_map: dict[int, str] | None = None,
    rows: int | None = None,
    cols: int | None = None,
    value_range: Any = (0, 255),
    scale: float = 2,
    path: Any = None,
    show: bool | None = None,
    transparent: bool = True,
    dpi: float = 60,
    legend_handles: Any = None,
    data_format: str | None = None,
) -> None:
    """Shows images in rows and columns, or writes them to a file.

    Args:
        images: (N, H, W, C).
        y_true: (N,), numbers of classes, shown above the images.
        y_pred: (N,), predicted ones, likewise.
        label_map: the names of the classes by their numbers; needed for labels.
        rows: of the gallery; by default about as many as columns.
        cols: columns of the gallery; by default enough for all images.
        value_range: the least and the greatest value of a pixel.
        scale: the size of one image, in inches.
        path: the file to write.
        show: whether the figure is shown; by default if there is no ``path``.
        transparent: whether the background of the file is.
        dpi: pixels per inch in the file.
        legend_handles: patches of matplotlib, for a legend below.
        data_format: ``"channels_last"`` or ``"channels_first"``; as `etude.config` says by default.

    Raises:
        ArgumentError: both ``path`` and ``show`` are given, or labels without names.
        ShapeError: the images are no batch.
        MissingPackageError: matplotlib is not installed.

    Example:
        ``plot_image_gallery(x[:9], y[:9], label_map={0: "cat", 1: "dog"})``
    """
    plt = _matplotlib("plot_image_gallery").pyplot
    if path is not None and show:
        raise ArgumentError(
            "plot_image_gallery() expects either `path` to be set, or `show` to be true; got both."
        )
    if (y_true is not None or y_pred is not None) and label_map is None:
        raise ArgumentError(
            "If `y_true` or `y_pred` are provided, a `label_map` must also be provided: the names "
            "of the classes by their numbers."
        )
    batch = _as_bytes(as_images(images, data_format), value_range)
    rows, cols = _layout(len(batch), rows, cols)
    figure, axes = plt.subplots(
        rows, cols, figsize=(cols * scale, rows * scale), frameon=False, layout="tight",
        squeeze=False,
    )  # fmt: skip
    if legend_handles is not None:
        figure.legend(handles=legend_handles, loc="lower center")
    titles = _titles(y_true, y_pred, label_map or {})
    for index, axis in enumerate(axes.flat):
        axis.axis("off")
        if index < len(batch):
            image = batch[index]
            axis.imshow(image[..., 0] if image.shape[-1] == 1 else image, cmap="gray")
            axis.set_title(titles(index), fontsize=8)
    if path is not None:
        figure.savefig(path, pad_inches=0, bbox_inches="tight", transparent=transparent, dpi=dpi)
        plt.close(figure)
    elif show is None or show:
        plt.show()
        plt.close(figure)


def _layout(count: int, rows: int | None, cols: int | None) -> tuple[int, int]:
    """Rows and columns for this many images.

    >>> _layout(7, None, None), _layout(7, 2, None), _layout(7, None, 5)
    ((3, 3), (2, 4), (2, 5))
    """
    if rows is None:
        rows = math.ceil(math.sqrt(count)) if cols is None else math.ceil(count / cols)
    return rows, cols or math.ceil(count / rows)


def _as_bytes(images: np.ndarray[Any, Any], value_range: Any) -> np.ndarray[Any, Any]:
    low, high = value_range
    stretched = (images.astype("float32") - low) * (255 / (high - low))
    return np.clip(stretched, 0, 255).astype("uint8")


def _titles(y_true: Any, y_pred: Any, names: dict[int, str]) -> Any:
    """What stands above the image with a number."""
    known = [
        (word, np.asarray(convert_to_numpy(labels)).reshape(-1))
        for word, labels in (("Label", y_true), ("Pred", y_pred))
        if labels is not None
    ]

    def title(index: int) -> str:
        parts = [
            f"{word}: {names.get(labels[index].item(), 'Unknown')}"
            for word, labels in known
            if index < len(labels)
        ]
        return "  ".join(parts)

    return title


def plot_bounding_box_gallery(
    images: Any,
    bounding_box_format: str,
    y_true: Any = None,
    y_pred: Any = None,
    value_range: Any = (0, 255),
    true_color: Any = (0, 188, 212),
    pred_color: Any = (255, 235, 59),
    line_thickness: int = 2,
    font_scale: float = 1.0,
    text_thickness: int | None = None,
    class_mapping: dict[int, str] | None = None,
    ground_truth_mapping: dict[int, str] | None = None,
    prediction_mapping: dict[int, str] | None = None,
    legend: bool = False,
    legend_handles: Any = None,
    rows: int | None = None,
    cols: int | None = None,
    data_format: str | None = None,
    **kwargs: Any,
) -> None:
    """Shows images with true and predicted boxes, in rows and columns.

    Args:
        images: (N, H, W, C).
        bounding_box_format: of the boxes; see `etude.utils.bounding_boxes.convert_format`.
        y_true: the true boxes, as `draw_bounding_boxes` takes them.
        y_pred: the predicted ones.
        value_range: the least and the greatest value of a pixel.
        true_color: red, green, blue of the true boxes, from 0 to 255.
        pred_color: of the predicted ones.
        line_thickness: in pixels.
        font_scale: the size of the letters.
        text_thickness: of the strokes of letters; that of the lines by default.
        class_mapping: the names of the classes by their numbers.
        ground_truth_mapping: names for the true boxes, where they are others.
        prediction_mapping: names for the predicted boxes.
        legend: whether a legend explains the colours.
        legend_handles: patches of matplotlib, for a legend of your own.
        rows: of the gallery.
        cols: columns of the gallery.
        data_format: ``"channels_last"`` or ``"channels_first"``.
        **kwargs: more arguments of `plot_image_gallery`.

    Raises:
        ArgumentError: both ``legend`` and ``legend_handles`` are given.
        ShapeError: the images are no batch.
        MissingPackageError: matplotlib is not installed.

    Example:
        ``plot_bounding_box_gallery(x, "xyxy", y_true=boxes, class_mapping={0: "cat"})``
    """
    matplotlib = _matplotlib("plot_bounding_box_gallery")
    drawn = _as_bytes(as_images(images, data_format), value_range)
    for boxes, color, names in (
        (y_true, true_color, ground_truth_mapping or class_mapping),
        (y_pred, pred_color, prediction_mapping or class_mapping),
    ):
        if boxes is not None:
            drawn = draw_bounding_boxes(
                drawn,
                boxes,
                bounding_box_format,
                class_mapping=names,
                color=color,
                line_thickness=line_thickness,
                text_thickness=text_thickness,
                font_scale=font_scale,
                data_format="channels_last",
            )
    if legend and legend_handles:
        raise ArgumentError(
            "Only pass `legend` OR `legend_handles` to plot_bounding_box_gallery(); got both."
        )
    if legend:
        legend_handles = [
            matplotlib.patches.Patch(color=[part / 255 for part in color], label=label)
            for color, label in ((true_color, "Ground Truth"), (pred_color, "Prediction"))
        ]
    plot_image_gallery(
        drawn,
        legend_handles=legend_handles,
        rows=rows,
        cols=cols,
        data_format="channels_last",
        **kwargs,
    )


def plot_segmentation_mask_gallery(
    images: Any,
    num_classes: int,
    value_range: Any = (0, 255),
    y_true: Any = None,
    y_pred: Any = None,
    color_mapping: dict[int, Any] | None = None,
    blend: bool = True,
    alpha: float = 0.8,
    ignore_index: int = -1,
    data_format: str | None = None,
    **kwargs: Any,
) -> None:
    """Shows each image in a row, beside it with the true and with the predicted mask.

    Args:
        images: (N, H, W, C).
        num_classes: classes from this number on are not coloured.
        value_range: the least and the greatest value of a pixel.
        y_true: the true masks, (N, H, W) or (N, H, W, 1).
        y_pred: the predicted ones.
        color_mapping: red, green, blue by class.
        blend: whether the colours are mixed with the image.
        alpha: how much of the colours there is, from 0 to 1.
        ignore_index: the class that is left as it is.
        data_format: ``"channels_last"`` or ``"channels_first"``.
        **kwargs: more arguments of `plot_image_gallery`.

    Raises:
        ShapeError: the images are no batch.
        MissingPackageError: matplotlib is not installed.

    Example:
        ``plot_segmentation_mask_gallery(x, num_classes=3, y_true=masks, y_pred=predicted)``
    """
    plain = _as_bytes(as_images(images, data_format), value_range)
    columns = [plain]
    for masks in (y_true, y_pred):
        if masks is not None:
            numbers = np.asarray(convert_to_numpy(masks)).astype("int32")
            if numbers.ndim == 4:
                numbers = as_images(numbers, data_format)[..., 0]
            drawn = draw_segmentation_masks(
                plain, numbers, num_classes, color_mapping, alpha, blend, ignore_index,
                "channels_last",
            )  # fmt: skip
            columns.append(drawn.astype("uint8"))
    side_by_side = np.stack(columns, axis=1)  # (N, columns, H, W, C)
    plot_image_gallery(
        side_by_side.reshape(-1, *plain.shape[1:]),
        rows=len(plain),
        cols=len(columns),
        data_format="channels_last",
        **kwargs,
    )
