"""Which of many words stand in which of many texts: one pass over the texts, whatever the number of words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gis_renovation.arrays import Ints

# Texts looked at in one go, with this between them.
_AT_ONCE = 20_000
_BETWEEN = "\x1e"
_SIEVE_BITS = 22
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


class Place(NamedTuple):
    """Where in a text a word stands."""

    start: int
    word: str


def words_within(words: Iterable[str], texts: Iterable[str]) -> dict[str, list[Place]]:
    """Text -> the words in it, from left to right, the longest at each place, none inside another.

    Words of fewer than two characters are not looked for; texts without any are left out. O(characters + places).
    """
    heads: dict[str, list[str]] = {}
    for word in sorted({word for word in words if len(word) >= 2}, key=len, reverse=True):
        heads.setdefault(word[:3], []).append(word)
    found: dict[str, list[Place]] = {}
    every = list(dict.fromkeys(texts)) if heads else []
    sieves = [_Sieve([head for head in heads if len(head) == size], size) for size in (2, 3)]
    for start in range(0, len(every), _AT_ONCE):
        some = every[start : start + _AT_ONCE]
        whole = _BETWEEN.join(text.replace(_BETWEEN, " ") for text in some)
        begins = np.concatenate([[0], np.cumsum([len(text) + 1 for text in some])])
        at = np.unique(np.concatenate([sieve.places_in(whole) for sieve in sieves]))
        lines = np.searchsorted(begins, at, side="right") - 1
        for line in np.unique(lines).tolist():
            places = at[_slice(lines, line)] - begins[line]
            if stand := _leftmost(some[line], places.tolist(), heads):
                found[some[line]] = stand
    return found


def _slice(lines: Ints, line: int) -> slice:
    """Where the places of one line are, in the order of the lines."""
    return slice(int(np.searchsorted(lines, line)), int(np.searchsorted(lines, line, side="right")))


def _leftmost(text: str, places: Sequence[int], heads: Mapping[str, Sequence[str]]) -> list[Place]:
    """The longest word at each place that no word before it covers."""
    stand: list[Place] = []
    end = 0
    for at in places:
        if at < end:
            continue
        own = [*heads.get(text[at : at + 3], ()), *heads.get(text[at : at + 2], ())]
        word = next((one for one in own if text.startswith(one, at)), None)
        if word is not None:
            stand.append(Place(at, word))
            end = at + len(word)
    return stand


class _Sieve:
    """Where any of many beginnings of two or three characters stands: a table of bits first, then themselves."""

    def __init__(self, heads: Sequence[str], size: int) -> None:
        self.size = size
        codes = _codes("".join(heads)).reshape(-1, size) if heads else np.empty((0, size), dtype=np.uint64)
        self.heads = np.unique(_packed([codes[:, at] for at in range(size)]))
        self.bits = np.zeros(1 << _SIEVE_BITS, dtype=bool)
        self.bits[_short(self.heads)] = True

    def places_in(self, text: str) -> Ints:
        """The places, ascending."""
        codes = _codes(text)
        count = len(codes) - self.size + 1
        if len(self.heads) == 0 or count <= 0:
            return np.empty(0, dtype=np.int64)
        packed = _packed([codes[at : at + count] for at in range(self.size)])
        likely = np.flatnonzero(self.bits[_short(packed)])
        near = np.minimum(np.searchsorted(self.heads, packed[likely]), len(self.heads) - 1)
        found: Ints = likely[self.heads[near] == packed[likely]]
        return found


def _codes(text: str) -> NDArray[np.uint64]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)


def _packed(columns: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    out = columns[0].copy()
    for at, column in enumerate(columns[1:], start=1):
        out |= column << np.uint64(21 * at)
    return out


def _short(packed: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return (packed * _SPREAD) >> np.uint64(64 - _SIEVE_BITS)
