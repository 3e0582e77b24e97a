"""The kernels of both engines: convolution and pooling of random shapes, special functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etude.engine import numpy as numpy_engine
from etude.engine import numpy_convolution, numpy_kernels, numpy_special
from etude.engine.cell import Frame
from etude.engine.xla import xla_kernels  # by way of the engine, which turns 64-bit types on
from etude.engine.xla_convolution import xla_depthwise, xla_native
from tests.ops.families.convolution import naive
from tests.ops.families.pooling import windows

KERNELS = [numpy_kernels, xla_kernels]

# Each shape is a program to compile.
few = settings(max_examples=max(settings.default.max_examples // 4, 1))


@st.composite
def convolutions(draw: Callable[..., Any], depthwise: bool = False) -> tuple[Any, ...]:
    """Shapes and options of a convolution with a non-empty output."""
    rank = draw(st.integers(1, 3))
    groups = draw(st.sampled_from([2, 3] if depthwise else [1, 1, 2, 3]))
    channels, filters = 1 if depthwise else draw(st.integers(1, 3)), draw(st.integers(1, 3))
    per_axis = st.tuples(*[st.integers(1, 3)] * rank)
    window, strides = draw(per_axis), draw(per_axis)
    dilation = draw(st.tuples(*[st.integers(1, 2)] * rank))
    padding = draw(st.tuples(*[st.tuples(st.integers(-1, 2), st.integers(-1, 2))] * rank))
    sizes = [
        draw(st.integers((k - 1) * d + 3, (k - 1) * d + 5))
        for k, d in zip(window, dilation, strict=True)
    ]
    x = (draw(st.integers(1, 2)), *sizes, groups * channels)
    w = (*window, channels, groups * filters)
    return x, w, strides, padding, dilation, groups


def _dot(a: Any, b: Any) -> float:
    return float(np.sum(np.asarray(a) * np.asarray(b)))


def _check_convolution(kernels: Any, compiled: Callable[..., Any], case: tuple[Any, ...]) -> None:
    """Forward against loops; gradients by ⟨g, v ⋆ w⟩ = ⟨v, dx⟩ and ⟨g, x ⋆ v⟩ = ⟨v, dw⟩."""
    x_shape, w_shape, *how = case
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(x_shape), rng.standard_normal(w_shape)
    y = naive(x, w, *how)
    g, v_x, v_w = (rng.standard_normal(s) for s in (y.shape, x_shape, w_shape))

    def all_three(x: Any, w: Any, g: Any) -> Any:
        return (
            kernels.conv(x, w, *how),
            kernels.conv_input_gradient(g, w, x_shape, *how),
            kernels.conv_filter_gradient(x, g, w_shape, *how),
        )

    found, dx, dw = compiled(all_three)(x, w, g)
    np.testing.assert_allclose(found, y, atol=1e-11)
    assert dx.shape == x_shape
    assert dw.shape == w_shape
    assert _dot(v_x, dx) == pytest.approx(_dot(g, naive(v_x, w, *how)), abs=1e-9)
    assert _dot(v_w, dw) == pytest.approx(_dot(g, naive(x, v_w, *how)), abs=1e-9)


@given(convolutions())
def test_numpy_convolution_and_its_gradients(case: tuple[Any, ...]) -> None:
    _check_convolution(numpy_kernels, lambda f: f, case)


@few
@given(convolutions())
def test_xla_convolution_and_its_gradients(case: tuple[Any, ...]) -> None:
    _check_convolution(xla_kernels, jax.jit, case)


@few
@given(convolutions(depthwise=True))
def test_xla_depthwise_convolution_and_its_gradients(case: tuple[Any, ...]) -> None:
    assert xla_depthwise.serves(case[1][:-2], case[1][-2], case[-1])
    _check_convolution(xla_kernels, jax.jit, case)


@st.composite
def many_channels(draw: Callable[..., Any]) -> tuple[Any, ...]:
    """Convolutions whose channels fill whole vectors, parts of them, and several; of few images,
    and of as many as are gone through side by side."""
    x, w, *how, groups = draw(convolutions())
    channels, filters = draw(st.integers(1, 40)), draw(st.integers(1, 60))
    x, w = (*x[:-1], groups * channels), (*w[:-2], channels, groups * filters)
    return (draw(st.integers(1, 5) | st.integers(14, 33)), *x[1:]), w, *how, groups


@pytest.mark.skipif(xla_native.loaded().path is None, reason=xla_native.loaded().reason)
@given(many_channels())
def test_native_convolution_and_its_gradients_are_those_of_numpy(case: tuple[Any, ...]) -> None:
    x_shape, w_shape, *how = case
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape).astype("float32") for shape in (x_shape, w_shape))
    y = numpy_kernels.conv(x.astype(float), w.astype(float), *how)
    assert xla_native.serves(jnp.asarray(x), jnp.asarray(w), x_shape, w_shape, y.shape, how)
    g = rng.standard_normal(y.shape).astype("float32")
    calls = (
        ("conv", (x, w)),
        ("conv_input_gradient", (g, w, x_shape)),
        ("conv_filter_gradient", (x, g, w_shape)),
    )
    for name, operands in calls:
        wide = [a.astype(float) if isinstance(a, np.ndarray) else a for a in operands]
        expected = getattr(numpy_kernels, name)(*wide, *how)
        own = [jnp.asarray(a) if isinstance(a, np.ndarray) else a for a in operands]
        found = getattr(xla_kernels, name)(*own, *how)
        assert found.dtype == "float32"
        assert found.shape == expected.shape
        # The sums are of numbers around one; float32 keeps seven digits of them.
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.skipif(xla_native.loaded().path is None, reason=xla_native.loaded().reason)
def test_native_convolutions_of_many_images_repeat_bit_for_bit() -> None:
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.standard_normal((37, 20, 20, 9)), "float32")
    g = jnp.asarray(rng.standard_normal((37, 10, 10, 33)), "float32")
    how = ((2, 2), ((1, 1), (1, 1)), (1, 1), 1)
    first = xla_kernels.conv_filter_gradient(x, g, (4, 4, 9, 33), *how)
    for _ in range(5):
        again = xla_kernels.conv_filter_gradient(x, g, (4, 4, 9, 33), *how)
        np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_convolutions_of_16_bits_are_summed_in_32(dtype: str) -> None:
    x = jnp.ones((1, 60, 60, 2), dtype)
    how = ((1, 1), ((0, 0), (0, 0)), (1, 1))
    found = xla_kernels.conv_filter_gradient(x, x, (1, 1, 2, 2), *how)
    assert found.dtype == dtype
    expected = jnp.asarray(3600, dtype)  # 2048 is where sums of ones end in float16
    np.testing.assert_array_equal(found, jnp.full((1, 1, 2, 2), expected))


def test_depthwise_gradients_of_16_bits_are_summed_in_32() -> None:
    x = jnp.ones((1, 60, 60, 2), "float16")
    how = ((1, 1), ((0, 0), (0, 0)), (1, 1), 2)
    found = xla_kernels.conv_filter_gradient(x, x, (1, 1, 1, 2), *how)
    assert found.dtype == "float16"
    np.testing.assert_array_equal(found, np.full((1, 1, 1, 2), 3600, "float16"))


def test_large_filters_and_other_groups_are_those_of_xla() -> None:
    assert not xla_depthwise.serves((9, 9), 1, 4)  # too many taps to write out
    assert not xla_depthwise.serves((3, 3), 2, 4)  # two channels per group
    assert not xla_depthwise.serves((3, 3), 1, 1)  # one channel, one group: not depthwise


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_numpy_convolution_works_through_the_batch_in_chunks(
    monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 6, 6, 4)).astype(dtype)
    w = rng.standard_normal((3, 3, 2, 4)).astype(dtype)
    how = ((1, 1), ((1, 1), (1, 1)), (1, 1), 2)
    g = rng.standard_normal((5, 6, 6, 4)).astype(dtype)

    def all_three() -> list[Any]:
        return [
            numpy_kernels.conv(x, w, *how),
            numpy_kernels.conv_input_gradient(g, w, x.shape, *how),
            numpy_kernels.conv_filter_gradient(x, g, w.shape, *how),
        ]

    whole = all_three()
    monkeypatch.setattr(numpy_convolution, "_COLUMN_BYTES", 1)
    for a, b in zip(whole, all_three(), strict=True):
        assert a.dtype == b.dtype == dtype
        np.testing.assert_allclose(a.astype("float32"), b.astype("float32"), rtol=2e-2, atol=1e-3)


def test_inputs_are_never_written() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 5, 5, 2)), rng.standard_normal((3, 3, 2, 3))
    for array in (x, w):
        array.flags.writeable = False
    how = ((1, 1), ((1, 1), (1, 1)), (1, 1))
    y = numpy_kernels.conv(x, w, *how)
    y.flags.writeable = False
    numpy_kernels.conv_input_gradient(y, w, x.shape, *how)
    numpy_kernels.conv_filter_gradient(x, y, w.shape, *how)
    pooled = numpy_kernels.max_pool(x, (2, 2), (2, 2), ((0, 0), (0, 0)))
    numpy_kernels.max_pool_scatter(pooled, pooled, x, (2, 2), (2, 2), ((0, 0), (0, 0)))
    numpy_kernels.scatter_add(x, np.array([0, 0]), 1.0)
    numpy_kernels.scatter_set(x, np.array([0]), 1.0)


def test_shapes_alone_cost_no_arithmetic() -> None:
    x, w = np.zeros((2, 8, 8, 3)), np.zeros((3, 3, 3, 4))
    how = ((1, 1), ((0, 0), (0, 0)), (1, 1))
    with Frame(shapes_only=True):
        y = numpy_kernels.conv(np.full_like(x, np.nan), w, *how)
        assert y.shape == (2, 6, 6, 4)
        assert (y == 0).all()
        assert numpy_kernels.conv_input_gradient(y, w, x.shape, *how).shape == x.shape
        assert numpy_kernels.conv_filter_gradient(x, y, w.shape, *how).shape == w.shape


def test_a_convolution_leaves_a_note_for_the_trainer() -> None:
    x, w = jnp.zeros((1, 4, 4, 8)), jnp.zeros((3, 3, 8, 8))
    how = ((1, 1), ((0, 0), (0, 0)), (1, 1))
    with Frame() as frame:
        xla_kernels.conv(x, w, *how)
    assert "convolution" in frame.notes


# --- pooling --------------------------------------------------------------------------------------


@st.composite
def poolings(draw: Callable[..., Any], channels: int = 2) -> tuple[Any, ...]:
    rank = draw(st.integers(1, 3))
    window = draw(st.tuples(*[st.integers(1, 3)] * rank))
    strides = draw(st.tuples(*[st.integers(1, 3)] * rank))
    padding = tuple((draw(st.integers(0, k - 1)), draw(st.integers(0, k - 1))) for k in window)
    sizes = [draw(st.integers(k, k + 3)) for k in window]
    shape = (draw(st.integers(1, 2)), *sizes, draw(st.integers(1, channels)))
    return shape, window, strides, padding


def _check_pooling(
    kernels: Any, compiled: Callable[..., Any], case: tuple[Any, ...], atol: float = 1e-12
) -> None:
    """Against loops over windows, with many ties: the first maximum counts."""
    shape, *how = case
    rng = np.random.default_rng(0)
    x, v = rng.integers(0, 4, shape).astype(float), rng.standard_normal(shape)
    places = list(windows(shape[1:-1], *how))
    sizes = tuple(n + 1 for n in max(o for o, _ in places))
    y = np.zeros((shape[0], *sizes, shape[-1]))
    sums, picked = y.copy(), y.copy()
    g = rng.standard_normal(y.shape)
    dx, spread = np.zeros(shape), np.zeros(shape)
    for n, c in np.ndindex(shape[0], shape[-1]):
        for o, seen in places:
            values = [x[(n, *at, c)] for at in seen]
            first = seen[int(np.argmax(values))]
            y[(n, *o, c)], sums[(n, *o, c)] = max(values), sum(values)
            picked[(n, *o, c)] = v[(n, *first, c)]
            dx[(n, *first, c)] += g[(n, *o, c)]
            for at in seen:
                spread[(n, *at, c)] += g[(n, *o, c)]

    def all_five(x: Any, y: Any, g: Any, v: Any) -> Any:
        return (
            kernels.max_pool(x, *how),
            kernels.max_pool_scatter(g, y, x, *how),
            kernels.max_pool_gather(v, y, x, *how),
            kernels.window_sum(x, *how),
            kernels.window_spread(g, shape, *how),
        )

    found = compiled(all_five)(x, y, g, v)
    for a, b in zip(found, (y, dx, picked, sums, spread), strict=True):
        np.testing.assert_allclose(a, b, atol=atol)


@given(poolings())
def test_numpy_pooling_and_its_transposes(case: tuple[Any, ...]) -> None:
    _check_pooling(numpy_kernels, lambda f: f, case)


@few
@given(poolings())
def test_xla_pooling_and_its_transposes(case: tuple[Any, ...]) -> None:
    _check_pooling(xla_kernels, jax.jit, case)


@pytest.mark.skipif(xla_native.loaded().path is None, reason=xla_native.loaded().reason)
@few
@given(poolings(channels=40))
def test_native_pooling_and_its_transpose(case: tuple[Any, ...]) -> None:
    _check_pooling(xla_kernels, _in_32_bits, case, atol=1e-5)


def _in_32_bits(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arrays: jax.jit(f)(*[jnp.asarray(a, "float32") for a in arrays])


@pytest.mark.skipif(xla_native.loaded().path is None, reason=xla_native.loaded().reason)
@pytest.mark.parametrize(("height", "channels"), [(6, 5), (7, 16)])
def test_native_pooling_of_windows_side_by_side(height: int, channels: int) -> None:
    """They cover the image, but for the seventh row: nothing may be left there."""
    case = (3, height, 4, channels), (2, 2), (2, 2), ((0, 0), (0, 0))
    _check_pooling(xla_kernels, _in_32_bits, case, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32"])
def test_large_windows_are_those_of_numpy(dtype: str) -> None:
    x = np.random.default_rng(0).integers(-9, 9, (2, 30, 20, 3)).astype(dtype)
    how = ((9, 7), (2, 3), ((4, 4), (0, 1)))
    for name in ("max_pool", "window_sum"):
        expected = getattr(numpy_kernels, name)(x, *how)
        found = getattr(xla_kernels, name)(jnp.asarray(x), *how)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, expected)
    text = str(jax.make_jaxpr(lambda x: xla_kernels.window_sum(x, *how))(jnp.asarray(x)))
    assert text.count("slice") < 9 * 7


def test_maxima_that_are_no_numbers_or_infinite_go_where_xla_sends_them() -> None:
    rng = np.random.default_rng(0)
    x = rng.choice([np.nan, -np.inf, 1.0, 2.0], (4, 12, 9, 5))  # 64-bit floats take XLA's way
    how = ((2, 3), (2, 2), ((1, 0), (1, 1)))
    y = jnp.asarray(numpy_kernels.max_pool(x, *how))
    np.testing.assert_array_equal(xla_kernels.max_pool(jnp.asarray(x), *how), y)
    g = jnp.asarray(rng.standard_normal(y.shape))
    expected = xla_kernels.max_pool_scatter(g, y, jnp.asarray(x), *how)
    own = [jnp.asarray(a, "float32") for a in (g, y, x)]
    np.testing.assert_array_equal(xla_kernels.max_pool(own[2], *how), y)
    np.testing.assert_allclose(xla_kernels.max_pool_scatter(*own, *how), expected, atol=1e-6)
    # The same places are read, for second derivatives.
    v = rng.standard_normal(x.shape)
    gathered = xla_kernels.max_pool_gather(jnp.asarray(v), y, jnp.asarray(x), *how)
    assert _dot(g, gathered) == pytest.approx(_dot(v, expected))


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
def test_maximum_of_integers(dtype: str) -> None:
    x = np.array([[[0], [1], [1], [0], [0]]]).astype(dtype)
    how = ((2,), (2,), ((0, 1),))
    for kernels in KERNELS:
        y = np.asarray(kernels.max_pool(kernels_array(kernels, x), *how))
        assert y.dtype == dtype
        assert y.ravel().tolist() == [1, 1, 0]


def kernels_array(kernels: Any, x: Any) -> Any:
    return jnp.asarray(x) if kernels is xla_kernels else x


# --- scatter, top-k -------------------------------------------------------------------------------


@pytest.mark.parametrize("kernels", KERNELS, ids=["numpy", "xla"])
def test_scatter(kernels: Any) -> None:
    x = kernels_array(kernels, np.zeros((4, 2)))
    rows = kernels_array(kernels, np.array([[0, 2], [2, -1]]))
    updates = kernels_array(kernels, np.arange(8.0).reshape(2, 2, 2))
    added = np.asarray(kernels.scatter_add(x, rows, updates))
    assert added.tolist() == [[0, 1], [0, 0], [6, 8], [6, 7]]
    columns = kernels_array(kernels, np.array([[0, 1], [0, 1]]))
    one = np.asarray(kernels.scatter_add(x, (rows, columns), updates[..., 0]))
    assert one.tolist() == [[0, 0], [0, 0], [4, 2], [0, 6]]
    put = np.asarray(kernels.scatter_set(x, (rows[0],), updates[0]))
    assert put.tolist() == [[0, 1], [0, 0], [2, 3], [0, 0]]
    nothing = kernels_array(kernels, np.zeros((0,), "int32"))
    assert np.asarray(kernels.scatter_add(x, nothing, updates[:0, 0])).tolist() == [[0, 0]] * 4


@pytest.mark.parametrize("kernels", KERNELS, ids=["numpy", "xla"])
@pytest.mark.parametrize("dtype", ["float32", "int32", "uint8"])
def test_top_k_takes_the_first_of_equals(kernels: Any, dtype: str) -> None:
    x = kernels_array(kernels, np.array([[1, 3, 2, 3], [0, 0, 0, 5]], dtype))
    values, indices = kernels.top_k(x, 3)
    assert np.asarray(values).tolist() == [[3, 3, 2], [5, 0, 0]]
    assert np.asarray(indices).tolist() == [[1, 3, 2], [3, 0, 1]]
    assert np.asarray(indices).dtype == "int32"


# --- special functions ----------------------------------------------------------------------------


def ulps(found: Any, expected: Any) -> float:
    """The largest difference in units in the last place of the expected value."""
    return float(np.max(np.abs(found - expected) / np.spacing(np.abs(expected))))


def test_erf() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(-7, 7, 5000), rng.uniform(-0.5, 0.5, 2000), [0.0, 30.0]])
    assert ulps(numpy_special.erf(x), np.vectorize(math.erf)(x)) <= 5
    edges = numpy_special.erf(np.array([np.inf, -np.inf, np.nan]))
    np.testing.assert_array_equal(edges, [1.0, -1.0, np.nan])


def test_erfinv_is_the_inverse() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(-1, 1, 5000), 1e-9 * rng.standard_normal(100)])
    y = numpy_special.erfinv(x)
    np.testing.assert_allclose(np.vectorize(math.erf)(y), x, rtol=2e-15)
    near_one = 1 - 10 ** rng.uniform(-15, -1, 1000)
    tail = np.vectorize(math.erfc)(numpy_special.erfinv(near_one))
    np.testing.assert_allclose(tail, 1 - near_one, rtol=1e-13)
    edges = numpy_special.erfinv(np.array([1.0, -1.0, 0.0, 1.5, np.nan]))
    np.testing.assert_array_equal(edges, [np.inf, -np.inf, 0.0, np.nan, np.nan])


def test_lgamma() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(0, 100, 5000), 10 ** rng.uniform(-300, 300, 1000)])
    expected = np.vectorize(math.lgamma)(x)
    np.testing.assert_allclose(numpy_special.lgamma(x), expected, rtol=1e-14, atol=1e-15)
    # Near its zeros at 1 and 2 the relative error stays small: Γ(1 + z) = 1 - γ z + O(z²).
    z = 1e-9 * rng.standard_normal(100)
    slope = 0.5772156649015329
    np.testing.assert_allclose(numpy_special.lgamma(1 + z) / ((1 + z) - 1), -slope, rtol=1e-8)
    np.testing.assert_allclose(numpy_special.lgamma(2 + z) / ((2 + z) - 2), 1 - slope, rtol=1e-8)
    negative = rng.uniform(-20, 0, 2000)
    expected = np.vectorize(math.lgamma)(negative)
    np.testing.assert_allclose(numpy_special.lgamma(negative), expected, rtol=1e-11, atol=1e-13)
    edges = numpy_special.lgamma(np.array([0.0, -1.0, 1.0, 2.0, np.inf, np.nan]))
    np.testing.assert_array_equal(edges, [np.inf, np.inf, 0.0, 0.0, np.inf, np.nan])


def test_digamma() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-20, 50, 5000)
    expected = np.asarray(jax.scipy.special.digamma(jnp.asarray(x)))
    np.testing.assert_allclose(numpy_special.digamma(x), expected, rtol=1e-11, atol=1e-12)
    harmonic = [-0.5772156649015329 + sum(1 / k for k in range(1, n)) for n in range(1, 12)]
    np.testing.assert_allclose(numpy_special.digamma(np.arange(1.0, 12.0)), harmonic, rtol=1e-14)
    assert np.isnan(numpy_special.digamma(np.array([0.0, -3.0]))).all()


@pytest.mark.parametrize("name", ["erf", "erfinv", "lgamma", "digamma"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_special_functions_agree_across_engines(name: str, dtype: str) -> None:
    x = np.linspace(0.05, 0.95, 101).astype(dtype)
    ours = getattr(numpy_kernels, name)(x)
    theirs = np.asarray(getattr(xla_kernels, name)(jnp.asarray(x)))
    assert ours.dtype == theirs.dtype == dtype
    rtol = {"float16": 3e-3, "float32": 3e-6, "float64": 1e-12}[dtype]
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", ["sum", "mean"])
def test_numpy_adds_long_columns_to_full_precision(name: str) -> None:
    x = np.random.default_rng(0).random((70, 41, 17, 3)).astype("float32") + 1
    for axis in ((0, 1, 2), (0, 1), (-4, -3, -2), 0):
        for keepdims in (False, True):
            exact = getattr(np, name)(x.astype(float), axis=axis, keepdims=keepdims)
            found = getattr(numpy_engine, name)(x, axis=axis, keepdims=keepdims)
            assert found.dtype == "float32"
            assert found.shape == exact.shape
            np.testing.assert_allclose(found, exact, rtol=1e-6)
    naive = np.add.reduce(x, axis=(0, 1, 2))
    assert np.abs(naive / x.astype(float).sum((0, 1, 2)) - 1).max() > 1e-6, "NumPy's own do not"
    for axis in (None, (), 3, (1, 2), (0, 1, 2, 3)):
        np.testing.assert_array_equal(
            getattr(numpy_engine, name)(x, axis=axis), getattr(np, name)(x, axis=axis)
        )
