"""Sequences of different lengths as one array."""

from __future__ import annotations

from typing import Any

import numpy as np

from etude.errors import ArgumentError

__all__ = ["pad_sequences"]


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray[Any, Any]:
    """Pads or cuts sequences to one length.

    Args:
        sequences: a list of sequences, each (length, ...).
        maxlen: the length; that of the longest by default.
        dtype: of the result.
        padding: whether values are put ``"pre"`` (before) or ``"post"`` (after) a sequence.
        truncating: whether values are cut off ``"pre"`` (at the start) or ``"post"``.
        value: what is put there.

    Returns:
        (number of sequences, maxlen, ...)

    Raises:
        ArgumentError: an element is no sequence, or an argument has another value.

    Example:
        >>> pad_sequences([[1], [2, 3, 4]], maxlen=2)
        array([[0, 1],
               [3, 4]], dtype=int32)
    """
    for name, choice in (("padding", padding), ("truncating", truncating)):
        if choice not in ("pre", "post"):
            raise ArgumentError(f"`{name}` must be 'pre' or 'post'; got {choice!r}.")
    if not hasattr(sequences, "__len__"):
        raise ArgumentError("`sequences` must be iterable.")
    for sequence in sequences:
        if not hasattr(sequence, "__len__"):
            raise ArgumentError(
                "`sequences` is a list of lists, one for each sample; got a non-iterable: "
                f"{sequence!r}."
            )
        if dtype is not object and np.dtype(dtype).kind not in "USO" and _holds_text(sequence):
            raise ArgumentError(
                f"`dtype` {np.dtype(dtype)} is not compatible with text, which a sequence is or "
                f"holds: {sequence!r:.60}. Turn words into numbers first, e.g. with "
                "`TextVectorization`; or pad the text itself with `dtype=object, value=''`."
            )
    dtype = object if dtype is object else np.dtype(dtype)
    if isinstance(value, str) and dtype is not object and dtype.kind not in "US":
        raise ArgumentError(
            f"`dtype` {dtype} is not compatible with the text in `value`, {value!r}. For texts of "
            "different lengths use `dtype=object`."
        )
    shape = next((np.asarray(s).shape[1:] for s in sequences if len(s)), ())
    if maxlen is None:
        maxlen = max((len(s) for s in sequences), default=0)
    padded = np.full((len(sequences), maxlen, *shape), value, dtype=dtype)
    for i, sequence in enumerate(sequences):
        kept = sequence[-maxlen:] if truncating == "pre" else sequence[:maxlen]
        if not len(kept) or not maxlen:
            continue
        kept = np.asarray(kept, dtype=dtype)
        if kept.shape[1:] != shape:
            raise ArgumentError(
                f"All steps must have one shape; in sequence {i} they have {kept.shape[1:]}, "
                f"different from expected shape {shape} of the first."
            )
        if padding == "pre":
            padded[i, -len(kept) :] = kept
        else:
            padded[i, : len(kept)] = kept
    return padded


def _holds_text(sequence: Any) -> bool:
    return isinstance(sequence, str) or (len(sequence) > 0 and isinstance(sequence[0], str))
