"""Levels of a book by side and price rank: which ranks are occupied.

*words* has a bit for each rank, 32 to a word, and *summary* a bit for each word, so that the next occupied rank is
found in a few steps however far away it is. Each array holds side 0 in its first half and side 1 in its second.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@njit(cache=True, nogil=True)
def words_for(ranks: int) -> int:
    """How many words, or summary words, so many bits take."""
    return (ranks + 31) // 32 + 1


@njit(cache=True, nogil=True)
def occupy(words: Ints, summary: Ints, side: int, rank: int) -> None:
    """Somebody rests at the rank."""
    word = rank >> 5
    words[side * (len(words) >> 1) + word] |= 1 << (rank & 31)
    summary[side * (len(summary) >> 1) + (word >> 5)] |= 1 << (word & 31)


@njit(cache=True, nogil=True)
def vacate(words: Ints, summary: Ints, side: int, rank: int) -> None:
    """Nobody does any longer."""
    word = rank >> 5
    at = side * (len(words) >> 1) + word
    words[at] &= ~(1 << (rank & 31))
    if words[at] == 0:
        summary[side * (len(summary) >> 1) + (word >> 5)] &= ~(1 << (word & 31))


@njit(cache=True, nogil=True)
def lowest_bit(bits: int) -> int:
    """Place of the lowest bit of 32 that is set; one is."""
    place = 0
    for step in (16, 8, 4, 2, 1):
        if bits & ((1 << step) - 1) == 0:
            bits >>= step
            place += step
    return place


@njit(cache=True, nogil=True)
def highest_bit(bits: int) -> int:
    """Place of the highest bit of 32 that is set; one is."""
    place = 0
    for step in (16, 8, 4, 2, 1):
        if bits >> step:
            bits >>= step
            place += step
    return place


@njit(cache=True, nogil=True)
def next_above(words: Ints, summary: Ints, side: int, rank: int) -> int:
    """The lowest occupied rank above, −1 where there is none."""
    base, top = side * (len(words) >> 1), side * (len(summary) >> 1)
    start = rank + 1
    word = start >> 5
    bits = words[base + word] >> (start & 31)
    if bits:
        return start + lowest_bit(bits)
    start = word + 1
    word = start >> 5
    bits = summary[top + word] >> (start & 31)
    if bits:
        found = start + lowest_bit(bits)
        return (found << 5) + lowest_bit(words[base + found])
    for further in range(word + 1, len(summary) >> 1):
        if summary[top + further]:
            found = (further << 5) + lowest_bit(summary[top + further])
            return (found << 5) + lowest_bit(words[base + found])
    return -1


@njit(cache=True, nogil=True)
def next_below(words: Ints, summary: Ints, side: int, rank: int) -> int:
    """The highest occupied rank below, −1 where there is none."""
    base, top = side * (len(words) >> 1), side * (len(summary) >> 1)
    word = rank >> 5
    bits = words[base + word] & ((1 << (rank & 31)) - 1)
    if bits:
        return (word << 5) + highest_bit(bits)
    bits = summary[top + (word >> 5)] & ((1 << (word & 31)) - 1)
    if bits:
        found = ((word >> 5) << 5) + highest_bit(bits)
        return (found << 5) + highest_bit(words[base + found])
    for further in range((word >> 5) - 1, -1, -1):
        if summary[top + further]:
            found = (further << 5) + highest_bit(summary[top + further])
            return (found << 5) + highest_bit(words[base + found])
    return -1
