"""Connectionist temporal classification: sequences of labels from longer sequences of outputs.

An alignment names a label or the blank for each step; without repetitions and blanks it reads as a
sequence of labels. The probability of a sequence is the sum over its alignments.

Source: Graves et al., Connectionist temporal classification: labelling unsegmented sequence data
with recurrent neural networks, 2006.
"""

from __future__ import annotations

from typing import Any

from etude.autodiff import Tensor, as_tensor, composite
from etude.dtypes import result_type
from etude.errors import ArgumentError, ShapeError
from etude.ops.activation import log_softmax
from etude.ops.core import cast
from etude.ops.creation import arange, full, zeros
from etude.ops.elementwise import maximum, where
from etude.ops.exponential import logaddexp
from etude.ops.indexing import take_along_axis
from etude.ops.joining import concatenate, stack
from etude.ops.reduction import all, any, argmax, logsumexp, max, sum
from etude.ops.repetition import pad
from etude.ops.scanning import scan
from etude.ops.scatter import one_hot
from etude.ops.shape import broadcast_to, expand_dims, moveaxis, reshape, transpose
from etude.ops.sorting import argsort, top_k

__all__ = ["ctc_decode", "ctc_loss"]

_NEVER = -1e5
"""Stands for ln 0 in the loss: finite, so that what cannot be aligned has a gradient, too."""


# --- loss -------------------------------------------------------------------------------------


@composite
def ctc_loss(
    target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0
) -> Tensor:
    """-ln p(target | output), by the forward recursion.

    With l' the U labels and a blank before, between and behind them, and y = softmax(output),

        α_t(s) = y_t(l'_s) (α_{t-1}(s) + α_{t-1}(s-1) + [...] α_{t-1}(s-2)),
        p = α_T(2U) + α_T(2U - 1),

    in logarithms throughout; the jump [...] is allowed to a label that is not that before it.

    Args:
        target: labels, (B, U) integers.
        output: logits, (B, T, C).
        target_length: how many labels count, (B,).
        output_length: how many steps count, (B,).
        mask_index: the class of the blank.

    Returns:
        The loss of each example, (B,).

    >>> round(float(ctc_loss([[1]], [[[0.0, 0.0]]], [1], [1])[0]), 4)
    0.6931
    """
    labels, logits = cast(as_tensor(target), "int32"), as_tensor(output)
    lengths = cast(as_tensor(target_length), "int32"), cast(as_tensor(output_length), "int32")
    _check_batch(target=labels, output=logits, target_length=lengths[0], output_length=lengths[1])
    logs = log_softmax(cast(logits, result_type(str(logits.dtype), "float32")))
    batch, steps, _ = logs.shape
    blank = full(labels.shape, mask_index, "int32")
    states = reshape(stack([blank, labels], -1), (batch, -1))
    states = concatenate([states, full((batch, 1), mask_index, "int32")], -1)  # l', (B, 2U + 1)
    two_before = pad(states, ((0, 0), (2, 0)), constant_values=-1)[:, :-2]
    is_label = arange(states.shape[1], dtype="int32") % 2 == 1  # by place: a label may be class 0
    jumps = is_label & (states != two_before)
    emitted = take_along_axis(
        logs, broadcast_to(expand_dims(states, 1), (batch, steps, states.shape[1])), -1
    )
    first = arange(states.shape[1], dtype="int32") < 2
    alpha = where(first, emitted[:, 0], _NEVER)  # at t = 0: the first blank or the first label

    def step(alpha: Tensor, x: tuple[Tensor, Tensor]) -> tuple[Tensor, None]:
        log_y, counts = x
        by_one, by_two = _moved(alpha, 1), where(jumps, _moved(alpha, 2), _NEVER)
        new = log_y + logaddexp(logaddexp(alpha, by_one), by_two)
        return where(expand_dims(counts, -1), new, alpha), None

    counts = expand_dims(arange(1, steps, dtype="int32"), 1) < lengths[1]  # (T - 1, B)
    alpha, _ = scan(step, alpha, (transpose(emitted[:, 1:], (1, 0, 2)), counts))
    end = expand_dims(2 * lengths[0], -1)  # (B, 1)
    blank_last = take_along_axis(alpha, end, -1)
    label_last = where(end > 0, take_along_axis(alpha, maximum(end - 1, 0), -1), _NEVER)
    return -logaddexp(blank_last, label_last)[:, 0]


def _check_batch(**tensors: Tensor) -> None:
    if tensors["target"].ndim != 2 or tensors["output"].ndim != 3:
        raise ShapeError(
            "ctc_loss expects target (batch, labels) and output (batch, steps, classes); got "
            f"shapes {tensors['target'].shape} and {tensors['output'].shape}."
        )
    (first, batch), *rest = ((name, t.shape[0]) for name, t in tensors.items())
    for name, size in rest:
        if size != batch:
            raise ShapeError(
                f"ctc_loss: Arguments `{first}` and `{name}` must have the same first dimension, "
                f"the batch. Received shapes: {tensors[first].shape} and {tensors[name].shape}."
            )


def _moved(alpha: Tensor, by: int) -> Tensor:
    """Each state the one before it by so many: (B, S)."""
    return pad(alpha, ((0, 0), (by, 0)), constant_values=_NEVER)[:, : alpha.shape[1]]


# --- decoding ---------------------------------------------------------------------------------


@composite
def ctc_decode(
    inputs: Any,
    sequence_lengths: Any,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> tuple[Tensor, Tensor]:
    """The likeliest sequences of labels.

    Args:
        inputs: logits, (B, T, C).
        sequence_lengths: how many steps count, (B,).
        strategy: ``"greedy"`` takes the best class of each step; ``"beam_search"`` adds up the
            alignments of the best sequences.
        beam_width: how many sequences the beam search keeps.
        top_paths: how many sequences it returns.
        merge_repeated: whether the greedy strategy merges repeated classes.
        mask_index: the class of the blank.

    Returns:
        Labels, int32 (P, B, T), filled up with -1, and scores (B, P): for the greedy strategy minus
        the sum of the best logits, for the beam search the logarithm of the probability.

    >>> labels, scores = ctc_decode([[[0.1, 0.9], [0.1, 0.9], [0.9, 0.1]]], [3])
    >>> labels.numpy().tolist()
    [[[1, -1, -1]]]
    """
    x = as_tensor(inputs)
    x = cast(x, result_type(str(x.dtype), "float32"))
    lengths = cast(as_tensor(sequence_lengths), "int32")
    if strategy == "greedy":
        return _greedy(x, lengths, merge_repeated, mask_index)
    if strategy == "beam_search":
        return _beam_search(x, lengths, beam_width, top_paths, mask_index)
    raise ArgumentError(
        f"ctc_decode: Invalid strategy {strategy}. Supported values are 'greedy' and 'beam_search'."
    )


def _greedy(x: Tensor, lengths: Tensor, merge: bool, blank: int) -> tuple[Tensor, Tensor]:
    batch, steps, _ = x.shape
    places = arange(steps, dtype="int32")
    over = places >= expand_dims(lengths, -1)  # (B, T)
    best = where(over, blank, argmax(x, -1))
    scores = -sum(where(over, 0, max(x, -1)), -1, True)
    empty = best == blank
    if merge:
        empty = empty | (best == pad(best, ((0, 0), (1, 0)), constant_values=-1)[:, :-1])
    order = argsort(where(empty, steps, broadcast_to(places, (batch, steps))))
    labels = take_along_axis(where(empty, -1, best), order, -1)
    return expand_dims(labels, 0), scores


_NONE = -float("inf")


def _beam_search(
    x: Tensor, lengths: Tensor, width: int, paths: int, blank: int
) -> tuple[Tensor, Tensor]:
    """Prefix search: of equals, the lower class is kept.

    A beam holds a sequence, and the probabilities of its alignments that end in a blank, and in a
    label.

    Source: Hannun et al., First-pass large vocabulary continuous speech recognition, 2014.
    """
    batch, steps, _ = x.shape
    logs = log_softmax(x)
    shape = (batch, width)
    beams = {
        "prefix": full((*shape, steps), -1, "int32"),
        "length": zeros(shape, "int32"),
        "blank": broadcast_to(where(arange(width) == 0, 0.0, _NONE), shape),
        "label": full(shape, _NONE),
    }
    beams = {k: cast(v, logs.dtype) if k in ("blank", "label") else v for k, v in beams.items()}
    counts = expand_dims(arange(steps, dtype="int32"), 1) < lengths  # (T, B)

    def step(beams: dict[str, Tensor], t: tuple[Tensor, Tensor]) -> tuple[dict[str, Tensor], None]:
        new = _extended(beams, t[0], blank)
        on = t[1]
        return {
            k: where(reshape(on, (-1,) + (1,) * (v.ndim - 1)), new[k], v) for k, v in beams.items()
        }, None

    beams, _ = scan(step, beams, (transpose(logs, (1, 0, 2)), counts))
    total = logaddexp(beams["blank"], beams["label"])
    scores, best = top_k(total, paths)
    labels = take_along_axis(beams["prefix"], expand_dims(best, -1), 1)  # (B, P, T)
    return moveaxis(labels, 1, 0), scores


def _extended(beams: dict[str, Tensor], log_y: Tensor, blank: int) -> dict[str, Tensor]:
    """The best beams one step on: those that stay, and those with one more label.

    Args:
        beams: sequences (B, W, T), their lengths and logarithms (B, W).
        log_y: (B, C).
        blank: the class of the blank.
    """
    prefix, length = beams["prefix"], beams["length"]
    batch, width, steps = prefix.shape
    classes = log_y.shape[-1]
    total = logaddexp(beams["blank"], beams["label"])
    place = expand_dims(maximum(length - 1, 0), -1)
    last = where(length > 0, take_along_axis(prefix, place, -1)[..., 0], -1)  # (B, W)
    again = take_along_axis(log_y, maximum(last, 0), -1)  # y of the last label
    stay_blank = total + log_y[:, blank : blank + 1]
    stay_label = where(length > 0, beams["label"] + again, _NONE)
    # One more label c: all alignments, but only those that end in a blank where c is the last.
    same = expand_dims(last, -1) == arange(classes, dtype="int32")  # (B, W, C)
    grown = where(same, expand_dims(beams["blank"], -1), expand_dims(total, -1))
    grown = grown + expand_dims(log_y, 1)
    grown = where(arange(classes, dtype="int32") == blank, _NONE, grown)
    # Beam i with one more label may be beam j already: then it is added there, and left out here.
    shorter = where(arange(steps, dtype="int32") == place, -1, prefix)
    parent = all(expand_dims(prefix, 2) == expand_dims(shorter, 1), -1)  # (B, W i, W j)
    parent = parent & (expand_dims(length, 2) + 1 == expand_dims(length, 1))
    alive = total > _NONE
    parent = parent & expand_dims(alive, 1) & expand_dims(alive, 2)
    label_of_j = broadcast_to(expand_dims(maximum(last, 0), 1), (batch, width, width))
    joining = where(parent, take_along_axis(grown, label_of_j, -1), _NONE)
    stay_label = logaddexp(stay_label, logsumexp(joining, 1))
    is_known = any(
        expand_dims(parent, -1) & expand_dims(one_hot(maximum(last, 0), classes, dtype="bool"), 1),
        2,
    )
    grown = where(is_known, _NONE, grown)
    # The best of W + W C candidates.
    candidates = concatenate([reshape(grown, (batch, -1)), logaddexp(stay_blank, stay_label)], -1)
    _, best = top_k(candidates, width)
    stays = best >= width * classes
    source = where(stays, best - width * classes, best // classes)
    label = best % classes
    kept = take_along_axis(length, source, -1)
    rows = take_along_axis(prefix, expand_dims(source, -1), 1)
    added = ~expand_dims(stays, -1) & (arange(steps, dtype="int32") == expand_dims(kept, -1))
    return {
        "prefix": where(added, expand_dims(label, -1), rows),
        "length": where(stays, kept, kept + 1),
        "blank": where(stays, take_along_axis(stay_blank, source, -1), _NONE),
        "label": where(
            stays, take_along_axis(stay_label, source, -1), take_along_axis(candidates, best, -1)
        ),
    }
