"""Models as estimators of scikit-learn: classifier, regressor, transformer."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.utils.metadata_routing import MetadataRequest
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from etude.errors import ArgumentError, StateError
from etude.models import Model, clone_model

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


class _Estimator(BaseEstimator):
    """What the three estimators share: how a model is made and fitted."""

    def __init__(
        self,
        model: Any,
        warm_start: bool = False,
        model_kwargs: dict[str, Any] | None = None,
        fit_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags

    def __sklearn_clone__(self) -> Any:
        """An estimator with the same arguments; a model is copied by `fit`, not here."""
        return type(self)(self.model, self.warm_start, self.model_kwargs, self.fit_kwargs)

    @property
    def epoch_(self) -> int:
        """How many epochs the last `fit` took."""
        return len(self.history_.epoch) if hasattr(self, "history_") else 0

    def set_fit_request(self, **kwargs: Any) -> Any:
        """Says which metadata `fit` gets where scikit-learn routes metadata.

        Args:
            **kwargs: a name, and True, False, None or another name for it.

        Raises:
            StateError: routing is not switched on.
        """
        if not sklearn.get_config().get("enable_metadata_routing", False):
            raise StateError(
                "This method is only available when metadata routing is enabled: "
                "sklearn.set_config(enable_metadata_routing=True)."
            )
        request = MetadataRequest(owner=type(self).__name__)
        for name, alias in kwargs.items():
            request.fit.add_request(param=name, alias=alias)
        self._metadata_request = request
        return self

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Any:
        """Fits a model to samples and targets.

        Args:
            X: (N, D), the samples.
            y: (N,), the targets.
            **kwargs: arguments of `Model.fit`, beside ``fit_kwargs``.

        Raises:
            StateError: the model is not compiled.
            ArgumentError: the targets are of a kind that cannot be fitted.
        """
        X, y = validate_data(self, X, y)
        targets = self._encoded(y)
        model = self._made_for(X, targets)
        if not model.compiled or not model.loss or not model.optimizer:
            raise StateError(
                "Given model needs to be compiled, and have a loss and an optimizer: call "
                "`model.compile(optimizer, loss)` first."
            )
        self.history_ = model.fit(X, targets, **{**(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    def _made_for(self, X: Any, y: Any) -> Any:
        """The model to fit: a fresh one, or with a warm start that of the fit before."""
        if self.warm_start and hasattr(self, "model_"):
            return self.model_
        if not isinstance(self.model, Model):
            return self.model(X=X, y=y, **(self.model_kwargs or {}))
        return self.model if self.warm_start else clone_model(self.model)

    def _encoded(self, y: Any) -> Any:
        """The targets as the model learns them: one column.

        Raises:
            ArgumentError: they are no numbers or labels.
        """
        if type_of_target(y) == "unknown":
            raise ArgumentError(f"Unknown label type for the targets: {y!r}")
        self._ndim = y.ndim
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def _decoded(self, outputs: Any) -> Any:
        """Predictions in the shape of the targets."""
        return outputs[:, 0] if self._ndim == 1 and outputs.ndim == 2 else outputs

    def _outputs(self, X: Any) -> Any:
        check_is_fitted(self)
        verbose = (self.fit_kwargs or {}).get("verbose", "auto")  # who wants no bar, wants none
        return np.asarray(self.model_.predict(validate_data(self, X, reset=False), verbose=verbose))

    def predict(self, X: Any) -> Any:
        """What the model predicts.

        Args:
            X: (N, D), the samples.

        Returns:
            (N,), one prediction for each.
        """
        return self._decoded(self._outputs(X))


class SKLearnClassifier(ClassifierMixin, _Estimator):
    """A model as a classifier of scikit-learn.

    The model is trained on one-hot labels, (N, classes).

    Args:
        model: a compiled model, which is cloned for each `fit`; or a function ``(X, y, ...)`` that
            returns one.
        warm_start: whether a second `fit` goes on with the model of the first.
        model_kwargs: more arguments for the function.
        fit_kwargs: arguments of `Model.fit`.

    Attributes:
        model_: the model that was fitted.
        history_: what its `fit` returned.
        classes_: the labels, sorted.

    Raises:
        MissingPackageError: scikit-learn is not installed.

    Example:
        >>> import etude
        >>> etude.config.set_engine("numpy")
        >>> def linear(X, y):
        ...     dense = etude.layers.Dense(y.shape[1], "softmax", kernel_initializer="zeros")
        ...     model = etude.Sequential([etude.Input((X.shape[1],)), dense])
        ...     model.compile(etude.optimizers.SGD(1.0), "categorical_crossentropy")
        ...     return model
        >>> estimator = SKLearnClassifier(linear, fit_kwargs={"epochs": 20, "verbose": 0})
        >>> X, y = np.array([[-1.0], [-2.0], [1.0], [2.0]]), np.array(["no", "no", "yes", "yes"])
        >>> float(estimator.fit(X, y).score(X, y))
        1.0
    """

    def decision_function(self, X: Any) -> Any:
        """What the model computes, (N, classes).

        Args:
            X: (N, D), the samples.
        """
        return self._outputs(X)

    def _encoded(self, y: Any) -> Any:
        kind = type_of_target(y, raise_unknown=True)
        if kind not in ("binary", "multiclass"):
            raise ArgumentError(
                f"Only binary and multiclass target types are supported. Target type: {kind}"
            )
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) == 1:
            raise ArgumentError("Classifier can't train when only one class is present.")
        return np.eye(len(self.classes_))[numbers.reshape(-1)]

    def _decoded(self, outputs: Any) -> Any:
        return self.classes_[outputs.argmax(axis=-1)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


class SKLearnRegressor(RegressorMixin, _Estimator):
    """A model as a regressor of scikit-learn.

    Args:
        model: a compiled model, which is cloned for each `fit`; or a function ``(X, y, ...)`` that
            returns one.
        warm_start: whether a second `fit` goes on with the model of the first.
        model_kwargs: more arguments for the function.
        fit_kwargs: arguments of `Model.fit`.

    Attributes:
        model_: the model that was fitted.
        history_: what its `fit` returned.

    Raises:
        MissingPackageError: scikit-learn is not installed.

    Example:
        >>> import etude
        >>> etude.config.set_engine("numpy")
        >>> model = etude.Sequential([etude.Input((1,)), etude.layers.Dense(1)])
        >>> model.compile(etude.optimizers.SGD(0.1), "mse")
        >>> estimator = SKLearnRegressor(model, fit_kwargs={"epochs": 50, "verbose": 0})
        >>> X = np.array([[-1.0], [0.0], [1.0]])
        >>> bool(estimator.fit(X, [-2.0, 0.0, 2.0]).score(X, [-2.0, 0.0, 2.0]) > 0.99)
        True
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


class SKLearnTransformer(TransformerMixin, _Estimator):
    """A model as a transformer of scikit-learn: it makes features of samples.

    Args:
        model: a compiled model, which is cloned for each `fit`; or a function ``(X, y, ...)`` that
            returns one.
        warm_start: whether a second `fit` goes on with the model of the first.
        model_kwargs: more arguments for the function.
        fit_kwargs: arguments of `Model.fit`.

    Attributes:
        model_: the model that was fitted.
        history_: what its `fit` returned.

    Raises:
        MissingPackageError: scikit-learn is not installed.

    Example:
        >>> import etude
        >>> etude.config.set_engine("numpy")
        >>> model = etude.Sequential([etude.Input((2,)), etude.layers.Dense(3)])
        >>> model.compile("sgd", "mse")
        >>> transformer = SKLearnTransformer(model, fit_kwargs={"verbose": 0})
        >>> transformer.fit([[1.0, 2.0], [3.0, 4.0]], [0.0, 1.0]).transform([[1.0, 2.0]]).shape
        (1, 3)
    """

    def transform(self, X: Any) -> Any:
        """What the model computes, (N, features).

        Args:
            X: (N, D), the samples.
        """
        return self._outputs(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
