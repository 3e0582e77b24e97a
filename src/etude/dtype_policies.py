"""Which dtype a layer computes in, and which one its variables are kept in."""

from __future__ import annotations

from typing import Any

from etude import config
from etude.dtypes import standardize_dtype
from etude.errors import ArgumentError, DtypeError

__all__ = [
    "DTypePolicy",
    "FloatDTypePolicy",
    "deserialize",
    "dtype_policy",
    "get",
    "serialize",
    "set_dtype_policy",
]

MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


class DTypePolicy:
    """The compute dtype and the variable dtype of a layer.

    Args:
        name: a dtype (``"float32"``, ``"float64"``, ...), which both then are; or
            ``"mixed_float16"`` or ``"mixed_bfloat16"``: computing in 16 bits with variables kept
            in float32. ``None`` is the policy that holds for the whole process.

    Raises:
        DtypeError: the name is no string.
        ArgumentError: the name is neither of a dtype nor of a mixed policy.

    Example:
        >>> policy = DTypePolicy("mixed_bfloat16")
        >>> policy.compute_dtype, policy.variable_dtype
        ('bfloat16', 'float32')
    """

    quantization_mode: str | None = None  # quantization is left out; Keras code asks for the name

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = dtype_policy().name
        if not isinstance(name, str):
            raise DtypeError(
                "DTypePolicy: 'name' must be a string, for example 'mixed_float16'; got "
                f"{name!r} of type {type(name).__name__}."
            )
        self._name = name
        try:
            self._compute_dtype = MIXED.get(name) or standardize_dtype(name)
        except DtypeError as error:
            raise ArgumentError(
                f"Cannot convert '{name}' to a DTypePolicy. A policy is the name of a dtype, such "
                "as 'float32', or one of 'mixed_float16' and 'mixed_bfloat16'."
            ) from error
        self._variable_dtype = "float32" if name in MIXED else self._compute_dtype

    @property
    def name(self) -> str:
        """The name that the policy was made from."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The dtype that inputs are cast to and computed in."""
        return self._compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype that variables are kept in."""
        return self._variable_dtype

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this policy again."""
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        """The policy with these arguments."""
        return cls(**config)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self._name}">'

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and self._name == other._name

    def __hash__(self) -> int:
        return hash(self._name)


FloatDTypePolicy = DTypePolicy

_policy: DTypePolicy | None = None
_by_floatx: dict[str, DTypePolicy] = {}


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are given none; that of `config.floatx` unless set.

    >>> dtype_policy()
    <DTypePolicy "float32">
    """
    if _policy is not None:
        return _policy
    floatx = config.floatx()
    if floatx not in _by_floatx:
        _by_floatx[floatx] = DTypePolicy(floatx)
    return _by_floatx[floatx]


def set_dtype_policy(policy: str | DTypePolicy | dict[str, Any] | None) -> None:
    """Sets the policy of layers that are given none; ``None`` goes back to `config.floatx`."""
    global _policy
    _policy = None if policy is None else get(policy)


def get(identifier: Any) -> DTypePolicy:
    """A policy from a policy, its name, a dtype, or its config; ``None`` gives the default.

    Raises:
        ArgumentError: nothing of this kind.

    >>> get("float64").variable_dtype
    'float64'
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    try:
        return DTypePolicy(standardize_dtype(identifier))
    except DtypeError as error:
        raise ArgumentError(
            "Cannot interpret `dtype` argument. Give the name of a dtype, such as 'float32', or "
            f"a DTypePolicy; got {identifier!r}."
        ) from error


def serialize(policy: DTypePolicy) -> dict[str, Any]:
    """A policy as Keras writes it into configs."""
    return {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": policy.get_config(),
        "registered_name": None,
    }


def deserialize(
    config: dict[str, Any], custom_objects: dict[str, Any] | None = None
) -> DTypePolicy:
    """The policy that `serialize` wrote.

    Raises:
        ArgumentError: the config is of something else.

    >>> deserialize(serialize(DTypePolicy("float16"))).name
    'float16'
    """
    name = config.get("class_name")
    if name not in ("DTypePolicy", "FloatDTypePolicy", "Policy", *(custom_objects or {})):
        raise ArgumentError(f"Expected the config of a DTypePolicy; got {config!r}.")
    cls = (custom_objects or {}).get(name, DTypePolicy)
    return cls.from_config(config.get("config", {}))
