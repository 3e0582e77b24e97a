"""Words and numbers: `Tokenizer` and its kin, which `TextVectorization` has replaced in Keras 3."""

from __future__ import annotations

import collections
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from etude.errors import ArgumentError

__all__ = [
    "Tokenizer",
    "hashing_trick",
    "one_hot",
    "text_to_word_sequence",
    "tokenizer_from_json",
]

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


def text_to_word_sequence(
    input_text: str, filters: str = FILTERS, lower: bool = True, split: str = " "
) -> list[str]:
    """The words of a text.

    Args:
        input_text: the text.
        filters: characters that count as separators.
        lower: whether letters are made small.
        split: what separates words.

    >>> text_to_word_sequence("To be, or not?")
    ['to', 'be', 'or', 'not']
    """
    text = input_text.lower() if lower else input_text
    return [w for w in text.translate({ord(c): split for c in filters}).split(split) if w]


def one_hot(
    input_text: str,
    n: int,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], list[str]] | None = None,
) -> list[int]:
    """A number from 1 to n - 1 for each word; different words may get the same number.

    >>> one_hot("a b a", 50)[0] == one_hot("a", 50)[0]
    True
    """
    return hashing_trick(input_text, n, hash, filters, lower, split, analyzer)


def hashing_trick(
    text: str,
    n: int,
    hash_function: Any = None,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], list[str]] | None = None,
) -> list[int]:
    """A number from 1 to n - 1 for each word, by a hash function.

    Args:
        text: the text.
        n: one more than the largest number.
        hash_function: Python's ``hash`` by default, which differs between processes; ``"md5"``
            does not.
        filters: characters that count as separators.
        lower: whether letters are made small.
        split: what separates words.
        analyzer: makes words of the text in its own way.

    >>> hashing_trick("a b a", 50, hash_function="md5")
    [15, 33, 15]
    """
    hashed = _md5 if hash_function == "md5" else hash_function or hash
    words = analyzer(text) if analyzer else text_to_word_sequence(text, filters, lower, split)
    return [hashed(word) % (n - 1) + 1 for word in words]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


class Tokenizer:
    """Numbers for words, the more frequent the smaller, from 1 on.

    Args:
        num_words: only the ``num_words - 1`` most frequent words are used; None: all.
        filters: characters that count as separators.
        lower: whether letters are made small.
        split: what separates words.
        char_level: whether characters are the words.
        oov_token: a word for those that are not used; it gets number 1.
        analyzer: makes words of a text in its own way.
        **kwargs: ``document_count``.

    >>> tokenizer = Tokenizer(oov_token="?")
    >>> tokenizer.fit_on_texts(["to be or not to be"])
    >>> tokenizer.word_index
    {'?': 1, 'to': 2, 'be': 3, 'or': 4, 'not': 5}
    >>> tokenizer.texts_to_sequences(["to sleep"]), tokenizer.sequences_to_texts([[5, 3]])
    ([[2, 1]], ['not be'])
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Callable[[str], list[str]] | None = None,
        **kwargs: Any,
    ):
        self.document_count = kwargs.pop("document_count", 0)
        kwargs.pop("nb_words", None)
        if kwargs:
            raise ArgumentError(f"Tokenizer has no arguments {', '.join(kwargs)}.")
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.word_counts: collections.OrderedDict[str, int] = collections.OrderedDict()
        self.word_docs: dict[str, int] = collections.defaultdict(int)
        self.index_docs: dict[int, int] = collections.defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self, text: Any) -> list[str]:
        if self.char_level or isinstance(text, (list, tuple)):
            lower = str.lower if self.lower else str
            return [lower(part) for part in text]
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Learns the words of texts, strings or lists of words."""
        for text in texts:
            self.document_count += 1
            words = self._words(text)
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in set(words):
                self.word_docs[word] += 1
        ordered = sorted(self.word_counts, key=lambda w: -self.word_counts[w])
        first = [] if self.oov_token is None else [self.oov_token]
        self.word_index = {word: i for i, word in enumerate(first + ordered, 1)}
        self.index_word = {i: word for word, i in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Iterable[Sequence[int]]) -> None:
        """Learns how many sequences each number is in."""
        for sequence in sequences:
            self.document_count += 1
            for i in set(sequence):
                self.index_docs[i] += 1

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """Numbers in the place of words; words that are not used are left out."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """`texts_to_sequences`, one text after the other."""
        unknown = None if self.oov_token is None else self.word_index.get(self.oov_token)
        for text in texts:
            numbers = (self.word_index.get(word) for word in self._words(text))
            used = (n if self._is_used(n) else unknown for n in numbers)
            yield [n for n in used if n is not None]

    def _is_used(self, number: int | None) -> bool:
        return number is not None and (not self.num_words or number < self.num_words)

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """Words in the place of numbers."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """`sequences_to_texts`, one text after the other."""
        for sequence in sequences:
            words = (
                self.index_word.get(n) if self._is_used(n) else self.oov_token for n in sequence
            )
            yield " ".join(w if w is not None else (self.oov_token or "") for w in words).strip()

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> Any:
        """A row for each text with a column for each word; see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Sequence[Sequence[int]], mode: str = "binary") -> Any:
        """A row for each sequence with a column for each word.

        Args:
            sequences: numbers of words.
            mode: ``"binary"`` (whether the word is there), ``"count"``, ``"freq"`` (its share), or
                ``"tfidf"``: (1 + log count) log(1 + documents / (1 + documents with the word)).

        Returns:
            float64, (N, num_words).
        """
        if not self.num_words and not self.word_index:
            raise ArgumentError("Give `num_words`, or fit the Tokenizer on texts first.")
        if mode not in ("binary", "count", "freq", "tfidf"):
            raise ArgumentError(
                f"`mode` must be 'binary', 'count', 'freq' or 'tfidf'; got {mode!r}."
            )
        if mode == "tfidf" and not self.document_count:
            raise ArgumentError("Fit the Tokenizer on some data before using tfidf mode.")
        width = self.num_words or len(self.word_index) + 1
        matrix = np.zeros((len(sequences), width))
        for row, sequence in zip(matrix, sequences, strict=True):
            counts = collections.Counter(n for n in sequence if n < width)
            for n, count in counts.items():
                row[n] = self._value(mode, n, count, len(sequence))
        return matrix

    def _value(self, mode: str, number: int, count: int, length: int) -> float:
        if mode == "binary":
            return 1.0
        if mode == "count":
            return float(count)
        if mode == "freq":
            return count / length
        rarity = np.log(1 + self.document_count / (1 + self.index_docs.get(number, 0)))
        return float((1 + np.log(count)) * rarity)

    def get_config(self) -> dict[str, Any]:
        """The arguments, and what was learned as texts of JSON."""
        return {
            "num_words": self.num_words,
            "filters": self.filters,
            "lower": self.lower,
            "split": self.split,
            "char_level": self.char_level,
            "oov_token": self.oov_token,
            "document_count": self.document_count,
            "word_counts": json.dumps(self.word_counts),
            "word_docs": json.dumps(self.word_docs),
            "index_docs": json.dumps(self.index_docs),
            "index_word": json.dumps(self.index_word),
            "word_index": json.dumps(self.word_index),
        }

    def to_json(self, **kwargs: Any) -> str:
        """The config as JSON."""
        return json.dumps(
            {"class_name": type(self).__name__, "config": self.get_config()}, **kwargs
        )


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """The Tokenizer of a JSON text that `Tokenizer.to_json` made.

    >>> tokenizer = Tokenizer()
    >>> tokenizer.fit_on_texts(["a b a"])
    >>> tokenizer_from_json(tokenizer.to_json()).word_index
    {'a': 1, 'b': 2}
    """
    config = json.loads(json_string)["config"]
    learned = {
        name: json.loads(config.pop(name))
        for name in ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
    }
    tokenizer = Tokenizer(**config)
    tokenizer.word_counts = collections.OrderedDict(learned["word_counts"])
    tokenizer.word_docs = collections.defaultdict(int, learned["word_docs"])
    tokenizer.index_docs = collections.defaultdict(
        int, {int(k): v for k, v in learned["index_docs"].items()}
    )
    tokenizer.index_word = {int(k): v for k, v in learned["index_word"].items()}
    tokenizer.word_index = learned["word_index"]
    return tokenizer
