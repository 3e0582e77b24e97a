"""TextVectorization: text as sequences of integers, or as bags of words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from etude import config
from etude.errors import ArgumentError, ShapeError
from etude.layers.base.arguments import Shape, is_integer
from etude.layers.base.host import HostLayer, adapt_to, as_text, tensor_or_text
from etude.layers.text.index_lookup import OUTPUT_MODES
from etude.layers.text.string_lookup import StringLookup
from etude.layers.text.vocabulary import refuse_path
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["TextVectorization"]

STANDARDIZE = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
SPLIT = ("whitespace", "character")
PUNCTUATION = re.compile(r"[!\"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']")


class TextVectorization(HostLayer):
    """Turns texts into integers: standardises them, splits them into tokens, looks these up.

    It runs on the host: on arrays, in `Dataset.map`, and at the beginning of models.

    Args:
        max_tokens: the largest size of the vocabulary; None: any.
        standardize: ``"lower_and_strip_punctuation"``, ``"lower"``, ``"strip_punctuation"``, None,
            or a function of an array of text.
        split: ``"whitespace"``, ``"character"``, None, or a function of an array of text that
            gives the tokens of each.
        ngrams: tokens in a row that count as one: up to so many, or as many as a tuple says.
        output_mode: ``"int"``: a sequence of indices, with 0 at its end; ``"multi_hot"``: which
            tokens a text has; ``"count"``: how often; ``"tf_idf"``: how often, weighted.
        output_sequence_length: the length of sequences; None: that of the longest.
        pad_to_max_tokens: whether rows have length ``max_tokens``.
        vocabulary: the tokens, or a file with a token in each line; None: `adapt` learns it.
        idf_weights: for ``"tf_idf"``, the weight of each token.
        sparse, ragged: must be false.
        encoding: accepted for Keras; text is UTF-8.

    Shapes:
        x: text, (batch,) or (batch, 1); y: (batch, length) integers, or (batch, size of the
        vocabulary).

    Raises:
        ArgumentError: arguments contradict each other, or a vocabulary cannot be used.
        ShapeError: texts are to be split, and there are several in a sample.

    Example:
        >>> layer = TextVectorization(output_sequence_length=4)
        >>> layer.adapt(["To be, or not to be."])
        >>> layer.get_vocabulary()
        ['', '[UNK]', 'to', 'be', 'or', 'not']
        >>> layer(["to be wise"]).numpy().tolist()
        [[2, 3, 1, 0]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: Any = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        lookup = {name: kwargs.pop(name) for name in LOOKUP_ONLY if name in kwargs}
        super().__init__(name=name, **kwargs)
        output_mode = {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(output_mode, output_mode)
        _check_choice("standardize", standardize, STANDARDIZE)
        _check_choice("split", split, SPLIT)
        _check_lengths(ngrams, output_mode, output_sequence_length)
        if ragged:
            raise ArgumentError(
                "TextVectorization: `ragged=True`: etude has dense tensors only. Sequences are "
                "padded with 0, which `Embedding(mask_zero=True)` passes over."
            )
        self._standardize, self._split = standardize, split
        self._ngrams_arg = ngrams
        self._ngrams = tuple(range(1, ngrams + 1)) if is_integer(ngrams) else ngrams
        self._output_mode = output_mode
        self._output_sequence_length = output_sequence_length
        self._encoding = encoding
        if output_mode not in OUTPUT_MODES:
            raise ArgumentError(
                f"TextVectorization: `output_mode` must be one of {', '.join(OUTPUT_MODES)}; got "
                f"{output_mode!r}."
            )
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            pad_to_max_tokens=pad_to_max_tokens,
            mask_token="",
            output_mode=output_mode,
            sparse=sparse,
            encoding=encoding,
            **lookup,
        )

    @property
    def compute_dtype(self) -> str:
        """The dtype of the inputs."""
        return "string"

    @property
    def variable_dtype(self) -> str:
        """As `compute_dtype`."""
        return "string"

    @property
    def output_dtype(self) -> str:
        """The dtype of the outputs."""
        return "int64" if self._output_mode == "int" else config.floatx()

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """A sequence, or a row as long as the vocabulary."""
        if self._output_mode == "int":
            return (input_shape[0] if input_shape else None, self._output_sequence_length)
        if self._split is None:
            shape = (*input_shape, 1) if len(input_shape) <= 1 else tuple(input_shape)
        else:
            shape = (*input_shape[:1], None)
        return self._lookup_layer.compute_output_shape(shape)

    # ---- the vocabulary ------------------------------------------------------------------------

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learns the vocabulary: the tokens of texts, the most frequent first.

        Args:
            data: an array or a list of texts, or an iterable of batches of them.
            batch_size: accepted for Keras.
            steps: how many batches at most.
        """
        self.reset_state()
        adapt_to(data, self.update_state, steps)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Counts the tokens in a batch of texts."""
        if self._lookup_layer._has_input_vocabulary:
            self._lookup_layer.update_state([])
        self._lookup_layer.count_terms(self._tokens_of(data))

    def finalize_state(self) -> None:
        """Makes the vocabulary from what was counted."""
        self._lookup_layer.finalize_state()

    def reset_state(self) -> None:
        """Forgets what `update_state` has seen."""
        self._lookup_layer.reset_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The tokens, each at its index; without special ones if so asked."""
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """How many indices there are, those of special tokens included."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Replaces the vocabulary; see `StringLookup.set_vocabulary`."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights)

    # ---- from text to integers -----------------------------------------------------------------

    def call(self, inputs: Any) -> Any:
        """Sequences of indices, or rows made of them."""
        documents = self._tokens_of(inputs)
        shortest = 1 if self._output_mode == "int" else 0
        length = max([shortest, *map(len, documents)])
        if self._output_sequence_length is not None:
            length = self._output_sequence_length
        padding = 0 if self._output_mode == "int" else -1  # -1 counts for nothing
        indices = np.full((len(documents), length), padding, dtype="int64")
        for row, tokens in zip(indices, documents, strict=True):
            found = self._lookup_layer.indices_of(tokens[:length])
            row[: len(found)] = found
        if np.ndim(inputs) == 0:
            indices = indices[0]
        return tensor_or_text(self._lookup_layer.encoded(indices))

    def _tokens_of(self, inputs: Any) -> list[list[str]]:
        """The tokens of each text."""
        text = self._standardized(self.array_of(inputs))
        if self._split is not None:
            if text.ndim > 1 and text.shape[-1] != 1:
                raise ShapeError(
                    "When using `TextVectorization` to tokenize strings, the input rank must be 1 "
                    f"or the last shape dimension must be 1; got the shape {text.shape}. Apply the "
                    "layer to one column at a time, or set `split=None`."
                )
            documents = self._splits(text[..., 0] if text.ndim > 1 else text)
        else:
            rows = text.reshape(-1, text.shape[-1]) if text.ndim > 1 else text.reshape(-1, 1)
            documents = rows.tolist()
        if self._ngrams is None:
            return documents
        return [_ngrams(tokens, self._ngrams) for tokens in documents]

    def _standardized(self, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        text = as_text(values)
        if callable(self._standardize):
            return as_text(self._standardize(text.astype(str)))
        if self._standardize is None:
            return text

        def standard(value: str) -> str:
            value = value.lower() if self._standardize != "strip_punctuation" else value
            return PUNCTUATION.sub("", value) if self._standardize != "lower" else value

        flat = [standard(value) for value in text.reshape(-1).tolist()]
        return as_text(flat).reshape(text.shape)

    def _splits(self, text: np.ndarray[Any, Any]) -> list[list[str]]:
        if callable(self._split):
            return _rows(self._split(text.astype(str)))
        split: Callable[[str], list[str]] = str.split if self._split == "whitespace" else list
        return [split(value) for value in text.reshape(-1).tolist()]

    # ---- configs and files ---------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again; a learnt vocabulary is kept in a file."""
        lookup = self._lookup_layer.get_config()
        taken = ("max_tokens", "pad_to_max_tokens", "sparse", "vocabulary", "idf_weights")
        return {
            **super().get_config(),
            **{name: lookup[name] for name in taken},
            "standardize": serialize_keras_object(self._standardize),
            "split": serialize_keras_object(self._split),
            "ngrams": self._ngrams_arg,
            "output_mode": self._output_mode,
            "output_sequence_length": self._output_sequence_length,
            "ragged": False,
            "encoding": self._encoding,
            "vocabulary_size": self.vocabulary_size(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """The layer of a config, whose functions must be registered ones.

        Raises:
            SerializationError: a function is unknown, or the vocabulary is the path of a file.
        """
        refuse_path(cls.__name__, config.get("vocabulary"))
        config = dict(config)
        for name in ("standardize", "split"):
            if isinstance(config.get(name), dict):
                config[name] = deserialize_keras_object(config[name], custom_objects)
        if isinstance(config.get("ngrams"), list):
            config["ngrams"] = tuple(config["ngrams"])
        return super().from_config(config)


LOOKUP_ONLY = ("has_input_vocabulary", "vocabulary_size")


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value is not None and not callable(value) and value not in choices:
        raise ArgumentError(
            f"TextVectorization: `{name}` must be one of {choices}, None, or a function; got "
            f"{value!r}."
        )


def _check_lengths(ngrams: Any, output_mode: str, length: Any) -> None:
    several = isinstance(ngrams, tuple) and all(is_integer(n) for n in ngrams)
    if ngrams is not None and not is_integer(ngrams) and not several:
        raise ArgumentError(
            "TextVectorization: `ngrams` must be None, an integer, or a tuple of integers; got "
            f"{ngrams!r}."
        )
    if output_mode == "int" and length is not None and not is_integer(length):
        raise ArgumentError(
            "TextVectorization: `output_sequence_length` must be either None or an integer when "
            f"`output_mode` is 'int'; got {length!r}."
        )
    if output_mode != "int" and length is not None:
        raise ArgumentError(
            "TextVectorization: `output_sequence_length` must not be set if `output_mode` is not "
            f"'int'; got {length!r}. Rows are as long as the vocabulary."
        )


def _ngrams(tokens: list[str], widths: tuple[int, ...]) -> list[str]:
    """All runs of tokens of some lengths, joined by spaces.

    >>> _ngrams(["to", "be", "or"], (1, 2))
    ['to', 'be', 'or', 'to be', 'be or']
    """
    return [
        " ".join(tokens[i : i + width])
        for width in widths
        for i in range(len(tokens) - width + 1)
    ]  # fmt: skip


def _rows(tokens: Any) -> list[list[str]]:
    """What a user's function for splitting gave, as lists of tokens."""
    tokens = tokens.to_list() if hasattr(tokens, "to_list") else tokens
    return [as_text(row).reshape(-1).tolist() for row in tokens]
