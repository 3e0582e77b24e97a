"""A vocabulary: set, learnt from data, written and read; what `IndexLookup` looks terms up in."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from etude import config
from etude.errors import ArgumentError, SerializationError, StateError
from etude.layers.base.host import HostLayer, adapt_to, as_integers, as_text

__all__ = ["VocabularyLayer", "refuse_path"]

ASSET = "vocabulary.txt"


def refuse_path(layer: str, vocabulary: Any) -> None:
    """A config may be a stranger's, and a path in it that of any file of this machine.

    Raises:
        SerializationError: the vocabulary in a config is a path or an address.
    """
    if isinstance(vocabulary, (str, Path)):
        raise SerializationError(
            f"The config of a {layer} names the vocabulary file {str(vocabulary)!r}. Files that a "
            "config names are not read, nor are addresses. The vocabulary of a saved model is in "
            "the model's own file; another one is given to `set_vocabulary(path)` of the layer, "
            "once the model is there."
        )


class VocabularyLayer(HostLayer):
    """What `IndexLookup` knows: the special tokens, then the terms, each at its index."""

    max_tokens: int | None
    num_oov_indices: int
    mask_token: Any
    oov_token: Any
    vocabulary_dtype: str
    invert: bool
    output_mode: str
    pad_to_max_tokens: bool
    input_vocabulary: Any
    idf_weights: np.ndarray[Any, Any] | None
    _has_input_vocabulary: bool
    _frozen_vocab_size: int | None

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The layer with these arguments; a vocabulary among them is a list.

        Raises:
            SerializationError: it is the path of a file, which is not read.
        """
        refuse_path(cls.__name__, config.get("vocabulary"))
        return super().from_config(config)

    # ---- its terms -----------------------------------------------------------------------------

    def _oov_start_index(self) -> int:
        return 1 if self.mask_token is not None and self.output_mode == "int" else 0

    def _token_start_index(self) -> int:
        return self._oov_start_index() + self.num_oov_indices

    def _as_terms(self, values: Any) -> list[Any]:
        as_array = as_text if self.vocabulary_dtype == "string" else as_integers
        return as_array(values).reshape(-1).tolist()

    def _set_tokens(self, tokens: list[Any]) -> None:
        start = self._token_start_index()
        self._tokens = tuple(tokens)
        self._table = {token: start + i for i, token in enumerate(tokens)}

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The terms, each at its index.

        Args:
            include_special_tokens: whether the mask token and those out of vocabulary come first.
        """
        if not include_special_tokens:
            return list(self._tokens)
        masks = [self.mask_token] * self._oov_start_index()
        return [*masks, *[self.oov_token] * self.num_oov_indices, *self._tokens]

    def vocabulary_size(self) -> int:
        """How many indices there are, those of special tokens included."""
        return self._token_start_index() + len(self._tokens)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Replaces the vocabulary.

        Args:
            vocabulary: the terms, with or without the special tokens at their beginning; or the
                path of a text file with a term in each line.
            idf_weights: for ``"tf_idf"``, the weight of each term.

        Raises:
            ArgumentError: it is empty, too large, names a term twice, or is no file.
            StateError: it has another size, and the size is part of the output's shape.
        """
        self._check_idf_weights(idf_weights)
        if isinstance(vocabulary, (str, Path)):
            vocabulary = self._read_file(vocabulary)
        terms = self._as_terms(vocabulary)
        if not terms:
            raise ArgumentError(f"{type(self).__name__}: Cannot set an empty vocabulary.")
        start = self._token_start_index()
        special = self.get_vocabulary()[:start]
        found_special = terms[:start] == special
        tokens = terms[start:] if found_special else terms
        self._check_tokens(tokens, terms, special)
        self._set_tokens(tokens)
        self._record_size()
        if self.output_mode == "tf_idf":
            self._set_idf_weights(np.asarray(idf_weights), terms, 0 if found_special else start)

    def _check_idf_weights(self, idf_weights: Any) -> None:
        if self.output_mode == "tf_idf" and idf_weights is None:
            raise ArgumentError(
                "`idf_weights` must be set if output_mode is 'tf_idf': the weight of each term."
            )
        if self.output_mode != "tf_idf" and idf_weights is not None:
            raise ArgumentError(
                "`idf_weights` should only be set if output_mode is `'tf_idf'`; got "
                f"output_mode={self.output_mode!r}."
            )

    def _read_file(self, path: Any) -> list[Any]:
        if not os.path.exists(path):
            raise ArgumentError(f"Vocabulary file {path} does not exist.")
        if self.output_mode == "tf_idf":
            raise ArgumentError(
                "output_mode `'tf_idf'` does not support loading a vocabulary from file: a file "
                "has no weights. Read it yourself, and pass terms and weights."
            )
        return self._terms_in(Path(path))

    def _terms_in(self, path: Path) -> list[Any]:
        """The terms in a file, one in each line."""
        lines = path.read_text(encoding="utf-8").split("\n")
        while lines and not lines[-1]:
            lines.pop()
        read = str if self.vocabulary_dtype == "string" else int
        return [read(line.removesuffix("\r")) for line in lines]

    def _check_tokens(self, tokens: list[Any], terms: list[Any], special: list[Any]) -> None:
        repeated = [token for token, count in Counter(tokens).items() if count > 1]
        if repeated:
            raise ArgumentError(
                "The passed vocabulary has at least one repeated term. Please uniquify your "
                f"dataset. The repeated terms are: {repeated}"
            )
        reserved = [("mask", self.mask_token)] + [("OOV", self.oov_token)] * self.invert
        for kind, token in reserved:
            if token is not None and token in tokens:
                raise ArgumentError(
                    f"Found reserved {kind} token at unexpected location in `vocabulary`: "
                    f"{token!r} at index {terms.index(token)}. Leave the special tokens out, or "
                    f"put all of them first, in this order: {special}."
                )
        size = self._token_start_index() + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ArgumentError(
                "Attempted to set a vocabulary larger than the maximum vocab size. Received "
                f"vocabulary size is {size}; `max_tokens` is {self.max_tokens}."
            )

    def _set_idf_weights(
        self, weights: np.ndarray[Any, Any], terms: list[Any], missing: int
    ) -> None:
        """Keeps the weights; special tokens without one get the mean, and padding zero."""
        if len(weights) != len(terms):
            raise ArgumentError(
                "`idf_weights` must be the same length as vocabulary; got "
                f"{len(weights)} weights for {len(terms)} terms."
            )
        if weights.ndim != 1:
            raise ArgumentError(
                f"`idf_weights` is a list of numbers; got an array of shape {weights.shape}."
            )
        weights = np.concatenate([np.full(missing, weights.mean()), weights])
        self.idf_weights = self._padded(weights).astype(config.floatx())

    def _padded(self, weights: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        more = (self.max_tokens or 0) - len(weights) if self.pad_to_max_tokens else 0
        return np.pad(weights, (0, max(more, 0)))

    def _record_size(self) -> None:
        size, frozen = self.vocabulary_size(), self._frozen_vocab_size
        counts = self.output_mode != "int" and not self.pad_to_max_tokens
        if counts and frozen is not None and frozen != size:
            raise StateError(
                f"When using `output_mode={self.output_mode}` and `pad_to_max_tokens=False`, the "
                "vocabulary size cannot be changed after the layer is called, since it is that of "
                f"the output. Old vocab size is {frozen}, new vocab size is {size}."
            )
        self._frozen_vocab_size = size

    # ---- learning it ---------------------------------------------------------------------------

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learns the vocabulary: the terms in data, the most frequent first.

        Terms that are equally frequent are in descending order. What was learnt before is
        forgotten.

        Args:
            data: an array or a list of terms, or an iterable of batches of them.
            steps: how many batches at most.
        """
        self.reset_state()
        adapt_to(data, self.update_state, steps)
        self.finalize_state()

    def reset_state(self) -> None:
        """Forgets what `update_state` has seen."""
        self._counts: Counter[Any] = Counter()
        self._document_counts: Counter[Any] = Counter()
        self._num_documents = 0

    def update_state(self, data: Any) -> None:
        """Counts the terms in a batch: (batch, n), or the n terms of one document."""
        if self._has_input_vocabulary:
            raise ArgumentError(
                f"Cannot adapt layer '{self.name}' after setting a static vocabulary via "
                "`vocabulary` argument or `set_vocabulary()` method. Make a layer without one."
            )
        array = self.array_of(data)
        rows = array.reshape(-1, array.shape[-1]) if array.ndim > 1 else array.reshape(1, -1)
        self.count_terms([self._as_terms(row) for row in rows])

    def count_terms(self, documents: list[list[Any]]) -> None:
        """Counts the terms in documents, which may have several lengths."""
        for terms in documents:
            self._counts.update(terms)
            self._document_counts.update(set(terms))
        self._num_documents += len(documents)

    def finalize_state(self) -> None:
        """Makes the vocabulary from what was counted."""
        if self._has_input_vocabulary or not self._counts:
            self._record_size()
            return
        for special in (self.mask_token, self.oov_token):
            self._counts.pop(special, None)
        ordered = sorted(self._counts.items(), key=_by_count_and_term, reverse=True)
        tokens = [token for token, _ in ordered]
        start = self._token_start_index()
        if self.max_tokens:
            tokens = tokens[: self.max_tokens - start]
        self._set_tokens(tokens)
        if self.output_mode == "tf_idf":
            documents = np.array([self._document_counts[token] for token in tokens])
            weights = np.log(1 + self._num_documents / (1 + documents))
            weights = np.concatenate([np.full(start, weights.mean()), weights])
            self.idf_weights = self._padded(weights).astype(config.floatx())
        self.reset_state()
        self._record_size()

    # ---- its file ------------------------------------------------------------------------------

    def save_assets(self, dir_path: Any) -> None:
        """Writes the vocabulary into a folder, unless the config holds it."""
        if self.input_vocabulary is None:
            text = "\n".join(str(term) for term in self.get_vocabulary())
            (Path(dir_path) / ASSET).write_text(text, encoding="utf-8")

    def load_assets(self, dir_path: Any) -> None:
        """Reads the vocabulary from a folder, unless the config holds it."""
        path = Path(dir_path) / ASSET
        if self.input_vocabulary is None and path.exists():
            weights = self.idf_weights  # of all indices already, and padded
            self._set_tokens(self._terms_in(path)[self._token_start_index() :])
            self._record_size()
            self.idf_weights = weights


def _by_count_and_term(item: tuple[Any, int]) -> tuple[int, Any]:
    """Frequent terms first; among the equally frequent the last one, by its bytes."""
    term, count = item
    return count, term.encode() if isinstance(term, str) else term
