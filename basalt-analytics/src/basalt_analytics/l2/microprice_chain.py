"""Where the mid is expected to go from each state of a book, by the chain that books moved in.

States are ordered so that the mirror image of state i, with bid and ask exchanged, is state n − 1 − i. The chain is
symmetric under that exchange, so an adjustment is the negative of its mirror image's, and half of the unknowns suffice:
on the whole, I − B is singular.
"""

from collections.abc import Sequence

Vector = list[float]
Matrix = Sequence[Sequence[float]]


def adjustments(stay: Matrix, jump: Sequence[float], move: Matrix) -> tuple[Vector, Vector]:
    """G¹ = (I − Q)⁻¹·RK, the expected first change of the mid, and G* = Σ_k Bᵏ·G¹ with B = (I − Q)⁻¹·T, of all.

    `stay`: Q, chances to get from state to state with the mid unchanged; `jump`: RK, the expected change of the mid on
    the next row; `move`: T, chances to get from state to state with a change of the mid.
    """
    q, t = _halved(stay), _halved(move)
    half = jump[-len(q) :] if q else []
    first = _solved([[float(i == j) - x for j, x in enumerate(row)] for i, row in enumerate(q)], half)
    both = zip(q, t, strict=True)
    rest = [
        [float(i == j) - x - y for j, (x, y) in enumerate(zip(qs, ts, strict=True))] for i, (qs, ts) in enumerate(both)
    ]
    return _mirrored(first, len(jump)), _mirrored(_solved(rest, half), len(jump))


def _halved(matrix: Matrix) -> list[Vector]:
    """What the matrix does to a vector whose first half is the negative of its second, on that second half."""
    n = len(matrix)
    upper = range(n - n // 2, n)
    return [[matrix[i][j] - matrix[i][n - 1 - j] for j in upper] for i in upper]


def _mirrored(half: Vector, n: int) -> Vector:
    """The whole vector; a state that is its own mirror image has 0."""
    return [*(-x for x in reversed(half)), *[0.0] * (n % 2), *half]


def _solved(a: Sequence[Vector], b: Sequence[float]) -> Vector:
    """x of a·x = b, by elimination with exchange of rows."""
    rows = [[*row, y] for row, y in zip(a, b, strict=True)]
    for i in range(len(rows)):
        pivot = max(range(i, len(rows)), key=lambda k: abs(rows[k][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for k in range(i + 1, len(rows)):
            factor = rows[k][i] / rows[i][i]
            if factor:
                rows[k] = [x - factor * y for x, y in zip(rows[k], rows[i], strict=True)]
    x = [0.0] * len(rows)
    for i in reversed(range(len(rows))):
        x[i] = (rows[i][-1] - sum(rows[i][j] * x[j] for j in range(i + 1, len(rows)))) / rows[i][i]
    return x
