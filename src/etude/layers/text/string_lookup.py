"""StringLookup and IntegerLookup: categories as integers, or as rows."""

from __future__ import annotations

from typing import Any

from etude.errors import ArgumentError
from etude.layers.text.index_lookup import IndexLookup

__all__ = ["IntegerLookup", "StringLookup"]


class StringLookup(IndexLookup):
    """Turns text into integers by a vocabulary, or integers into text.

    It runs on the host: on arrays, in `Dataset.map`, and at the beginning of models.

    Args:
        max_tokens: the largest size of the vocabulary; None: any.
        num_oov_indices: how many indices stand for terms out of vocabulary; with 0 they are an
            error, with several they are spread by a hash.
        mask_token: the term that means "nothing here", at index 0; None: there is none.
        oov_token: what indices out of vocabulary become with ``invert``.
        vocabulary: the terms, or a file with a term in each line; None: `adapt` learns it.
        idf_weights: for ``"tf_idf"``, the weight of each term.
        invert: whether to turn indices into terms.
        output_mode: ``"int"``, ``"one_hot"``, ``"multi_hot"``, ``"count"`` or ``"tf_idf"``.
        pad_to_max_tokens: whether rows have length ``max_tokens``.
        sparse: must be false.
        encoding: accepted for Keras; text is UTF-8.
        salt: one or two integers: the key of another hash.

    Shapes:
        x: text of any shape; y: integers of the same shape; or rows, (batch, ..., size of the
        vocabulary).

    Raises:
        ArgumentError: arguments contradict each other, or a vocabulary cannot be used.

    Example:
        >>> layer = StringLookup(vocabulary=["a", "b"])
        >>> layer(["b", "z"]).numpy().tolist()
        [2, 0]
        >>> StringLookup(vocabulary=["a", "b"], invert=True)([2, 0]).tolist()
        ['b', '[UNK]']
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ) -> None:
        self.encoding = encoding
        super().__init__(
            max_tokens,
            num_oov_indices,
            mask_token,
            oov_token,
            kwargs.pop("vocabulary_dtype", "string"),
            vocabulary,
            idf_weights,
            invert,
            output_mode,
            sparse,
            pad_to_max_tokens,
            name=name,
            salt=salt,
            **kwargs,
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again; a learnt vocabulary is kept in a file."""
        arguments = {**super().get_config(), "encoding": self.encoding}
        del arguments["vocabulary_dtype"]
        return arguments


class IntegerLookup(IndexLookup):
    """Turns integers of any size, e.g. numbers of products, into small ones by a vocabulary.

    It runs on the host: on arrays, in `Dataset.map`, and at the beginning of models.

    Args:
        max_tokens: the largest size of the vocabulary; None: any.
        num_oov_indices: how many indices stand for terms out of vocabulary; with 0 they are an
            error, with several they are spread.
        mask_token: the integer that means "nothing here", at index 0; None: there is none.
        oov_token: what indices out of vocabulary become with ``invert``.
        vocabulary: the integers, or a file with one in each line; None: `adapt` learns it.
        vocabulary_dtype: ``"int64"``.
        idf_weights: for ``"tf_idf"``, the weight of each term.
        invert: whether to turn indices into terms.
        output_mode: ``"int"``, ``"one_hot"``, ``"multi_hot"``, ``"count"`` or ``"tf_idf"``.
        sparse: must be false.
        pad_to_max_tokens: whether rows have length ``max_tokens``.
        oov_method: how integers are spread: by their remainder (``"floormod"``) or a hash.
        salt: one or two integers: the key of another hash.

    Shapes:
        x: integers of any shape; y: integers of the same shape; or rows, (batch, ..., size of the
        vocabulary).

    Raises:
        ArgumentError: arguments contradict each other, or a vocabulary cannot be used.

    Example:
        >>> layer = IntegerLookup()
        >>> layer.adapt([12, 1138, 12, 42])
        >>> layer.get_vocabulary()
        [-1, 12, 1138, 42]
        >>> layer([[42, 7]]).numpy().tolist()
        [[3, 0]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if vocabulary_dtype != "int64":
            raise ArgumentError(
                "IntegerLookup: Only `vocabulary_dtype='int64'` is supported; got "
                f"{vocabulary_dtype!r}. For text there is `StringLookup`."
            )
        super().__init__(
            max_tokens,
            num_oov_indices,
            mask_token,
            oov_token,
            vocabulary_dtype,
            vocabulary,
            idf_weights,
            invert,
            output_mode,
            sparse,
            pad_to_max_tokens,
            oov_method,
            name,
            salt,
            **kwargs,
        )
