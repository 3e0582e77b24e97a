"""`FeatureSpace`: the columns of a table, each encoded in its own way, as one vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from etude import layers, naming, ops
from etude.autodiff import KerasTensor
from etude.errors import ArgumentError, NotBuiltError
from etude.saving import model_file
from etude.saving.registration import register_public
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["FeatureSpace"]


class Cross:
    """Several features as one: what is seen together falls into one bucket.

    Args:
        feature_names: names of the features.
        crossing_dim: number of buckets.
        output_mode: ``"one_hot"`` or ``"int"``.
    """

    def __init__(
        self, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot"
    ) -> None:
        if output_mode not in ("int", "one_hot"):
            raise ArgumentError(
                "Cross: Invalid value for argument `output_mode`. Expected one of {'int', "
                f"'one_hot'}}; got {output_mode!r}."
            )
        self.feature_names = tuple(feature_names)
        self.crossing_dim = crossing_dim
        self.output_mode = output_mode

    @property
    def name(self) -> str:
        """The names of the features, joined."""
        return "_X_".join(self.feature_names)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this cross again."""
        names = ("feature_names", "crossing_dim", "output_mode")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Cross:
        """The cross with these arguments."""
        return cls(**config)


class Feature:
    """One column: its dtype, the layer that prepares it, and the form in which it comes out.

    Args:
        dtype: of the column; ``"string"`` for text.
        preprocessor: a layer.
        output_mode: ``"float"``, ``"int"`` or ``"one_hot"``.
    """

    def __init__(self, dtype: str, preprocessor: Any, output_mode: str) -> None:
        if output_mode not in ("int", "one_hot", "float"):
            raise ArgumentError(
                "Feature: Invalid value for argument `output_mode`. Expected one of {'int', "
                f"'one_hot', 'float'}}; got {output_mode!r}."
            )
        self.dtype = dtype
        if isinstance(preprocessor, dict):
            preprocessor = deserialize_keras_object(preprocessor)
        self.preprocessor = preprocessor
        self.output_mode = output_mode

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this feature again."""
        return {
            "dtype": self.dtype,
            "preprocessor": serialize_keras_object(self.preprocessor),
            "output_mode": self.output_mode,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Feature:
        """The feature with these arguments."""
        return cls(**config)


class FeatureSpace(layers.Layer):
    """Encodes the columns of a table, and crosses of them, as one vector or a dictionary.

    Args:
        features: what each column is: ``"float"``, ``"float_normalized"``, ``"float_rescaled"``,
            ``"float_discretized"``, ``"integer_categorical"``, ``"string_categorical"``,
            ``"integer_hashed"``, ``"string_hashed"``, or what a class method of these names
            returns.
        output_mode: ``"concat"``: one vector; ``"dict"``: each encoded column by its name.
        crosses: tuples of names of columns to cross, or what `cross` returns.
        crossing_dim: number of buckets of crosses.
        hashing_dim: number of buckets of hashed columns.
        num_discretization_bins: number of bins of discretized columns.
        name: the name of the layer.

    Shapes:
        data: a dictionary of columns, each (), (batch,) or (batch, 1); y: (batch, size), or a
        dictionary of (batch, size).

    Raises:
        ArgumentError: a column or an argument is unknown.
        NotBuiltError: it was not adapted to data yet.

    Example:
        >>> import numpy as np
        >>> space = FeatureSpace({"age": "float_normalized", "sex": "string_categorical"})
        >>> space.adapt({"age": np.array([20.0, 40.0]), "sex": np.array(["f", "m"])})
        >>> space({"age": np.array([40.0]), "sex": np.array(["m"])}).numpy().tolist()
        [[1.0, 0.0, 1.0, 0.0]]
    """

    @classmethod
    def cross(
        cls, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot"
    ) -> Cross:
        """A cross of features with a number of buckets of its own."""
        return Cross(feature_names, crossing_dim, output_mode)

    @classmethod
    def feature(cls, dtype: str, preprocessor: Any, output_mode: str) -> Feature:
        """A column with a layer of one's own."""
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:
        """A number as it is."""
        name = name or naming.auto_name("float")
        layer = layers.Identity(dtype="float32", name=f"{name}_preprocessor")
        return Feature("float32", layer, "float")

    @classmethod
    def float_rescaled(
        cls, scale: Any = 1.0, offset: Any = 0.0, name: str | None = None
    ) -> Feature:
        """A number, scaled and shifted."""
        name = name or naming.auto_name("float_rescaled")
        layer = layers.Rescaling(scale=scale, offset=offset, name=f"{name}_preprocessor")
        return Feature("float32", layer, "float")

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        """A number with mean 0 and variance 1."""
        name = name or naming.auto_name("float_normalized")
        layer = layers.Normalization(axis=-1, name=f"{name}_preprocessor")
        return Feature("float32", layer, "float")

    @classmethod
    def float_discretized(
        cls,
        num_bins: int,
        bin_boundaries: Any = None,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """A number as that of its bin."""
        name = name or naming.auto_name("float_discretized")
        layer = layers.Discretization(
            num_bins=num_bins, bin_boundaries=bin_boundaries, name=f"{name}_preprocessor"
        )
        return Feature("float32", layer, output_mode)

    @classmethod
    def integer_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """An integer that names a category."""
        name = name or naming.auto_name("integer_categorical")
        layer = layers.IntegerLookup(max_tokens, num_oov_indices, name=f"{name}_preprocessor")
        return Feature("int32", layer, output_mode)

    @classmethod
    def string_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """A text that names a category."""
        name = name or naming.auto_name("string_categorical")
        layer = layers.StringLookup(max_tokens, num_oov_indices, name=f"{name}_preprocessor")
        return Feature("string", layer, output_mode)

    @classmethod
    def string_hashed(
        cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """A text as the number of its bucket."""
        name = name or naming.auto_name("string_hashed")
        return Feature("string", layers.Hashing(num_bins, name=f"{name}_preprocessor"), output_mode)

    @classmethod
    def integer_hashed(
        cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """An integer as the number of its bucket."""
        name = name or naming.auto_name("integer_hashed")
        return Feature("int32", layers.Hashing(num_bins, name=f"{name}_preprocessor"), output_mode)

    def __init__(
        self,
        features: dict[str, Any],
        output_mode: str = "concat",
        crosses: Any = None,
        crossing_dim: int = 32,
        hashing_dim: int = 32,
        num_discretization_bins: int = 32,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if not features:
            raise ArgumentError("The `features` argument cannot be None or empty.")
        if output_mode not in ("dict", "concat"):
            raise ArgumentError(
                "FeatureSpace: Invalid value for argument `output_mode`. Expected one of {'dict', "
                f"'concat'}}; got {output_mode!r}."
            )
        self.crossing_dim, self.hashing_dim = crossing_dim, hashing_dim
        self.num_discretization_bins = num_discretization_bins
        self.output_mode = output_mode
        self.features = {key: self._standardized(key, value) for key, value in features.items()}
        self.crosses = [self._checked_cross(cross) for cross in crosses or ()]
        self.inputs = {
            key: layers.Input((1,), dtype=feature.dtype, name=key)
            for key, feature in self.features.items()
        }
        self.preprocessors = {key: feature.preprocessor for key, feature in self.features.items()}
        self.crossers = {
            cross.name: layers.HashedCrossing(cross.crossing_dim, name=cross.name)
            for cross in self.crosses
        }
        self.one_hot_encoders: dict[str, Any] = {}
        self.encoded_features: Any = None
        self._is_adapted = not self._adaptable()
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True

    def _standardized(self, name: str, feature: Any) -> Feature:
        if isinstance(feature, Feature):
            return feature
        if isinstance(feature, dict):
            return deserialize_keras_object(feature)
        makers = {
            "float": lambda: self.float(name),
            "float_normalized": lambda: self.float_normalized(name),
            "float_rescaled": lambda: self.float_rescaled(name=name),
            "float_discretized": lambda: self.float_discretized(
                self.num_discretization_bins, name=name
            ),
            "integer_categorical": lambda: self.integer_categorical(name=name),
            "string_categorical": lambda: self.string_categorical(name=name),
            "integer_hashed": lambda: self.integer_hashed(self.hashing_dim, name=name),
            "string_hashed": lambda: self.string_hashed(self.hashing_dim, name=name),
        }
        if feature not in makers:
            raise ArgumentError(
                f"FeatureSpace: Invalid feature type: {feature!r} for {name!r}. It is one of "
                f"{', '.join(makers)}."
            )
        return makers[feature]()

    def _checked_cross(self, cross: Any) -> Cross:
        cross = deserialize_keras_object(cross) if isinstance(cross, dict) else cross
        if isinstance(cross, Cross):
            return cross
        if not self.crossing_dim:
            raise ArgumentError(
                "FeatureSpace: When specifying `crosses`, the argument `crossing_dim` (the number "
                "of buckets) should be specified as well."
            )
        unknown = [name for name in cross if name not in self.features]
        if unknown:
            raise ArgumentError(
                "FeatureSpace: All features referenced in the `crosses` argument should be present "
                f"in the `features` dict. Received unknown features: {unknown}"
            )
        return Cross(cross, self.crossing_dim)

    # ---- learning ------------------------------------------------------------------------------

    def _adaptable(self) -> list[str]:
        """The columns whose layers learn from data."""
        found = []
        for name, layer in self.preprocessors.items():
            given = getattr(layer, "input_mean", None) is not None
            lookup = getattr(layer, "_lookup_layer", layer)
            given = given or getattr(lookup, "_has_input_vocabulary", False)
            given = given or (
                isinstance(layer, layers.Discretization) and layer.bin_boundaries is not None
            )
            if hasattr(layer, "adapt") and not given:
                found.append(name)
        return found

    def adapt(self, dataset: Any) -> None:
        """Learns vocabularies, means and bins from data.

        Args:
            dataset: a dictionary of columns, or an iterable of such dictionaries, e.g. a data set.
        """
        if not isinstance(dataset, dict) and not hasattr(dataset, "__iter__"):
            raise ArgumentError(
                "`adapt()` can only be called on a Dataset or a dict of arrays/lists; got "
                f"{type(dataset).__name__}."
            )
        for name in self._adaptable():
            batches = [dataset] if isinstance(dataset, dict) else dataset
            self.preprocessors[name].adapt(_column(batch, name) for batch in batches)
        self._is_adapted = True
        self.get_encoded_features()

    def _check_if_adapted(self) -> None:
        if not self._is_adapted:
            raise NotBuiltError(
                "You need to call `.adapt(dataset)` on the FeatureSpace before you can start using "
                "it: some columns learn from data."
            )

    # ---- encoding ------------------------------------------------------------------------------

    def get_inputs(self) -> dict[str, KerasTensor]:
        """The symbolic columns: the inputs of a model that does the encoding itself."""
        self.get_encoded_features()
        return dict(self.inputs)

    def get_encoded_features(self) -> Any:
        """The symbolic encoding: the input of a model, or what its first layers are called on."""
        self._check_if_adapted()
        if self.encoded_features is None:
            self.encoded_features = self._encoded(dict(self.inputs))
            self.built = True
        return self.encoded_features

    def __call__(self, data: Any) -> Any:
        """Encodes columns; a single row of numbers gives a single vector."""
        self.get_encoded_features()
        if not isinstance(data, dict):
            raise ArgumentError(
                "A FeatureSpace can only be called with a dict; got "
                f"{type(data).__name__}. Its keys are {sorted(self.features)}."
            )
        single = any(np.ndim(x) == 0 for x in data.values() if not isinstance(x, KerasTensor))
        outputs = self._encoded({name: _as_column(data[name]) for name in self.features})
        if not single:
            return outputs
        if isinstance(outputs, dict):
            return {name: ops.squeeze(y, axis=0) for name, y in outputs.items()}
        return ops.squeeze(outputs, axis=0)

    def _encoded(self, columns: dict[str, Any]) -> Any:
        prepared = {name: self.preprocessors[name](x) for name, x in columns.items()}
        crossed = {
            cross.name: self.crossers[cross.name]([prepared[n] for n in cross.feature_names])
            for cross in self.crosses
        }
        specs = {**self.features, **{cross.name: cross for cross in self.crosses}}
        names = [*sorted(prepared), *sorted(crossed)]
        values = {**prepared, **crossed}
        found = {name: self._in_mode(name, values[name], specs[name]) for name in names}
        if self.output_mode == "dict":
            return found
        for name, value in found.items():
            kind = str(value.dtype)
            if kind.startswith("int") or kind == "string":
                raise ArgumentError(
                    f"Cannot concatenate features because feature '{name}' has not been encoded "
                    f"(it has dtype {kind}). Consider using `output_mode='dict'`."
                )
        return ops.concatenate(list(found.values()), axis=-1)

    def _in_mode(self, name: str, value: Any, spec: Any) -> Any:
        if spec.output_mode != "one_hot":
            return value
        if name not in self.one_hot_encoders:
            layer = self.preprocessors.get(name) or self.crossers.get(name)
            if not str(value.dtype).startswith("int"):
                raise ArgumentError(
                    f"Feature '{name}' has `output_mode='one_hot'`. Thus its preprocessor should "
                    f"return an integer dtype. Instead it returns a {value.dtype} dtype."
                )
            tokens = _cardinality(name, layer)
            self._tracker.unlock()
            self.one_hot_encoders[name] = layers.CategoryEncoding(tokens, output_mode="multi_hot")
        return self.one_hot_encoders[name](value)

    # ---- configs and files ---------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this space again; what it learnt is kept in a file."""
        names = ("output_mode", "crossing_dim", "hashing_dim", "num_discretization_bins")
        return {
            "features": serialize_keras_object(dict(self.features)),
            "crosses": serialize_keras_object(list(self.crosses)),
            **{name: getattr(self, name) for name in names},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The space with these arguments."""
        return cls(**config)

    def get_build_config(self) -> dict[str, Any]:
        """How the layers of the columns were built."""
        return {
            name: feature.preprocessor.get_build_config() for name, feature in self.features.items()
        }

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        """Builds the layers of the columns; what they learnt is read afterwards."""
        for name, built in (config or {}).items():
            if not self.features[name].preprocessor.built:
                self.features[name].preprocessor.build_from_config(built)
        self._is_adapted = True

    def save(self, filepath: Any) -> None:
        """Writes the space into a file ``*.keras``, which `etude.models.load_model` reads."""
        model_file.save_model(self, filepath)

    def save_own_variables(self, store: Any) -> None:
        """Nothing: the layers of the columns keep what was learnt."""

    def load_own_variables(self, store: Any) -> None:
        """Nothing."""


def _cardinality(name: str, layer: Any) -> int:
    """How many categories a layer makes."""
    if isinstance(layer, (layers.IntegerLookup, layers.StringLookup)):
        return layer.vocabulary_size()
    if isinstance(layer, layers.CategoryEncoding):
        return layer.num_tokens
    if isinstance(layer, layers.Discretization):
        return len(layer.bin_boundaries) + 1
    if isinstance(layer, (layers.HashedCrossing, layers.Hashing)):
        return layer.num_bins
    raise ArgumentError(
        f"Feature '{name}' has `output_mode='one_hot'`. However it isn't a standard feature "
        "and the dimensionality of its output space is not known, thus it cannot be one-hot "
        "encoded. Try using `output_mode='int'`."
    )


def _column(batch: Any, name: str) -> np.ndarray[Any, Any]:
    """A column of a batch, or of a single row, as (batch, 1)."""
    batch = batch[0] if isinstance(batch, tuple) else batch
    return _as_column(np.asarray(batch[name]))


def _as_column(x: Any) -> Any:
    """A column as (batch, 1)."""
    if isinstance(x, KerasTensor):
        return x if len(x.shape) != 1 else ops.expand_dims(x, -1)
    array = np.asarray(x)
    array = array.reshape(-1, 1) if array.ndim < 2 else array
    return array if array.dtype.kind in "OUS" else ops.convert_to_tensor(array)


register_public("keras.utils", FeatureSpace=FeatureSpace)
register_public("keras.src.layers.preprocessing.feature_space", Feature=Feature, Cross=Cross)
