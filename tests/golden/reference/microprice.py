"""Microprice adjustments by state of the book: G¹ = (I − Q)⁻¹RK, B = (I − Q)⁻¹T, G* = Σ_k Bᵏ G¹; and one book moved by
those of a table."""

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from math import floor, isclose
from pathlib import Path
from typing import Any

Vector = list[float]
Matrix = Sequence[Sequence[float]]


def solved(a: Matrix, b: Sequence[float]) -> Vector:
    """x of a·x = b, by elimination with row exchanges."""
    rows = [[*row, y] for row, y in zip(a, b, strict=True)]
    for i in range(len(rows)):
        pivot = max(range(i, len(rows)), key=lambda k: abs(rows[k][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for k in range(len(rows)):
            if k != i:
                factor = rows[k][i] / rows[i][i]
                rows[k] = [x - factor * y for x, y in zip(rows[k], rows[i], strict=True)]
    return [row[-1] / row[i] for i, row in enumerate(rows)]


def times(a: Matrix, x: Sequence[float]) -> Vector:
    """a·x."""
    return [sum(u * v for u, v in zip(row, x, strict=True)) for row in a]


def adjustments(q: Matrix, r: Matrix, k: Sequence[float], t: Matrix, terms: int = 200) -> tuple[Vector, Vector]:
    """G¹ and G*, in units of `k`. `terms` of the sum, which shrinks geometrically."""
    stay = [[float(i == j) - x for j, x in enumerate(row)] for i, row in enumerate(q)]
    first = solved(stay, times(r, k))
    total, term = first, first
    for _ in range(terms):
        term = solved(stay, times(t, term))
        total = [x + y for x, y in zip(total, term, strict=True)]
    return first, total


@cache
def table_of(path: str) -> Mapping[str, Any]:
    """What a file of adjustments says."""
    found: Mapping[str, Any] = json.loads(Path(path).read_text())
    return found


def moved(table: Mapping[str, Any], bid: float, ask: float, b: float, a: float) -> float | None:
    """M + tick·G*; None where the spread is no whole number of ticks, or the table lacks it or the class."""
    tick, by_spread = table["tick"], {one["spread"]: one["ticks"] for one in table["adjustments"]}
    spread = round((ask - bid) / tick)
    if not isclose(ask, bid + spread * tick, rel_tol=1e-9) or spread not in by_spread:
        return None
    found = [by_spread[spread][k] for k in classes(Fraction(b) / (Fraction(b) + Fraction(a)), table["classes"])]
    return None if None in found else (bid + ask) / 2 + tick * sum(found) / len(found)


def classes(imbalance: Fraction, n: int) -> list[int]:
    """The class it falls in, of edges that nearer to a half; both of the middle for a half between them."""
    if 2 * imbalance == 1:
        return sorted({n // 2, (n - 1) // 2})
    below = floor(min(imbalance, 1 - imbalance) * n)
    return [below if 2 * imbalance < 1 else n - 1 - below]
