"""The classes that stand for ops in the files of Keras.

Where etude has a function, Keras has a class as well, whose instances are the nodes of a graph:
``ops.sum(x, axis=1)`` is ``Sum(axis=1)`` called on ``x``. In a file, the arguments of the
constructor stand apart from those of the call. This is the table of the two.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from etude import ops
from etude.dtypes import standardize_dtype
from etude.ops import image

__all__ = ["KerasClass", "arranged", "function_of", "keras_class", "split"]

# By the module of Keras: name of the op here, class there if that is no plain CamelCase of it, and
# the arguments of the call; all others belong to the constructor.
_TABLE = {
    "core": """
        associative_scan(f,elems) cast(x) cond(pred,true_fn,false_fn) fori_loop(init_val)
        map(f,xs) saturate_cast(x) scan(f,init,xs) scatter(indices,values)
        scatter_update(inputs,indices,updates) slice(inputs,start_indices)
        slice_update(inputs,start_indices,updates) stop_gradient(variable)
        switch(index,branches,*operands) unstack(x) vectorized_map(elements)
        while_loop(loop_vars)
    """,
    "einops": """
        rearrange(tensor,pattern,**axes_lengths)
    """,
    "image": """
        affine_transform(images,transform) elastic_transform(images) extract_patches(images)
        gaussian_blur(images) hsv_to_rgb=HSVToRGB(images) map_coordinates(inputs,coordinates)
        perspective_transform(images,start_points,end_points)
        rgb_to_grayscale=RGBToGrayscale(images) rgb_to_hsv=RGBToHSV(images) resize(images)
        ssim=SSIM(image1,image2) scale_and_translate(images,output_shape,scale,translation)
        sobel_edges(images)
    """,
    "linalg": """
        cholesky(x) cholesky_inverse(x) det(x) eig(x) eigh(x) inv(x)
        jvp=JVP(fun,primals,tangents) lstsq(a,b) lu_factor(x) matrix_rank(x) norm(x) pinv(x)
        qr(x) svd=SVD(x) solve(a,b) solve_triangular(a,b)
    """,
    "math": """
        cdist=CDist(x,y) erf(x) erfc(x) erfinv(x) extract_sequences(x) fft=FFT(x) fft2=FFT2(x)
        ifft2=IFFT2(x) irfft=IRFFT(x) istft=ISTFT(x) in_top_k(targets,predictions) logdet(x)
        logsumexp(x) rfft=RFFT(x) rsqrt(x) stft=STFT(x) segment_max(data,segment_ids)
        segment_min(data,segment_ids) segment_prod(data,segment_ids)
        segment_sum(data,segment_ids) top_k(x) view_as_complex(x) view_as_real(x)
    """,
    "nn": """
        adaptive_average_pool(inputs) adaptive_max_pool(inputs) average_pool(inputs)
        batch_normalization=BatchNorm(x,mean,variance,offset,scale)
        binary_crossentropy(target,output) ctc_decode=CTCDecode(inputs,sequence_lengths)
        ctc_loss=CTCLoss(target,output,target_length,output_length)
        categorical_crossentropy(target,output) celu(x) conv(inputs,kernel)
        conv_transpose(inputs,kernel) depth_to_space(x) depthwise_conv(inputs,kernel)
        dot_product_attention(query,key,value,bias,mask,scale) elu(x) fold(x) gelu(x) glu(x)
        hard_shrink(x) hard_sigmoid(x) hard_silu(x) hard_swish=HardSilu(x) hard_tanh(x)
        layer_normalization=LayerNorm(x,gamma,beta) leaky_relu(x) log_sigmoid(x) log_softmax(x)
        max_pool(inputs) moments(x) multi_hot(inputs) normalize(x) one_hot(x) psnr=PSNR(x1,x2)
        polar(abs_,angle) rms_normalization=RMSNorm(x,scale) relu(x) relu6(x) selu(x)
        separable_conv(inputs,depthwise_kernel,pointwise_kernel) sigmoid(x)
        silu(x) swish=Silu(x)
        soft_shrink(x) softmax(x) softplus(x) softsign(x) space_to_depth(x)
        sparse_categorical_crossentropy(target,output) sparse_plus(x) sparse_sigmoid(x)
        sparsemax(x) squareplus(x) tanh_shrink(x) threshold(x) unfold(x)
    """,
    "numpy": """
        abs(x) absolute(x) add(x1,x2) all(x) allclose=AllClose(x1,x2) amax(x) amin(x) angle(x)
        any(x) append(x1,x2) arange(start,stop,step) arccos(x) arccosh(x) arcsin(x) arcsinh(x)
        arctan(x) arctan2(x1,x2) arctanh(x) argmax(x) argmin(x) argpartition(x) argsort(x)
        array(x) array_split(x) average(x,weights) bincount(x) bitwise_and(x,y)
        bitwise_invert(x) bitwise_left_shift(x,y) bitwise_not(x) bitwise_or(x,y)
        bitwise_right_shift(x,y) bitwise_xor(x,y) broadcast_to(x) cbrt(x) ceil(x) clip(x)
        concatenate(xs) conj(x) conjugate(x) copy(x) corrcoef(x) correlate(x1,x2) cos(x) cosh(x)
        count_nonzero(x) cross(x1,x2) cumprod(x) cumsum(x) deg2rad(x) diag(x) diagflat(x)
        diagonal(x) diff(a) digitize(x,bins) divide(x1,x2) divide_no_nan(x1,x2) dot(x1,x2)
        dsplit(x) dstack(xs) einsum(*operands,**kwargs) empty_like(x) equal(x1,x2) exp(x)
        exp2(x) expand_dims(x) expm1(x) fabs(x) flip(x) fliplr(x) flipud(x) floor(x)
        floor_divide(x1,x2) fmax(x1,x2) fmin(x1,x2) fmod(x1,x2) full(fill_value)
        full_like(x,fill_value) gcd(x1,x2) geomspace(start,stop) get_item(x,key)
        getitem=GetItem(x,key) greater(x1,x2)
        greater_equal(x1,x2) heaviside(x1,x2) histogram(x) hsplit(x) hstack(xs) hypot(x1,x2)
        i0(x) imag(x) inner(x1,x2) isin=IsIn(x1,x2) isclose(x1,x2,rtol,atol) isfinite(x)
        isinf(x) isnan(x) isneginf(x) isposinf(x) isreal(x) kron(x1,x2) lcm(x1,x2) ldexp(x1,x2)
        left_shift(x,y) less(x1,x2) less_equal(x1,x2) linspace(start,stop) log(x) log10(x)
        log1p(x) log2(x) logaddexp(x1,x2) logaddexp2(x1,x2) logical_and(x1,x2) logical_not(x)
        logical_or(x1,x2) logical_xor(x1,x2) logspace(start,stop) matmul(x1,x2) max(x)
        maximum(x1,x2) mean(x) median(x) meshgrid(*x) min(x) minimum(x1,x2) mod(x1,x2)
        moveaxis(x) multiply(x1,x2) nan_to_num(x) nanargmax(x) nanargmin(x) nancumprod(x)
        nancumsum(x) nanmax(x) nanmean(x) nanmedian(x) nanmin(x) nanpercentile(x,q) nanprod(x)
        nanquantile(x,q) nanstd(x) nansum(x) nanvar(x) ndim(x) negative(x) nextafter(x1,x2)
        nonzero(x) not_equal(x1,x2) ones_like(x) outer(x1,x2) pad(x,constant_values)
        percentile(x,q) power(x1,x2) prod(x) ptp(x) quantile(x,q) rad2deg(x) ravel(x) real(x)
        reciprocal(x) repeat(x) reshape(x) right_shift(x,y) roll(x) rot90(array) round(x)
        searchsorted=SearchSorted(sorted_sequence,values) select(condlist,choicelist,default)
        sign(x) signbit(x) sin(x) sinc(x) sinh(x) size(x) slogdet(x) sort(x) split(x) sqrt(x)
        square(x) squeeze(x) stack(x) std(x) subtract(x1,x2) sum(x) swapaxes(x) take(x,indices)
        take_along_axis(x,indices) tan(x) tanh(x) tensordot(x1,x2) tile(x) trace(x) transpose(x)
        trapezoid(y) tril(x) triu(x) true_divide(x1,x2) trunc(x) unique(x)
        unravel_index(indices) vander(x) var(x) vdot(x1,x2) view(x) vsplit(x) vstack(xs)
        where(condition,x1,x2) zeros_like(x)
    """,
}


class KerasClass(NamedTuple):
    """The class of Keras that stands for an op.

    Attributes:
        op: the name of the op in `etude.ops` or `etude.ops.image`.
        module: where the class stands.
        name: what it is called.
        inputs: the arguments of a call, in order; ``*`` before those whose number is open.
    """

    op: str
    module: str
    name: str
    inputs: tuple[str, ...]


def _rows() -> list[KerasClass]:
    found = []
    for module, text in _TABLE.items():
        for entry in text.split():
            left, _, inputs = entry.rstrip(")").partition("(")
            op, _, name = left.partition("=")
            name = name or "".join(part[:1].upper() + part[1:] for part in op.split("_"))
            found.append(KerasClass(op, f"keras.src.ops.{module}", name, tuple(inputs.split(","))))
    return found


_BY_OP = {row.op: row for row in _rows()}
_BY_NAME = {row.name: row for row in reversed(_BY_OP.values())}


def keras_class(function: Any) -> KerasClass | None:
    """The class that stands for an op; None for one that Keras does not have.

    >>> keras_class(ops.einsum)
    KerasClass(op='einsum', module='keras.src.ops.numpy', name='Einsum',
               inputs=('*operands', '**kwargs'))
    """
    return _BY_OP.get(getattr(function, "name", ""))


def function_of(class_name: str) -> Any:
    """The op that a class of Keras stands for; None where there is none.

    >>> function_of("HSVToRGB") is image.hsv_to_rgb
    True
    """
    row = _BY_NAME.get(class_name)
    return None if row is None else getattr(ops, row.op, None) or getattr(image, row.op)


def split(
    function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[dict[str, Any], list[Any], dict[str, Any]]:
    """The arguments of an op as Keras keeps them.

    Args:
        function: the op.
        args: positional arguments of its call.
        kwargs: arguments by name.

    Returns:
        Arguments of the constructor of Keras's class; of the call, by position; and by name.

    >>> split(ops.einsum, ("ij,jk", 1.0, 2.0), {})
    ({'subscripts': 'ij,jk'}, [1.0, 2.0], {})
    """
    row = _BY_OP[function.name]
    signature = inspect.signature(function)
    given = dict(signature.bind(*args, **kwargs).arguments)
    given |= given.pop(_open_name(function) or "", {})
    for name in row.inputs:  # of the call, Keras keeps those as well that were left out
        if name not in given and name in signature.parameters:
            given[name] = signature.parameters[name].default
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for place, name in enumerate(row.inputs):
        if name.startswith("**"):  # all that is left
            constructor = {n: given.pop(n) for n in list(given) if n in _names(function)}
            return constructor, positional, {**named, **given}
        if name.startswith("*"):
            positional += given.pop(name[1:], ())
        elif name in given and len(positional) == place:
            positional.append(given.pop(name))
        elif name in given:
            named[name] = given.pop(name)
    if given.get("dtype") is not None:
        given["dtype"] = standardize_dtype(given["dtype"])
    return given, positional, named


def arranged(
    function: Any, options: dict[str, Any], args: list[Any], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of an op, from those that Keras keeps; `split` backwards.

    >>> arranged(ops.einsum, {"subscripts": "ij,jk"}, [1.0, 2.0], {})
    (('ij,jk', 1.0, 2.0), {})
    """
    row = _BY_OP[function.name]
    signature, rest = inspect.signature(function), list(args)
    given = {**options, **kwargs}
    for name in row.inputs:
        if rest and name.startswith("*"):
            given[name.lstrip("*")], rest = tuple(rest), []
        elif rest:
            given[name] = rest.pop(0)
    known, open_name = _names(function), _open_name(function)
    ordered = {name: given.pop(name) for name in known if name in given}
    if open_name and given:
        ordered[open_name] = given
    found = inspect.BoundArguments(signature, ordered)  # type: ignore[arg-type]
    return found.args, found.kwargs


def _names(function: Callable[..., Any]) -> list[str]:
    """The parameters of a function in order, without ``**kwargs``."""
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]


def _open_name(function: Callable[..., Any]) -> str | None:
    """What ``**kwargs`` is called; None where a function has none."""
    parameters = inspect.signature(function).parameters.values()
    return next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), None)
