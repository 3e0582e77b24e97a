"""`Config`: named values, as attributes and as a dictionary, that can be frozen."""

from __future__ import annotations

import difflib
import json
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any

from etude.errors import ArgumentError, MissingNameError

__all__ = ["Config"]


class Config:
    """Named values, read and set as attributes or by ``[]``, until they are frozen.

    Args:
        **kwargs: the first names and values.

    Raises:
        MissingNameError: no value has the name; also an `AttributeError`.
        ArgumentError: a value is set while the config is frozen.

    Example:
        >>> config = Config(learning_rate=0.1)
        >>> config.seed = 3
        >>> config["momentum"] = 0.9
        >>> config.freeze()
        >>> config.to_json()
        '{"learning_rate": 0.1, "seed": 3, "momentum": 0.9}'
        >>> config.seed = 4
        Traceback (most recent call last):
        etude.errors.ArgumentError: Cannot mutate attribute(s) because the config is frozen. ...
    """

    _config: dict[str, Any]
    _frozen: bool

    def __init__(self, **kwargs: Any) -> None:
        object.__setattr__(self, "_config", kwargs)
        object.__setattr__(self, "_frozen", False)

    @property
    def frozen(self) -> bool:
        """Whether values can be changed no more."""
        return self._frozen

    def freeze(self) -> None:
        """From now on, values cannot be changed."""
        object.__setattr__(self, "_frozen", True)

    def unfreeze(self) -> None:
        """From now on, values can be changed again."""
        object.__setattr__(self, "_frozen", False)

    def as_dict(self) -> dict[str, Any]:
        """The names and values, as a dictionary of their own."""
        return dict(self._config)

    def to_json(self) -> str:
        """The names and values, as text."""
        return json.dumps(self._config)

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._config.keys()

    def values(self) -> ValuesView[Any]:
        """The values."""
        return self._config.values()

    def items(self) -> ItemsView[str, Any]:
        """The names with their values."""
        return self._config.items()

    def get(self, keyname: str, value: Any = None) -> Any:
        """The value of a name, or another value where there is none."""
        return self._config.get(keyname, value)

    def pop(self, *args: Any) -> Any:
        """Takes out a name, and returns its value; or a second argument where there is none."""
        return self._changeable().pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Sets several values."""
        self._changeable().update(*args, **kwargs)

    def _changeable(self) -> dict[str, Any]:
        if self._frozen:
            raise ArgumentError(
                "Cannot mutate attribute(s) because the config is frozen. Call `unfreeze()` first."
            )
        return self._config

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name):
            object.__setattr__(self, name, value)
        else:
            self._changeable()[name] = value

    def __getattr__(self, name: str) -> Any:
        known = self.__dict__.get("_config", {})  # none yet while a copy is made
        if name in known:
            return known[name]
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise MissingNameError(f"Unknown attribute: '{name}'.{hint}")

    def __setitem__(self, key: str, item: Any) -> None:
        self._changeable()[key] = item

    def __getitem__(self, key: str) -> Any:
        return self._config[key]

    def __delitem__(self, key: str) -> None:
        del self._changeable()[key]

    def __contains__(self, item: object) -> bool:
        return item in self._config

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._config))

    def __len__(self) -> int:
        return len(self._config)

    def __repr__(self) -> str:
        return f"<Config {self._config}>"
