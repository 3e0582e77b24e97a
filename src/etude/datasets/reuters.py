"""Reuters: news of 1987, as numbers of words, by topic."""

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
    "reuters",
    "11,228 newswires as sequences of word numbers, 46 topics",
    Blob(
        "reuters.npz", 2_110_848, "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
    ),
    Licence("none stated", "Reuters and Carnegie Group allow use for research only"),
)

TOPICS = (
    "cocoa", "grain", "veg-oil", "earn", "acq", "wheat", "copper", "housing", "money-supply",
    "coffee", "sugar", "trade", "reserves", "ship", "cotton", "carcass", "crude", "nat-gas", "cpi",
    "money-fx", "interest", "gnp", "meal-feed", "alum", "oilseed", "gold", "tin",
    "strategic-metal", "livestock", "retail", "ipi", "iron-steel", "rubber", "heat", "jobs", "lei",
    "bop", "zinc", "orange", "pet-chem", "dlr", "gas", "silver", "wpi", "hog", "lead",
)  # fmt: skip


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> Split:
    """Loads the newswires, shuffled.

    Args:
        path: accepted; the cache of etude decides where files are.
        num_words: keeps the most frequent words; others become ``oov_char``.
        skip_top: makes the most frequent words unknown.
        maxlen: leaves out newswires of this length or longer.
        test_split: the fraction to reserve for testing.
        seed: of the order.
        start_char: the number that begins every newswire.
        oov_char: the number of unknown words; ``None`` leaves them out.
        index_from: added to every word's number, so that 0 is free for padding.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: arrays of lists of integers, and labels from 0 to
        45, indices into `TOPICS`.

    Raises:
        FetchError: the data cannot be had; the message says what to do.
    """
    arrays = read_npz(DATA.read()["reuters.npz"])
    order = np.arange(len(arrays["x"]))
    np.random.RandomState(seed).shuffle(order)  # the old generator: the same order as in Keras
    xs: Any = [arrays["x"][i] for i in order]
    sequences, labels = numbered(xs, arrays["y"][order], maxlen, start_char, index_from)
    sequences = known_words(sequences, num_words, skip_top, oov_char)
    return split_words(sequences, labels, int(len(sequences) * (1 - test_split)))


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """The number of each word, 1 for the most frequent; `load_data` adds ``index_from`` to it.

    Args:
        path: the name of the file in the cache.
    """
    found = get_file(
        path, f"{BASE}reuters_word_index.json", file_hash="4d44cc38712099c9e383dc6e5f11a921"
    )
    with open(found, encoding="utf-8") as file:
        return json.load(file)


def get_label_names() -> tuple[str, ...]:
    """The names of the topics, in the order of their labels.

    >>> get_label_names()[3]
    'earn'
    """
    return TOPICS
