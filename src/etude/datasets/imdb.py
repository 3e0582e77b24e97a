"""IMDB: reviews of films, as numbers of words, good or bad."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from etude.data.downloads import get_file
from etude.datasets.arrays import Split
from etude.datasets.cache import Blob
from etude.datasets.keras_files import BASE, known_words, numbered, read_npz, record, split_words
from etude.datasets.sources import Licence

DATA = record(
    "imdb",
    "50,000 film reviews as sequences of word numbers, 2 classes",
    Blob(
        "imdb.npz", 17_464_789, "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
    ),
    Licence(
        "none stated", "the reviews belong to their authors; Stanford offers them for research"
    ),
)


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
    **kwargs: Any,
) -> Split:
    """Loads the reviews, 25,000 to train on and 25,000 to test on, shuffled.

    Args:
        path: accepted; the cache of etude decides where files are.
        num_words: keeps the most frequent words; others become ``oov_char``.
        skip_top: makes the most frequent words unknown.
        maxlen: leaves out reviews of this length or longer.
        seed: of the order.
        start_char: the number that begins every review.
        oov_char: the number of unknown words; ``None`` leaves them out.
        index_from: added to every word's number, so that 0 is free for padding.
        **kwargs: ``nb_words``, the older name of ``num_words``.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: arrays of lists of integers, and labels, 1 for
        good reviews.

    Raises:
        FetchError: the data cannot be had; the message says what to do.

    Reference:
        A. Maas et al., "Learning word vectors for sentiment analysis", ACL, 2011.
    """
    num_words = kwargs.pop("nb_words", num_words)
    arrays = read_npz(DATA.read()["imdb.npz"])
    random = np.random.RandomState(seed)  # the old generator: the same order as in Keras
    parts = []
    for part in ("train", "test"):
        order = np.arange(len(arrays[f"x_{part}"]))
        random.shuffle(order)
        x, y = arrays[f"x_{part}"][order], arrays[f"y_{part}"][order]
        parts.append(numbered(x, y, maxlen, start_char, index_from))
    (x_train, y_train), (x_test, y_test) = parts
    sequences = known_words(x_train + x_test, num_words, skip_top, oov_char)
    return split_words(sequences, y_train + y_test, len(x_train))


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """The number of each word, 1 for the most frequent; `load_data` adds ``index_from`` to it.

    Args:
        path: the name of the file in the cache.
    """
    found = get_file(
        path, f"{BASE}imdb_word_index.json", file_hash="bfafd718b763782e994055a2d397834f"
    )
    with open(found, encoding="utf-8") as file:
        return json.load(file)
