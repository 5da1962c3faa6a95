"""Microprice adjustments by state of the book: G¹ = (I − Q)⁻¹RK, B = (I − Q)⁻¹T, G* = Σ_k Bᵏ G¹."""

from collections.abc import Sequence

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
