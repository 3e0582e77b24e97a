"""IndexLookup: terms as integers by a vocabulary; what `StringLookup` and `IntegerLookup` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from etude import config
from etude.errors import ArgumentError, DataError, StateError
from etude.layers.base.arguments import Shape
from etude.layers.base.host import as_integers, encode_on_host, tensor_or_text
from etude.layers.text.fingerprints import fingerprint, keyed_hash
from etude.layers.text.vocabulary import VocabularyLayer
from etude.tracebacks import warn

__all__ = ["IndexLookup"]

OUTPUT_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")


class IndexLookup(VocabularyLayer):
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
        self._warned_of_no_terms = False
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
        one_for_all = self.num_oov_indices == 1 and self.output_mode == "int"
        if terms and not table and one_for_all and not self._warned_of_no_terms:
            self._warned_of_no_terms = True
            warn(
                f"The layer '{self.name}' knows no terms, so that all of them count as unknown, "
                f"{self.oov_token!r}. Call `adapt(data)` of it before, or pass `vocabulary`."
            )
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
