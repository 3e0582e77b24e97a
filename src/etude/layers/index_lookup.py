"""IndexLookup: terms as integers by a vocabulary; what `StringLookup` and `IntegerLookup` share."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from etude import config
from etude.errors import ArgumentError, DataError, StateError
from etude.layers.arguments import Shape
from etude.layers.fingerprints import fingerprint, keyed_hash
from etude.layers.host import (
    HostLayer,
    adapt_to,
    as_integers,
    as_text,
    encode_on_host,
    tensor_or_text,
)

__all__ = ["IndexLookup"]

OUTPUT_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
ASSET = "vocabulary.txt"


class IndexLookup(HostLayer):
    """Looks terms up in a vocabulary that is given, or learnt by `adapt`.

    The vocabulary begins with the mask token (in the output mode ``"int"``, if there is one) and
    with the tokens out of vocabulary; the terms follow, the most frequent first.

    Args:
        max_tokens: the largest size of the vocabulary; None: any.
        num_oov_indices: how many indices stand for terms out of vocabulary. With 0 such terms are
            an error; with several, terms are spread over them by a hash.
        mask_token: the term that means "nothing here"; None: there is none.
        oov_token: what terms out of vocabulary become when they are looked up the other way.
        vocabulary_dtype: ``"string"`` or ``"int64"``.
        vocabulary: the terms, or a file with a term in each line.
        idf_weights: for ``"tf_idf"``, the weight of each term.
        invert: whether to look up terms by their indices.
        output_mode: ``"int"``: the index of each term; ``"one_hot"``: each as a row;
            ``"multi_hot"``: which terms a sample has; ``"count"``: how often; ``"tf_idf"``: how
            often, weighted.
        sparse: must be false.
        pad_to_max_tokens: whether rows have length ``max_tokens``.
        oov_method: how integers are spread: ``"floormod"`` or ``"farmhash"``.
        salt: two integers, or one: the key of another hash, SipHash.
        encoding: accepted for Keras; text is UTF-8.

    Shapes:
        x: any; for the modes other than ``"int"``: (batch, ..., n). y: as x; or (batch, ..., size
        of the vocabulary), and for ``"one_hot"`` with the axis n before.

    Raises:
        ArgumentError: arguments contradict each other, or a vocabulary cannot be used.
        StateError: there is no vocabulary yet.
    """

    config_names = (
        "invert", "max_tokens", "num_oov_indices", "oov_token", "mask_token", "output_mode",
        "sparse", "pad_to_max_tokens", "vocabulary_dtype", "oov_method", "salt",
    )  # fmt: skip

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary_dtype: str,
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ) -> None:
        self.vocabulary_dtype = vocabulary_dtype
        frozen_size = kwargs.pop("vocabulary_size", None)
        is_given = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        super().__init__(name=name, **{k: kwargs.pop(k) for k in ("trainable",) if k in kwargs})
        kwargs.pop("dtype", None)
        if kwargs:
            raise ArgumentError(f"Unrecognized keyword argument(s): {kwargs}")
        self.max_tokens, self.num_oov_indices = max_tokens, num_oov_indices
        self.mask_token, self.oov_token = mask_token, oov_token
        self.invert, self.sparse, self.pad_to_max_tokens = invert, sparse, pad_to_max_tokens
        self.output_mode = {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(output_mode, output_mode)
        self.oov_method, self.salt = oov_method, salt
        self._check_arguments(idf_weights, vocabulary)
        self.input_vocabulary = vocabulary if not isinstance(vocabulary, (str, Path)) else None
        self.input_idf_weights = idf_weights
        self.idf_weights: np.ndarray[Any, Any] | None = None
        self._has_input_vocabulary = is_given
        self._frozen_vocab_size = frozen_size
        self._set_tokens([])
        self.reset_state()
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    def _check_arguments(self, idf_weights: Any, vocabulary: Any) -> None:
        name = type(self).__name__
        if self.max_tokens is not None and self.max_tokens <= 1:
            raise ArgumentError(
                f"{name}: If set, `max_tokens` must be greater than 1; got {self.max_tokens}."
            )
        if self.pad_to_max_tokens and self.max_tokens is None:
            raise ArgumentError(
                f"{name}: If pad_to_max_tokens is True, must set `max_tokens`, the length of the "
                "rows."
            )
        if self.num_oov_indices < 0:
            raise ArgumentError(
                f"{name}: `num_oov_indices` must be greater than or equal to 0; got "
                f"{self.num_oov_indices}."
            )
        if self.output_mode not in OUTPUT_MODES:
            raise ArgumentError(
                f"{name}: `output_mode` must be one of {', '.join(OUTPUT_MODES)}; got "
                f"{self.output_mode!r}."
            )
        if self.oov_method not in ("floormod", "farmhash"):
            raise ArgumentError(
                f"{name}: `oov_method` must be 'floormod' or 'farmhash'; got {self.oov_method!r}."
            )
        if self.invert and self.output_mode != "int":
            raise ArgumentError(
                f"{name}: `output_mode` must be `'int'` when `invert` is true; got "
                f"{self.output_mode!r}."
            )
        if self.sparse:
            only = "`sparse` may only be true if `output_mode` is not 'int'; and " * (
                self.output_mode == "int"
            )
            raise ArgumentError(f"{name}: {only}`sparse=True`: etude has dense tensors only.")
        if idf_weights is not None and self.output_mode != "tf_idf":
            raise ArgumentError(
                f"{name}: `idf_weights` should only be set if `output_mode` is `'tf_idf'`; got "
                f"output_mode={self.output_mode!r}."
            )
        if self.output_mode == "tf_idf" and vocabulary is not None and idf_weights is None:
            raise ArgumentError(
                f"{name}: with a `vocabulary` and the output mode 'tf_idf', the `idf_weights` "
                "argument must also be provided: the weight of each term."
            )
        self.salt = checked_salt(self.salt, name)
        if self.salt and self.vocabulary_dtype != "string" and self.oov_method != "farmhash":
            raise ArgumentError(
                f"{name}: `salt` can only be used when `oov_method='farmhash'`; got "
                f"{self.oov_method!r}."
            )

    # ---- the vocabulary ------------------------------------------------------------------------

    @property
    def compute_dtype(self) -> str:
        """The dtype of the inputs."""
        return "int64" if self.invert else self.vocabulary_dtype

    @property
    def variable_dtype(self) -> str:
        """As `compute_dtype`."""
        return self.compute_dtype

    @property
    def output_dtype(self) -> str:
        """The dtype of the outputs."""
        if self.invert:
            return self.vocabulary_dtype
        return "int64" if self.output_mode == "int" else config.floatx()

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

    # ---- looking up ----------------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape, or rows as long as the vocabulary."""
        shape = tuple(input_shape)
        if self.output_mode == "int":
            return shape
        depth = self.max_tokens if self.pad_to_max_tokens else self._frozen_vocab_size
        if self.output_mode == "one_hot" and not (len(shape) > 1 and shape[-1] == 1):
            return (*shape, depth)
        return (*shape[:-1], depth)

    def call(self, inputs: Any) -> Any:
        """The indices of terms, or rows made of them; the terms, if ``invert``."""
        array = self.array_of(inputs)
        if self.invert:
            return tensor_or_text(self._terms_of(as_integers(array)))
        indices = self.indices_of(self._as_terms(array)).reshape(array.shape)
        return tensor_or_text(self.encoded(indices))

    def encoded(self, indices: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Indices as the output mode wants them."""
        if self.output_mode == "int":
            return indices
        depth = self.max_tokens if self.pad_to_max_tokens else self._frozen_vocab_size
        if depth is None:
            raise StateError(
                f"When using `output_mode={self.output_mode}` and `pad_to_max_tokens=False`, you "
                "must set the layer's vocabulary before calling it. Pass `vocabulary`, or call "
                "`adapt` with some data."
            )
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        rows = encode_on_host(indices, mode, depth, config.floatx())
        return rows if self.output_mode != "tf_idf" else rows * self.idf_weights

    def indices_of(self, terms: list[Any]) -> np.ndarray[Any, Any]:
        """The index of each term; -1 for masked ones where they are to count for nothing."""
        table = self._table
        masked = 0 if self.output_mode == "int" else -1
        missing = self._missing_index

        def index(term: Any) -> int:
            if term == self.mask_token:
                return masked
            return table[term] if term in table else missing(term)

        return np.array([index(term) for term in terms], dtype="int64")

    @property
    def _missing_index(self) -> Callable[[Any], int]:
        """The index of a term that the vocabulary does not have."""
        start, count = self._oov_start_index(), self.num_oov_indices
        if count == 1:
            return lambda term: start
        if count > 1:
            return lambda term: start + self._bucket(term)

        def refuse(term: Any) -> int:
            raise DataError(
                "When `num_oov_indices=0` all inputs should be in vocabulary, found OOV values "
                f"{term!r}, consider setting `num_oov_indices=1`."
            )

        return refuse

    def _bucket(self, term: Any) -> int:
        if not isinstance(term, str) and self.oov_method == "floormod":
            return term % self.num_oov_indices
        return hash_bucket(str(term), self.num_oov_indices, self.salt)

    def _terms_of(self, indices: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        known = dict(enumerate(self.get_vocabulary()))
        terms = [known.get(i, self.oov_token) for i in indices.reshape(-1).tolist()]
        found = np.empty(len(terms), dtype=object)
        found[:] = terms
        found = found if self.vocabulary_dtype == "string" else found.astype("int64")
        return found.reshape(indices.shape)

    # ---- configs and files ---------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again; a learnt vocabulary is kept in a file."""
        return {
            **super().get_config(),
            "vocabulary": as_list(self.input_vocabulary),
            "idf_weights": as_list(self.input_idf_weights),
            "vocabulary_size": self._frozen_vocab_size,
        }

    def save_own_variables(self, store: Any) -> None:
        """Writes the weights of terms, where there are some."""
        if self.idf_weights is not None:
            store["idf_weights"] = self.idf_weights

    def load_own_variables(self, store: Any) -> None:
        """Reads the weights of terms."""
        if self.output_mode == "tf_idf":
            self.idf_weights = np.asarray(store["idf_weights"])

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


def checked_salt(salt: Any, layer: str) -> list[int] | None:
    """A key of two integers, from two or from one."""
    if salt is None or (isinstance(salt, (tuple, list)) and len(salt) == 2):
        return None if salt is None else list(salt)
    if isinstance(salt, int):
        return [salt, salt]
    raise ArgumentError(
        f"The `salt` argument for `{layer}` can only be a tuple of size 2 integers, or a single "
        f"integer; got {salt!r}."
    )


def hash_bucket(text: str, buckets: int, salt: list[int] | None = None) -> int:
    """The bucket of a text, by FarmHash; with a salt, by SipHash under that key."""
    data = text.encode()
    found = fingerprint(data) if salt is None else keyed_hash(data, (salt[0], salt[1]))
    return found % buckets


def as_list(values: Any) -> Any:
    """An array or tensor as a list; all else stays as it is."""
    return np.asarray(values).tolist() if hasattr(values, "__array__") else values


def _by_count_and_term(item: tuple[Any, int]) -> tuple[int, Any]:
    """Frequent terms first; among the equally frequent the last one, by its bytes."""
    term, count = item
    return count, term.encode() if isinstance(term, str) else term
