"""Which dtype a layer computes in, and which one its variables are kept in."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from typing import Any

from etude import config
from etude.autodiff import OPS, as_tensor
from etude.dtypes import is_float_dtype, standardize_dtype
from etude.errors import ArgumentError, DtypeError

__all__ = [
    "DTypePolicy",
    "DTypePolicyMap",
    "FloatDTypePolicy",
    "deserialize",
    "dtype_policy",
    "get",
    "serialize",
    "set_dtype_policy",
]

QUANTIZED = ("int4_", "int4/", "int8_", "float8_", "gptq", "awq")  # names of Keras for quantization
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
        if name.startswith(QUANTIZED):
            raise ArgumentError(
                f"Cannot convert '{name}' to a DTypePolicy: quantization is no part of etude. "
                "'mixed_bfloat16' computes in 16 bits and keeps weights in 32."
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

    def convert_input(self, x: Any, autocast: bool, dtype: Any) -> Any:
        """An input as a layer with this policy computes with it.

        Args:
            x: a Tensor, an array or a number.
            autocast: whether floats are cast.
            dtype: the dtype that they are cast to.

        >>> DTypePolicy("mixed_float16").convert_input([1.0], True, "float16").dtype.name
        'float16'
        """
        tensor = as_tensor(x)
        is_cast = autocast and is_float_dtype(tensor.dtype) and tensor.dtype != dtype
        return OPS["cast"](tensor, standardize_dtype(dtype)) if is_cast else tensor

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


class DTypePolicyMap(DTypePolicy, MutableMapping[str, Any]):
    """A policy for each layer, by its path; a layer that is given a map takes its own from it.

    A key is a path (``"encoder/dense"``), or a regular expression that fits a path as a whole.

    Args:
        default_policy: the policy of all paths that nothing fits; None is the policy of the
            process, also where the map is made again from its config.
        policy_map: a dictionary from keys to policies to begin with.

    Raises:
        ArgumentError: the default is a map itself.
        DtypeError: ``policy_map`` is no dictionary.

    Example:
        >>> policies = DTypePolicyMap("float32", {"encoder/.*": DTypePolicy("bfloat16")})
        >>> policies["encoder/dense"], policies["decoder/dense"]
        (<DTypePolicy "bfloat16">, <DTypePolicy "float32">)
    """

    def __init__(
        self, default_policy: Any = None, policy_map: dict[str, DTypePolicy] | None = None
    ) -> None:
        if isinstance(default_policy, DTypePolicyMap):
            raise ArgumentError("`default_policy` cannot be a `DTypePolicyMap`.")
        if policy_map is not None and not isinstance(policy_map, dict):
            raise DtypeError(
                "If specified, `policy_map` must be a dict from paths to policies. Received: "
                f"policy_map={policy_map} of type {type(policy_map).__name__}"
            )
        self._default_policy = default_policy
        self._policy_map: dict[str, DTypePolicy] = policy_map or {}
        get(default_policy)  # a bad one is reported here

    @property
    def default_policy(self) -> DTypePolicy:
        """The policy of all paths that nothing fits."""
        return get(self._default_policy)

    @property
    def name(self) -> str:
        """``map_`` and the name of the default."""
        return f"map_{self.default_policy.name}"

    @property
    def compute_dtype(self) -> str:
        """That of the default."""
        return self.default_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """That of the default."""
        return self.default_policy.variable_dtype

    def __getitem__(self, key: str) -> DTypePolicy:
        if key in self._policy_map:
            return self._policy_map[key]
        fitting = [pattern for pattern in self._policy_map if re.fullmatch(pattern, key)]
        if len(fitting) > 1:
            raise ArgumentError(
                f"Path '{key}' matches multiple dtype policy specification keys: {fitting}. Write "
                "them so that at most one does."
            )
        return self._policy_map[fitting[0]] if fitting else self.default_policy

    def __setitem__(self, key: str, policy: Any) -> None:
        if key in self._policy_map:
            raise ArgumentError(
                f"{key} already exist in the DTypePolicyMap with value {self._policy_map[key]}. "
                "Delete it first."
            )
        try:
            self._policy_map[key] = get(policy)
        except (ArgumentError, DtypeError) as error:
            raise ArgumentError(
                "Cannot interpret the assigned value by `keras.dtype_policies.get`: expected a "
                f"policy or its name; got {policy!r}."
            ) from error

    def __delitem__(self, key: str) -> None:
        del self._policy_map[key]

    def __contains__(self, key: object) -> bool:
        return key in self._policy_map

    def __iter__(self) -> Iterator[str]:
        return iter(self._policy_map)

    def __len__(self) -> int:
        return len(self._policy_map)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this map again.

        Where the default is that of the process, so are all policies in it: their configs have no
        names, as in Keras.
        """
        entries = {key: serialize(policy) for key, policy in self._policy_map.items()}
        if self._default_policy is None:
            entries = {key: {**entry, "config": {"name": None}} for key, entry in entries.items()}
        return {"default_policy": self._default_policy, "policy_map": entries}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> DTypePolicyMap:
        """The map with these arguments."""
        entries = config["policy_map"]
        policies = {key: deserialize(entry, custom_objects) for key, entry in entries.items()}
        return cls(config["default_policy"], policies)

    def __repr__(self) -> str:
        mapping = [(key, policy.name) for key, policy in self._policy_map.items()]
        default = None if self._default_policy is None else self.default_policy.name
        return f"<DTypePolicyMap at {id(self):#x} default_policy={default}, mapping={mapping}>"

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


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


def set_dtype_policy(policy: str | DTypePolicy | dict[str, Any]) -> None:
    """Sets the policy of layers that are given none.

    Raises:
        ArgumentError: it is no policy.
    """
    global _policy
    if not isinstance(policy, (str, DTypePolicy, dict)):
        raise ArgumentError(
            "Invalid `policy` argument. Expected the name of a policy, such as 'mixed_float16', or "
            f"a DTypePolicy; got {policy!r} of type {type(policy).__name__}."
        )
    _policy = get(policy)


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


def serialize(dtype_policy: DTypePolicy) -> dict[str, Any]:
    """A policy as Keras writes it into configs."""
    is_map = isinstance(dtype_policy, DTypePolicyMap)
    return {
        "module": "keras.dtype_policies" if is_map else "keras",
        "class_name": "DTypePolicyMap" if is_map else "DTypePolicy",
        "config": dtype_policy.get_config(),
        "registered_name": None,
    }


_CLASSES: dict[str, type[DTypePolicy]] = {
    "DTypePolicy": DTypePolicy,
    "FloatDTypePolicy": DTypePolicy,
    "Policy": DTypePolicy,
    "DTypePolicyMap": DTypePolicyMap,
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
    cls = {**_CLASSES, **(custom_objects or {})}.get(config.get("class_name", ""))
    if cls is None:
        raise ArgumentError(f"Expected the config of a DTypePolicy; got {config!r}.")
    return cls.from_config(config.get("config", {}))


config._policies.update(dtype_policy=dtype_policy, set_dtype_policy=set_dtype_policy)
