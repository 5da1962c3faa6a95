"""Levels of one side of a book by price rank: what rests there, and which ranks are occupied.

*words* has a bit for each rank, 32 to a word, and *summary* a bit for each word, so that the next occupied rank is
found in a few steps however far away it is. Quantities of a rank that nobody rests at are exactly 0.
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
def occupy(words: Ints, summary: Ints, rank: int) -> None:
    """Somebody rests at the rank."""
    word = rank >> 5
    words[word] |= 1 << (rank & 31)
    summary[word >> 5] |= 1 << (word & 31)


@njit(cache=True, nogil=True)
def vacate(words: Ints, summary: Ints, rank: int) -> None:
    """Nobody does any longer."""
    word = rank >> 5
    words[word] &= ~(1 << (rank & 31))
    if words[word] == 0:
        summary[word >> 5] &= ~(1 << (word & 31))


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
def next_above(words: Ints, summary: Ints, rank: int) -> int:
    """The lowest occupied rank above, −1 where there is none."""
    start = rank + 1
    word = start >> 5
    bits = words[word] >> (start & 31)
    if bits:
        return start + lowest_bit(bits)
    start = word + 1
    word = start >> 5
    bits = summary[word] >> (start & 31)
    if bits:
        found = start + lowest_bit(bits)
        return (found << 5) + lowest_bit(words[found])
    for further in range(word + 1, len(summary)):
        if summary[further]:
            found = (further << 5) + lowest_bit(summary[further])
            return (found << 5) + lowest_bit(words[found])
    return -1


@njit(cache=True, nogil=True)
def next_below(words: Ints, summary: Ints, rank: int) -> int:
    """The highest occupied rank below, −1 where there is none."""
    word = rank >> 5
    bits = words[word] & ((1 << (rank & 31)) - 1)
    if bits:
        return (word << 5) + highest_bit(bits)
    bits = summary[word >> 5] & ((1 << (word & 31)) - 1)
    if bits:
        found = ((word >> 5) << 5) + highest_bit(bits)
        return (found << 5) + highest_bit(words[found])
    for further in range((word >> 5) - 1, -1, -1):
        if summary[further]:
            found = (further << 5) + highest_bit(summary[further])
            return (found << 5) + highest_bit(words[found])
    return -1
