"""What code asks of TensorFlow's surroundings: devices, strategies, logs, versions.

Much of it is accepted and does nothing: the engine chooses where it computes.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Generator
from typing import Any, NamedTuple

from etude import config as settings
from etude import tree
from etude.compat.missing import Namespace
from etude.compat.tensorflow.text import as_text
from etude.engine import xp

__all__ = ["compat", "config", "distribute", "get_logger", "nest", "sysconfig", "test", "version"]

VERSION = "2.21.0"
"""The release of TensorFlow whose names these are."""


def _nothing(*_: Any, **__: Any) -> None:
    """Accepted."""


class PhysicalDevice(NamedTuple):
    """A device by name and kind."""

    name: str
    device_type: str


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices that the engine can use; a CPU is always one of them.

    >>> list_physical_devices("CPU")[0].device_type
    'CPU'
    """
    found = [PhysicalDevice("/physical_device:CPU:0", "CPU")]
    if settings.backend() == "xla":
        for name in xp().devices():
            kind = name.partition(":")[0].upper()
            kind = "GPU" if kind in ("CUDA", "ROCM") else kind
            if kind != "CPU":
                count = sum(d.device_type == kind for d in found)
                found.append(PhysicalDevice(f"/physical_device:{kind}:{count}", kind))
    return [d for d in found if device_type in (None, d.device_type)]


config = Namespace(
    "tf.config",
    list_physical_devices=list_physical_devices,
    list_logical_devices=list_physical_devices,
    get_visible_devices=list_physical_devices,
    set_visible_devices=_nothing,
    set_logical_device_configuration=_nothing,
    set_soft_device_placement=_nothing,
    run_functions_eagerly=_nothing,
    experimental_run_functions_eagerly=_nothing,
    functions_run_eagerly=lambda: False,
    LogicalDeviceConfiguration=_nothing,
    optimizer=Namespace("tf.config.optimizer", set_jit=_nothing, set_experimental_options=_nothing),
    threading=Namespace(
        "tf.config.threading",
        set_inter_op_parallelism_threads=_nothing,
        set_intra_op_parallelism_threads=_nothing,
    ),
    experimental=Namespace(
        "tf.config.experimental",
        list_physical_devices=list_physical_devices,
        list_logical_devices=list_physical_devices,
        set_memory_growth=_nothing,
        set_visible_devices=_nothing,
        set_virtual_device_configuration=_nothing,
        enable_op_determinism=_nothing,
        VirtualDeviceConfiguration=_nothing,
    ),
)


class Strategy:
    """A strategy of distribution with one replica: this process.

    >>> strategy = Strategy()
    >>> with strategy.scope():
    ...     strategy.num_replicas_in_sync
    1
    """

    num_replicas_in_sync = 1

    def __init__(self, *_: Any, **__: Any):
        self.extended = self

    @contextlib.contextmanager
    def scope(self) -> Generator[Strategy]:
        """Nothing changes inside."""
        yield self

    def run(self, fn: Callable[..., Any], args: Any = (), kwargs: Any = None) -> Any:
        """Calls the function."""
        return fn(*args, **(kwargs or {}))

    def reduce(self, reduce_op: Any, value: Any, axis: Any = None) -> Any:
        """The value: there is one replica."""
        return value

    def experimental_distribute_dataset(self, dataset: Any, options: Any = None) -> Any:
        """The data set."""
        return dataset

    def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
        """The value as the only one."""
        return (value,)


_strategy = Strategy()

distribute = Namespace(
    "tf.distribute",
    Strategy=Strategy,
    MirroredStrategy=Strategy,
    OneDeviceStrategy=Strategy,
    get_strategy=lambda: _strategy,
    has_strategy=lambda: False,
    ReduceOp=Namespace("tf.distribute.ReduceOp", SUM="SUM", MEAN="MEAN"),
)

nest = Namespace(
    "tf.nest",
    map_structure=tree.map_structure,
    flatten=tree.flatten,
    pack_sequence_as=tree.pack_sequence_as,
    is_nested=tree.is_nested,
    assert_same_structure=tree.assert_same_structure,
)

test = Namespace(
    "tf.test",
    is_gpu_available=lambda *_, **__: bool(list_physical_devices("GPU")),
    gpu_device_name=lambda: next(("/device:GPU:0" for _ in list_physical_devices("GPU")), ""),
    is_built_with_cuda=lambda: False,
    is_built_with_gpu_support=lambda: False,
)

compat = Namespace(
    "tf.compat",
    as_str=lambda value, *_: str(as_text(value)),
    as_text=lambda value, *_: str(as_text(value)),
    as_str_any=lambda value, *_: str(value),
    as_bytes=lambda value, *_: as_text(value).numpy(),
)

version = Namespace("tf.version", VERSION=VERSION, GIT_VERSION="etude", COMPILER_VERSION="none")
sysconfig = Namespace("tf.sysconfig", get_build_info=lambda: {"is_cuda_build": False})


def get_logger() -> logging.Logger:
    """The logger called ``tensorflow``.

    >>> get_logger().name
    'tensorflow'
    """
    return logging.getLogger("tensorflow")
