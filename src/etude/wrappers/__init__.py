"""Models as estimators of scikit-learn, which is imported when they are first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etude.errors import MissingPackageError

if TYPE_CHECKING:
    from typing import Any

    from etude.wrappers.estimators import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'etude.wrappers' has no attribute {name!r}")
    try:
        from etude.wrappers import estimators  # noqa: PLC0415 - scikit-learn is optional, and slow
    except ImportError as error:
        raise MissingPackageError(
            f"{name} requires `scikit-learn` to be installed. Run `pip install scikit-learn`, or "
            "`pip install 'etude[labs]'`."
        ) from error
    return getattr(estimators, name)
