"""The devices of this machine, under Keras's names. A model runs on one of them, see `device`."""

from __future__ import annotations

from typing import Any

from etude.engine import xp
from etude.errors import ArgumentError

__all__ = ["distribution", "get_device_count", "list_devices", "set_distribution"]


def list_devices(device_type: str | None = None) -> list[str]:
    """The devices that the active engine can use, the default one first.

    Args:
        device_type: ``"cpu"``, ``"gpu"`` or ``"tpu"``; by default the kind that programs run on.

    Raises:
        ArgumentError: there is no such kind of device.

    >>> list_devices("cpu")
    ['cpu:0']
    """
    kinds = {"cpu", "gpu", "tpu"}
    if device_type is not None and str(device_type).lower() not in kinds:
        raise ArgumentError(
            f"`device_type` is one of {sorted(kinds)} or None; got {device_type!r}."
        )
    found = [name.partition(" ")[0].replace("cuda", "gpu") for name in xp().devices()]
    if device_type is None or device_type.lower() == found[0].partition(":")[0]:
        return found
    return ["cpu:0"] if device_type.lower() == "cpu" else []  # every engine has the CPU


def get_device_count(device_type: str | None = None) -> int:
    """How many devices `list_devices` finds.

    >>> get_device_count("cpu")
    1
    """
    return len(list_devices(device_type))


def distribution() -> None:
    """How models are spread over devices: None, since each runs on one.

    >>> distribution() is None
    True
    """


def set_distribution(value: Any) -> None:
    """Takes None, which is how it is; etude spreads no model over several devices.

    Raises:
        ArgumentError: anything else is given.

    >>> set_distribution(None)
    """
    if value is not None:
        raise ArgumentError(
            "etude runs a model on one device, and spreads none over several: `set_distribution` "
            f"takes None only; got {type(value).__name__}. Choose the device by "
            "`with etude.device('gpu:0')`."
        )
