"""Fitting the adjustments of the microprice on the books of earlier dates, as in Stoikov 2018.

A *state* is a class of imbalance and a spread in ticks. Rows of a listing and UTC date follow each other; a row in no
state (one-sided, locked, crossed, a spread that is not asked for, another market state than continuous trading) ends
what was before. Each step from row to row counts twice: as it was, and with bid and ask exchanged.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import attrs
import polars as pl

from basalt.errors import UserError
from basalt_analytics.l2.book import Book, Rules
from basalt_analytics.l2.microprice_chain import adjustments
from basalt_analytics.l2.microprice_series import cell, cells, spread_in_ticks
from basalt_analytics.l2.microprice_table import Adjustments, MicropriceTable

__all__ = ["MicropriceTable", "fit"]

State = tuple[int, int]
"""(spread, cell)."""


@attrs.frozen
class Step:
    """So many steps between two states, with one change of the mid, in ticks."""

    start: State
    end: State
    change: float
    count: int


def fit(
    books: pl.LazyFrame, tick: float, classes: int = 10, spreads: Sequence[int] = (1, 2, 3, 4, 5)
) -> MicropriceTable:
    """Adjustments from canonical rows of l2, of listings with that tick: those whose table they are to be.

    A state that was never seen to lead to its own mirror image, in any number of steps, has none (null): what follows
    on it is not known. Where the mid never changes, they are 0. Runs at once; UserError where no row has a state.
    """
    blank = [Adjustments(spread=s, ticks=[None] * classes) for s in spreads]
    table = MicropriceTable(tick=tick, classes=classes, adjustments=blank)
    found = _seen(books, table)
    if not found.height:
        raise UserError(
            f"no two rows of the books follow each other with spreads of {list(spreads)} ticks of {tick}: check the "
            "tick, or name wider spreads"
        )
    last = found["Last"].max()
    rows = found.select("Spread", "Cell", "NextSpread", "NextCell", "Change", "Count").iter_rows()
    steps = [Step((s, c), (t, d), change, n) for s, c, t, d, change, n in rows]
    known = fitted(steps, cells(classes))
    made = [Adjustments(spread=s, ticks=_by_class(s, classes, known)) for s in spreads]
    return attrs.evolve(table, adjustments=made, through=last.isoformat())  # type: ignore[union-attr]


def _by_class(spread: int, classes: int, known: dict[State, float]) -> list[float | None]:
    """Without the balanced cell in the middle of an even number of classes."""
    every = [known.get((spread, c)) for c in range(cells(classes))]
    return every if classes % 2 else every[: classes // 2] + every[classes // 2 + 1 :]


def _seen(books: pl.LazyFrame, table: MicropriceTable) -> pl.DataFrame:
    """How often each step was seen: Spread, Cell, NextSpread, NextCell, Change of the mid in ticks, Count, Last."""
    names = books.collect_schema().names()
    state = pl.col("MarketState").cast(pl.String) == "CONTINUOUS_TRADING" if "MarketState" in names else None
    book = Book(pl.col, Rules(locked="drop", where=state))
    spread = spread_in_ticks(book, table.tick)
    order = [name for name in ("ListingId", "EventTimestamp", "SequenceNo") if name in names]
    rows = books.sort(order, maintain_order=True).select(
        "ListingId",
        "EventTimestamp",
        pl.col("EventTimestamp").dt.date().alias("Date"),
        pl.when(spread.is_in([one.spread for one in table.adjustments])).then(spread).alias("Spread"),
        cell(book, table.classes).alias("Cell"),
        book.mid.alias("Mid"),
    )
    change = ((pl.col("Mid").shift(-1) - pl.col("Mid")) * (2 / table.tick)).round() / 2
    following = {"NextSpread": pl.col("Spread").shift(-1), "NextCell": pl.col("Cell").shift(-1), "Change": change}
    steps = rows.with_columns(
        *(expr.over("ListingId", "Date").alias(name) for name, expr in following.items()),
        pl.col("EventTimestamp").shift(-1).over("ListingId", "Date").alias("Last"),
    ).drop_nulls(["Spread", "Cell", *following])
    by = ["Spread", "Cell", *following]
    return steps.group_by(by).agg(pl.len().alias("Count"), pl.col("Last").max()).sort(by).collect()


def fitted(steps: Iterable[Step], width: int) -> dict[State, float]:
    """G* of the states that lead to their own mirror image; `width`: the number of cells.

    The middle cell is its own mirror image, so that its G* is 0: it is in the totals, and none of the unknowns.
    """
    both = [one for step in steps for one in (step, _exchanged(step, width))]
    states = _kept({(one.start, one.end) for one in both}, width)
    kept = [one for one in both if one.start in states and one.end in states]
    sided = sorted(state for state in states if state[1] < width // 2)
    order = [*sided, *(_mirror(state, width) for state in reversed(sided))]
    at = {state: i for i, state in enumerate(order)}
    total: dict[State, int] = defaultdict(int)
    for one in kept:
        total[one.start] += one.count
    stay, move = ([[0.0] * len(order) for _ in order] for _ in range(2))
    jump = [0.0] * len(order)
    for one in kept:
        if one.start in at:
            share = one.count / total[one.start]
            jump[at[one.start]] += share * one.change
            if one.end in at:
                (move if one.change else stay)[at[one.start]][at[one.end]] += share
    _, every = adjustments(stay, jump, move)
    return dict.fromkeys(states, 0.0) | dict(zip(order, every, strict=True))


def _exchanged(step: Step, width: int) -> Step:
    return Step(_mirror(step.start, width), _mirror(step.end, width), -step.change, step.count)


def _mirror(state: State, width: int) -> State:
    spread, cell = state
    return spread, width - 1 - cell


def _kept(edges: set[tuple[State, State]], width: int) -> set[State]:
    """States from which their mirror image can be reached: from there they can be reached back, and everything on the
    way is such a state too."""
    behind: dict[State, set[State]] = defaultdict(set)
    for start, end in edges:
        behind[start].add(end)
    return {state for state in list(behind) if _mirror(state, width) in _reached(behind, state)}


def _reached(behind: dict[State, set[State]], start: State) -> set[State]:
    """The states at one or more steps from it."""
    found: set[State] = set()
    waiting = [start]
    while waiting:
        for state in behind.get(waiting.pop(), ()):
            if state not in found:
                found.add(state)
                waiting.append(state)
    return found
