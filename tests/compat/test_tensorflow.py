"""The stand-in for TensorFlow: against NumPy, and what is its own: shapes, text, files."""

import warnings

import numpy as np
import pytest

import etude
import etude.compat.tensorflow as tf
from etude.compat.tensorflow.records import read_records
from etude.errors import DataError, GradientError, MissingNameError, ShapeError

rng = np.random.default_rng(0)
A = rng.normal(size=(3, 4)).astype("float32")
B = rng.normal(size=(3, 4)).astype("float32")

AGAINST_NUMPY = {
    "reduce_mean": (
        lambda: tf.reduce_mean(input_tensor=A, axis=1, keepdims=True),
        A.mean(1, keepdims=True),
    ),
    "reduce_std": (lambda: tf.math.reduce_std(A, axis=0), A.std(0)),
    "argmax": (lambda: tf.argmax(A), A.argmax(0)),
    "matmul": (lambda: tf.matmul(A, B, transpose_b=True), A @ B.T),
    "concat": (lambda: tf.concat(values=[A, B], axis=-1), np.concatenate([A, B], -1)),
    "split": (lambda: tf.split(A, [1, -1], axis=1)[1], A[:, 1:]),
    "transpose": (lambda: tf.transpose(A, perm=[1, 0]), A.T),
    "gather": (lambda: tf.gather(A, [[2], [0]], axis=1), A[:, [[2], [0]]]),
    "gather_batch": (
        lambda: tf.gather(A, [[1], [0], [3]], batch_dims=1),
        A[[0, 1, 2], [1, 0, 3]][:, None],
    ),
    "cumsum": (lambda: tf.cumsum(A, axis=1, reverse=True), A[:, ::-1].cumsum(1)[:, ::-1]),
    "l2_normalize": (
        lambda: tf.math.l2_normalize(A, axis=1),
        A / np.linalg.norm(A, axis=1, keepdims=True),
    ),
    "clip_by_norm": (lambda: tf.clip_by_norm(A, 1.0), A / np.linalg.norm(A)),
    "squared_difference": (lambda: tf.math.squared_difference(A, B), (A - B) ** 2),
    "band_part": (lambda: tf.linalg.band_part(A, 0, -1), np.triu(A)),
    "moments": (lambda: tf.nn.moments(A, axes=[0])[1], A.var(0)),
    "gelu_exact": (lambda: tf.nn.gelu([1.0]), [0.8413447]),  # x Φ(x) at 1
    "max_pool": (
        lambda: tf.nn.max_pool2d(
            A.reshape(1, 3, 4, 1), ksize=[1, 2, 2, 1], strides=1, padding="VALID"
        ),
        np.maximum.reduce([A[:-1, :-1], A[:-1, 1:], A[1:, :-1], A[1:, 1:]]).reshape(1, 2, 3, 1),
    ),
    "confusion": (
        lambda: tf.math.confusion_matrix([0, 2, 2], [0, 1, 2]),
        [[1, 0, 0], [0, 0, 0], [0, 1, 1]],
    ),
    "segment": (
        lambda: tf.math.unsorted_segment_mean([1.0, 3.0, 5.0], [1, 1, 0], 3),
        [5.0, 2.0, 0.0],
    ),
    "tensor_scatter": (lambda: tf.tensor_scatter_nd_update([1, 1, 1], [[2]], [9]), [1, 1, 9]),
    "pad": (lambda: tf.pad([[1, 2]], [[0, 1], [1, 0]], constant_values=7), [[7, 1, 2], [7, 7, 7]]),
    "one_hot": (lambda: tf.one_hot([1], 3, on_value=5, off_value=2, dtype=tf.int32), [[2, 5, 2]]),
    "boolean_mask": (lambda: tf.boolean_mask(A, A[:, 0] > 0), A[A[:, 0] > 0]),
    "rot90": (lambda: tf.image.rot90(A.reshape(3, 4, 1)), np.rot90(A)[..., None]),
    "crop": (
        lambda: tf.image.central_crop(np.arange(16).reshape(4, 4, 1), 0.5),
        [[[5], [6]], [[9], [10]]],
    ),
}


@pytest.mark.parametrize("name", AGAINST_NUMPY)
def test_against_numpy(engine, name):
    function, expected = AGAINST_NUMPY[name]
    np.testing.assert_allclose(function().numpy(), expected, rtol=1e-5, atol=1e-6)


def test_every_adopted_operation_is_there():
    """Each name that stands for an operation of etude finds it: no mapping leads nowhere."""
    from etude.compat import adoption
    from etude.compat.keras import backend

    lost = []
    for module in (tf.math, tf.linalg, tf.nn, tf.image, tf, backend):
        for name, value in vars(module).items():
            if getattr(value, "__qualname__", "").startswith("adopt."):
                try:
                    adoption._find(value.__doc__.split("`")[1].removeprefix("etude."), 1)
                except MissingNameError:
                    lost.append(f"{module.__name__}.{name}")
    assert not lost


def test_dtypes_are_names_that_numpy_understands():
    x = tf.zeros((2,), dtype=tf.float64)
    assert x.dtype == tf.float64 and np.zeros(1, tf.int32).dtype == tf.int32
    assert tf.float32.is_floating and tf.string != x.dtype and tf.uint8.max == 255
    assert tf.constant([1, 2]).dtype == tf.int32 and tf.constant(1.5).dtype == tf.float32


def test_shapes_have_tensorflows_methods():
    x = tf.ones((2, 3))
    assert x.shape == (2, 3) and x.shape.as_list() == [2, 3] and x.get_shape().rank == 2
    assert tf.shape(x)[0] == 2 and tf.reduce_sum(tf.ones(tf.shape(x))).numpy() == 6
    with pytest.raises(ShapeError):
        tf.ensure_shape(x, [None, 4])


def test_what_is_computed_of_shapes_is_known_amid_a_trace(engine):
    @tf.function
    def pairs(x):
        n = tf.shape(x)[0]
        repeated = tf.reshape(x, tf.concat([[n], [1], tf.shape(x)[1:]], axis=0))
        return tf.tile(repeated, tf.stack([1, n, 1])), tf.random.normal((n, 2))

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is compiled, and not run uncompiled instead
        made, drawn = pairs(tf.ones((3, 2)))
    assert made.shape == (3, 3, 2) and drawn.shape == (3, 2)


def test_a_function_that_asks_for_values_runs_uncompiled():
    etude.config.set_engine("xla")

    @tf.function
    def absolute(x):
        return x if x > 0 else -x

    with pytest.warns(UserWarning, match="uncompiled"):
        assert float(absolute(tf.constant(-2.0))) == 2.0
    assert float(absolute(tf.constant(3.0))) == 3.0


def test_variables_and_tapes(engine):
    v = tf.Variable([1.0, 2.0], name="w:0")
    v.assign_sub([0.5, 0.5])
    with tf.GradientTape(persistent=True) as tape:
        loss = tf.reduce_sum(v**3)
    np.testing.assert_allclose(tape.gradient(loss, v).numpy(), 3 * np.square([0.5, 1.5]))
    assert isinstance(v, tf.Variable) and v.shape.__class__ is tuple
    assert isinstance(tf.keras.layers.Dense(1).add_weight(shape=(1,)), tf.Variable)


def test_text():
    text = tf.constant([["To be", "or"], ["not", "é"]])
    assert text.dtype == tf.string and text.shape == (2, 2) and text[1, 1].numpy() == "é".encode()
    assert tf.strings.lower(text)[0, 0].numpy() == b"to be"
    assert tf.strings.length(text, unit="UTF8_CHAR").numpy().tolist() == [[5, 2], [3, 1]]
    assert (text == "or").numpy().tolist() == [[False, True], [False, False]]
    assert tf.strings.to_number(["1.5", "2"]).numpy().tolist() == [1.5, 2.0]
    with pytest.raises(ShapeError, match="dense"):
        tf.strings.split(["one", "one two"])


def test_pictures_and_files(tmp_path):
    pixels = rng.integers(0, 255, (5, 4, 3)).astype("uint8")
    path = str(tmp_path / "folder" / "a.png")
    tf.io.write_file(path, tf.io.encode_png(pixels))
    again = tf.io.decode_png(tf.io.read_file(path))
    assert np.array_equal(again.numpy(), pixels)
    assert tf.io.decode_image(tf.io.read_file(path), channels=1).shape == (5, 4, 1)
    with pytest.raises(DataError, match="picture"):
        tf.io.decode_jpeg(tf.constant("no picture"))


def feature(**lists):
    return tf.train.Feature(**lists)


def example(**features):
    return tf.train.Example(features=tf.train.Features(feature=features))


def test_records_have_the_bytes_of_tensorflow(tmp_path):
    """The bytes were written by TensorFlow 2.21."""
    numbers = example(n=feature(int64_list=tf.train.Int64List(value=[-1, 300])))
    floats = example(x=feature(float_list=tf.train.FloatList(value=[1.5, -2.0])))
    theirs = "0a170a150a016e12101a0e0a0cffffffffffffffffff01ac02"
    assert numbers.SerializeToString().hex() == theirs
    assert floats.SerializeToString().hex() == "0a130a110a0178120c120a0a080000c03f000000c0"
    path = tmp_path / "data.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(b"etude")
    assert path.read_bytes().hex() == "0500000000000000eab2043e6574756465263b6e24"


def test_records_come_back(tmp_path):
    path = str(tmp_path / "data.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(
            example(
                x=feature(float_list=tf.train.FloatList(value=[1.5, -2.0])),
                n=feature(int64_list=tf.train.Int64List(value=[-1])),
                s=feature(bytes_list=tf.train.BytesList(value=[b"\xff\x00"])),
            ).SerializeToString()
        )
        writer.write(
            example(n=feature(int64_list=tf.train.Int64List(value=[7]))).SerializeToString()
        )
    spec = {
        "x": tf.io.FixedLenFeature([2], tf.float32, [0.0, 0.0]),
        "n": tf.io.FixedLenFeature([], tf.int64),
        "s": tf.io.FixedLenFeature([], tf.string, ""),
    }
    first, second = (tf.io.parse_single_example(r, spec) for r in read_records(path))
    assert first["x"].numpy().tolist() == [1.5, -2.0]
    assert first["n"].numpy() == -1 and first["s"].numpy() == b"\xff\x00"
    assert second["x"].numpy().tolist() == [0.0, 0.0] and second["n"].numpy() == 7
    with open(path, "r+b") as file:
        file.write(b"\x07")
    with pytest.raises(DataError, match="damaged"):
        list(read_records(path))


def test_checkpoints_come_back(tmp_path):
    v = tf.Variable([1.0, 2.0])
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(v=v), tmp_path, max_to_keep=2)
    for _ in range(3):
        v.assign_add([1.0, 1.0])
        manager.save()
    assert len(manager.checkpoints) == 2
    v.assign([0.0, 0.0])
    tf.train.Checkpoint(v=v).restore(tf.train.latest_checkpoint(tmp_path)).assert_consumed()
    assert v.numpy().tolist() == [4.0, 5.0]


@pytest.mark.parametrize(
    ("space", "name", "advice"),
    [
        (tf, "ragged", "pad_sequences"),
        (tf, "gradients", "GradientTape"),
        (tf.nn, "hard_tanh", "`keras.ops.hard_tanh`"),
        (tf.config, "list_physical_device", "Did you mean `tf.config.list_physical_devices`"),
    ],
)
def test_what_is_missing_says_what_to_do(space, name, advice):
    with pytest.raises(MissingNameError) as raised:
        getattr(space, name)
    assert f"{name}` is not in etude's stand-in" in str(raised.value)
    assert advice in str(raised.value)
    assert not hasattr(space, name)


def test_a_used_tape_says_how_to_use_it_twice():
    x = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(GradientError, match="persistent"):
        tape.gradient(y, x)


def test_the_short_names_of_losses_and_metrics():
    pairs = {
        "mse MSE": "mean_squared_error",
        "mae MAE": "mean_absolute_error",
        "mape MAPE": "mean_absolute_percentage_error",
        "msle MSLE": "mean_squared_logarithmic_error",
        "kld KLD kullback_leibler_divergence": "kl_divergence",
        "logcosh": "log_cosh",
    }
    for short, name in pairs.items():
        for space in (tf.keras.losses, tf.keras.metrics):
            for other in short.split():
                assert getattr(space, other) is getattr(etude.losses, name)
                assert other in dir(space)
    assert tf.keras.losses.Huber is etude.losses.Huber
    assert tf.keras.metrics.Mean is etude.metrics.Mean
    loss = tf.keras.losses.MeanSquaredError(reduction=tf.keras.losses.Reduction.NONE)
    assert loss([[1.0], [2.0]], [[1.0], [4.0]]).numpy().tolist() == [0.0, 4.0]


def test_concat_takes_one_list():
    with pytest.raises(TypeError, match=r"whole number; got Tensor.*`tf.concat\(\[a, b\]"):
        tf.concat(tf.ones((2, 3)), tf.ones((2, 4)))


def test_ctc_of_the_backend_by_all_alignments():
    """Label 0 in two steps, the blank being class 2, is 0 0, 0 blank, or blank 0."""
    first, second = [0.5, 0.2, 0.3], [0.1, 0.3, 0.6]
    p = first[0] * second[0] + first[0] * second[2] + first[2] * second[0]
    backend = tf.keras.backend
    cost = backend.ctc_batch_cost([[0, 1]], [[first, second]], [[2]], [[1]])
    np.testing.assert_allclose(cost, [[-np.log(p)]], rtol=1e-5)
    greedy, _ = backend.ctc_decode(np.array([[first, second]]), np.array([2]))
    assert [g.numpy().tolist() for g in greedy] == [[[0, -1]]]
    both, scores = backend.ctc_decode([[first, second]], [2], greedy=False, top_paths=2)
    assert both[0].numpy().tolist() == [[0, -1]]
    np.testing.assert_allclose(scores[0, 0], np.log(p), rtol=1e-5)
