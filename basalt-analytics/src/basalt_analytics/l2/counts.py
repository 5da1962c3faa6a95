"""The group `counts`: how many rows changed the book, and the share of rows in odd states.

An *update* is any row. A *change* is a row whose value differs from the last valid one before it in the stretch.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import product

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.metrics import Metric, mean, previous, ratio
from basalt_analytics.bars import value_before
from basalt_analytics.groups import Emission, Template, count_metric
from basalt_analytics.l2.aggregations import row_columns, row_of
from basalt_analytics.l2.book import AS_IT_IS, NEAR, Book, Rules
from basalt_analytics.l2.options import CountGroup
from basalt_analytics.l2.series import PRICES, Series
from basalt_analytics.l2.shape import SIDES
from basalt_analytics.l2.states import STATES

UPDATES = pl.len().cast(pl.Int64)


@attrs.frozen(eq=False)
class _Count:
    """`of`: the row columns behind it, given the rules and the depth of the table; of the last of them the sum. `note`:
    what the run is told of."""

    of: Callable[[Rules, int], Mapping[str, pl.Expr]]
    doc: str
    formula: str
    note: str | None = None


def count_emissions(group: CountGroup, rules: Rules, depth: int, label: str) -> Iterator[Emission]:
    """The group's metrics."""
    template = None if group.name is None else Template.checked(group.name, label, ("measure",))
    for measure in group.measures:
        kind = "RowShare" if measure in STATES else "Count"
        name = template.filled(measure=measure) if template else f"Book{measure}{kind}"
        if measure == "Updates":
            yield Emission(
                label, count_metric(name, UPDATES, "Rows of the book; a feed may repeat one unchanged.", "n")
            )
        elif measure in STATES:
            yield _share(name, measure, label)
        else:
            made = _COUNTS[measure]
            derive = made.of(rules, depth)
            yield Emission(label, count_metric(name, _sum(list(derive)[-1]), made.doc, made.formula, made.note), derive)


def _sum(row: str) -> pl.Expr:
    return pl.col(row).sum().cast(pl.Int64)


def _share(name: str, state: str, label: str) -> Emission:
    is_in, words = STATES[state]
    row = f"{state} on the row"
    metric = Metric(
        name,
        ratio(pl.col(row).sum(), UPDATES),
        Unit.RATIO,
        doc=f"Share of rows on which {words}, dropped or not; rows weigh alike, however long they were in force.",
        over_time=mean(UPDATES),
        over_listings=mean(UPDATES),
        formula=f"n of rows on which {words} / n",
    )
    return Emission(label, metric, {row: is_in()})


def _touched(rules: Rules, depth: int) -> dict[str, pl.Expr]:
    book = Book(pl.col, AS_IT_IS)
    cells = {f"{side}{m} of the touch": book.at(side, m, 1) for side, m in product(SIDES, ("Price", "Quantity"))}
    moves = [_moved(x, previous(x)) | (x.is_null() != previous(x).is_null()) for x in map(pl.col, list(cells)[::2])]
    sizes = [x.ne_missing(previous(x)) for x in map(pl.col, list(cells)[1::2])]
    first = previous(pl.col("StretchId")).is_null()
    return {**cells, "touched on the row": pl.any_horizontal(first, *moves, *sizes)}


def _changed(series: Series) -> Callable[[Rules, int], dict[str, pl.Expr]]:
    """Whether the value differs from the last valid one before the row."""

    def of(rules: Rules, depth: int) -> dict[str, pl.Expr]:
        x, before = pl.col(row_of(series)), f"{series.label} before the row"
        changed = _moved(x, pl.col(before))
        return {**row_columns(series, rules), before: value_before(x), f"{series.label} changed": changed}

    return of


def _moved(x: pl.Expr, before: pl.Expr) -> pl.Expr:
    """Whether both prices are there and differ."""
    return ((x * NEAR > before) | (before * NEAR > x)).fill_null(False)


def _invalid_levels(rules: Rules, depth: int) -> dict[str, pl.Expr]:
    book = Book(pl.col, AS_IT_IS)
    invalid = (book.invalid(side, i).cast(pl.Int64) for side, i in product(SIDES, range(1, depth + 1)))
    return {"invalid levels of the row": pl.sum_horizontal(invalid)}


def _disordered(rules: Rules, depth: int) -> dict[str, pl.Expr]:
    book = Book(pl.col, AS_IT_IS)
    bids, asks = ([book.at(side, "Price", i) for i in range(1, depth + 1)] for side in SIDES)
    wrong = [bids[i] >= pl.min_horizontal(*bids[:i]) * NEAR for i in range(1, depth)]
    wrong += [asks[i] * NEAR <= pl.max_horizontal(*asks[:i]) for i in range(1, depth)]
    return {"disordered row": pl.any_horizontal(pl.lit(False), *(one.fill_null(False) for one in wrong))}


_COUNTS: Mapping[str, _Count] = {
    "TouchUpdates": _Count(
        _touched,
        "Rows whose best price or its size, on either side, is not that of the row before; the first of a stretch is.",
        "n with B_1, A_1, b_1 or a_1 ≠ the row before",
    ),
    "MidChanges": _Count(
        _changed(PRICES["Mid"]),
        "Rows whose mid differs from the last valid one of the stretch; a mid that goes and comes back does not count.",
        "n with M ≠ the valid M before",
    ),
    "BidChanges": _Count(
        _changed(PRICES["Bid"]),
        "Rows whose best bid differs from the last valid one of the stretch; one that goes and comes back does not "
        "count.",
        "n with B_1 ≠ the valid B_1 before",
    ),
    "AskChanges": _Count(
        _changed(PRICES["Ask"]),
        "Rows whose best ask differs from the last valid one of the stretch; one that goes and comes back does not "
        "count.",
        "n with A_1 ≠ the valid A_1 before",
    ),
    "InvalidLevel": _Count(
        _invalid_levels,
        "Levels taken for missing because their price or size is infinite, not a number or not above 0; a row may have "
        "several.",
        "n of levels with a P or Q that is not in (0, ∞)",
        "levels of books are taken for missing, for a price or size that none can have",
    ),
    "Disordered": _Count(
        _disordered,
        "Rows with a level priced no worse than one above it; they count like any other.",
        "n of rows with B_i ≥ B_j or A_i ≤ A_j for some i > j",
        "rows of books have levels that are not in the order of their prices",
    ),
}
