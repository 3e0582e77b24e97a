"""Why a gradient is None: what `GradientTape.gradient` says of sources that it found no way to."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any

from etude.autodiff.primitive import RecordedCall
from etude.autodiff.recording import Cut
from etude.autodiff.tensor import Leaf, Tensor
from etude.dtypes import is_float_dtype
from etude.engine import in_frame
from etude.tracebacks import is_machinery, warn

__all__ = ["warn_of_none"]

_told: set[tuple[str, int]] = set()
"""The lines that were told of: a loop over steps is told once."""


def warn_of_none(
    sources: list[Any],
    watched: list[bool],
    gradients: list[Any],
    targets: list[Tensor],
    start: int,
    cuts: Iterable[Cut],
) -> None:
    """Warns where a gradient is None that was hardly meant to be.

    All of them None is always said. Where only some are, those Variables are said that went into an
    operation without a derivative; and, where nothing is being compiled, those on which the target
    does not depend (in a step of `fit` the optimizer says it). Of frozen ones nothing is said.

    Args:
        sources: Tensors and Variables.
        watched: whether the tape has a place for each.
        gradients: what was found for each.
        targets: what was to be differentiated.
        start: calls recorded before this number are constants.
        cuts: where recording ended.
    """
    rows = zip(sources, watched, gradients, strict=True)
    none = [(source, known) for source, known, g in rows if g is None]
    everything = len(none) == len(sources)
    line, is_inside = _caller()
    if line in _told or (is_inside and not everything):
        return
    reasons: dict[str, list[str]] = {}
    for source, known in none:
        reason = _reason(source, known, targets, start, list(cuts))
        if everything or (known and _is_accident(source, reason)):
            reasons.setdefault(reason, []).append(_named(source))
    if reasons:
        _told.add(line)
        told = "; and for ".join(f"{_listed(names)}: {why}" for why, names in reasons.items())
        warn(
            f"The gradient is None for {told}. Where that is meant, "
            "`unconnected_gradients='zero'` gives zeros."
        )


def _caller() -> tuple[tuple[str, int], bool]:
    """The line of the user, and whether etude itself has asked for the gradient."""
    frame: FrameType | None = sys._getframe(3)  # pyright: ignore[reportPrivateUsage]
    is_inside = is_machinery(str(frame.f_globals.get("__name__", "")))
    while frame is not None and is_machinery(str(frame.f_globals.get("__name__", ""))):
        frame = frame.f_back
    return ("", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno), is_inside


_INDEPENDENT = "the target does not depend on it"


def _is_accident(source: Any, reason: str) -> bool:
    if isinstance(source, Tensor) or "stop_gradient" in reason:
        return False
    return reason != _INDEPENDENT or not in_frame()


def _reason(source: Any, watched: bool, targets: list[Tensor], start: int, cuts: list[Cut]) -> str:
    if not is_float_dtype(source.dtype):
        return f"it holds {source.dtype}, and only floats have derivatives"
    leaf = source.origin if isinstance(source, Tensor) else source.__etude_source__().origin
    if leaf is None or not watched:
        what = "Tensors" if isinstance(source, Tensor) else "Variables that are not trainable"
        what = what if leaf is None else "Variables"
        return f"this tape watches {what} only when told to; call `tape.watch(x)` before using it"
    for name, why, inputs in reversed(cuts):  # the last one is nearest to the target
        if any(_leads_to(x, leaf) for x in inputs):
            return f"what is computed from it went into `{name}`, which has no derivative: {why}"
    origins = [t.origin for t in targets]
    if all(
        origin is None or (isinstance(origin, RecordedCall) and origin.seq < start)
        for origin in origins
    ):
        return (
            "the target was not recorded by this tape: it was computed before or after "
            "`with GradientTape()`, or from constants, such as NumPy arrays, alone. Compute it "
            "inside of the block"
        )
    return _INDEPENDENT


def _leads_to(tensor: Tensor, leaf: RecordedCall | Leaf) -> bool:
    """Whether a Tensor was computed from a source."""
    waiting, seen = [tensor.origin], set[int]()
    while waiting:
        origin = waiting.pop()
        if origin is leaf:
            return True
        if isinstance(origin, RecordedCall) and id(origin) not in seen:
            seen.add(id(origin))
            waiting += [x.origin for x in origin.inputs if x is not None]
    return False


def _named(source: Any) -> str:
    return f"a Tensor of shape {source.shape}" if isinstance(source, Tensor) else repr(source.path)


def _listed(names: list[str]) -> str:
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + rest
