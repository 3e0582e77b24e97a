"""Operations on symbolic tensors: what is not known stays None."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from etude import ops
from etude.autodiff import KerasTensor

B = KerasTensor((None, 4, 6))


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda: B + B, (None, 4, 6)),
        (lambda: B * KerasTensor((6,)), (None, 4, 6)),
        (lambda: ops.reshape(B, (-1, 24)), (None, 24)),
        (lambda: ops.transpose(B, (2, 0, 1)), (6, None, 4)),
        (lambda: ops.concatenate([B, B], axis=1), (None, 8, 6)),
        (lambda: ops.concatenate([B, B], axis=0), (None, 4, 6)),
        (lambda: ops.stack([B, B], axis=-1), (None, 4, 6, 2)),
        (lambda: B[:, 0], (None, 6)),
        (lambda: B[:, 1:3, ::2], (None, 2, 3)),
        (lambda: B[..., None], (None, 4, 6, 1)),
        (lambda: ops.split(B, 3, axis=2)[1], (None, 4, 2)),
        (lambda: ops.matmul(B, KerasTensor((6, 5))), (None, 4, 5)),
        (lambda: ops.einsum("bij,bkj->bik", B, B), (None, 4, 4)),
        (lambda: ops.sum(B, axis=(1, 2)), (None,)),
        (lambda: ops.mean(B, axis=0), (4, 6)),
        (lambda: ops.top_k(B, 2)[1], (None, 4, 2)),
        (lambda: ops.pad(B, ((0, 0), (1, 1), (0, 2))), (None, 6, 8)),
        (lambda: ops.repeat(B, 2, axis=0), (None, 4, 6)),
        (lambda: ops.one_hot(KerasTensor((None,), "int32"), 3), (None, 3)),
        (
            lambda: ops.take(KerasTensor((10, 2)), KerasTensor((None, 5), "int32"), axis=0),
            (None, 5, 2),
        ),
        (lambda: ops.where(B > 0, B, 0.0), (None, 4, 6)),
        (lambda: ops.softmax(B), (None, 4, 6)),
        (lambda: ops.expand_dims(B, 0), (1, None, 4, 6)),
        (lambda: ops.broadcast_to(KerasTensor((1, 6)), (4, 6)), (4, 6)),
        (lambda: ops.add(KerasTensor((None, 3)), KerasTensor((2, None))), (2, 3)),
        (lambda: ops.dot(KerasTensor((None, 3)), KerasTensor((None, None, 2))), (None, None, 2)),
        (lambda: ops.split(KerasTensor((None, 3)), 2)[0], (None, 3)),
        (lambda: ops.array_split(KerasTensor((None, 3)), 2)[1], (None, 3)),
        (lambda: ops.unstack(KerasTensor((2, None, 5)), num=3, axis=1)[2], (2, 5)),
        (lambda: ops.unique(KerasTensor((2, 4)), axis=0), (None, 4)),
        (lambda: ops.nonzero(KerasTensor((2, 4)))[1], (None,)),
        (lambda: ops.segment_sum(KerasTensor((9, 4)), KerasTensor((9,), "int32")), (None, 4)),
        (lambda: ops.svd(KerasTensor((None, 3, 2)))[0], (None, 3, 3)),
    ],
)
def test_shape(call: Callable[[], Any], shape: tuple[int | None, ...], engine: str) -> None:
    found = call()
    assert isinstance(found, KerasTensor)
    assert found.shape == shape


def test_a_static_mask_keeps_its_places_in_a_symbolic_call(engine: str) -> None:
    found = B[:, np.array([True, False, True, False])]
    assert found.shape == (None, 2, 6)


def test_sizes_with_divisors_are_tried_where_an_op_asks_for_them(engine):
    x = KerasTensor((None, None, 4))
    assert ops.reshape(x, (-1, 8)).shape == (None, 8)
    assert [part.shape for part in ops.split(x, 2, axis=1)] == [(None, None, 4)] * 2
    assert ops.reshape(KerasTensor((None, None)), (-1, 2, 3)).shape == (None, 2, 3)
