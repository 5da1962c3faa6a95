"""The group `flow`: order-flow imbalance, what orders added to the bid and took from the ask.

The event of a row is its change from the row before in the stretch, level by level, on rows too that are crossed: a
better bid adds its whole size, a worse one takes the whole size before, one that stays adds the difference; asks the
other way round. A level that is missing has size 0.
"""

from collections.abc import Iterable, Iterator

import polars as pl

from basalt.columns import Unit
from basalt.errors import UserError
from basalt.metrics import SUM, Empty, Metric, previous, ratio
from basalt_analytics.groups import Emission, Template
from basalt_analytics.l2.book import AS_IT_IS, NEAR, Book
from basalt_analytics.l2.options import FlowGroup
from basalt_analytics.l2.shape import SIDES

BUYING = "+ when orders come to the bid and leave the ask; − the other way round"
CONT_2014 = "Cont, Kukanov & Stoikov 2014"
CONT_2023 = "Cont, Cucuringu & Zhang 2023"


def flow_emissions(group: FlowGroup, levels: list[int], label: str) -> Iterator[Emission]:
    """The group's metrics; UserError for weights that no measure reads or that do not fit the levels."""
    _check_weights(group, levels, label)
    template = Template.checked(group.name, label, ("measure", "level"))
    for measure in group.measures:
        for level in levels:
            name = template.filled(measure=measure, level=level)
            if measure == "OFI":
                yield Emission(label, _ofi(name, level), _events([level]))
            elif measure == "OFINorm":
                yield Emission(label, _ofi_norm(name, level), _events([level]) | _sizes(level))
            else:
                yield Emission(label, _ofi_total(name, level, group.weights), _events(range(1, level + 1)))


def _check_weights(group: FlowGroup, levels: list[int], label: str) -> None:
    if not group.weights:
        return
    if "OFITotal" not in group.measures:
        raise UserError(f"{label}: weights = {group.weights} does nothing without OFITotal: leave it out")
    if len(group.weights) != max(levels):
        raise UserError(
            f"{label}: weights has {len(group.weights)} numbers and OFITotal adds up {max(levels)} levels: give one "
            "for each level, from the best down"
        )


def _ofi(name: str, level: int) -> Metric:
    return Metric(
        name,
        pl.col(_event(level)).sum(),
        Unit.SHARES,
        doc=f"Net shares that came to the bid and left the ask at level {level}; deeper levels shift when it moves.",
        over_time=SUM,
        empty=Empty.ZERO,
        formula=f"Σ e_{level}, e = 1[B ≥ B′]·b − 1[B ≤ B′]·b′ − 1[A ≤ A′]·a + 1[A ≥ A′]·a′, ′ the row before",
        citation=CONT_2014,
        sign=BUYING,
    )


def _ofi_norm(name: str, level: int) -> Metric:
    return Metric(
        name,
        ratio(pl.col(_event(level)).sum(), pl.col(_size(level)).mean()),
        Unit.RATIO,
        doc=f"Order-flow imbalance at level {level} relative to the mean size there; rows weigh alike in that mean.",
        formula=f"Σ e_{level} / mean over rows of (b_{level} + a_{level})/2",
        citation=CONT_2023,
        sign=BUYING,
    )


def _ofi_total(name: str, level: int, weights: list[float]) -> Metric:
    used = weights[:level] or [1.0] * level
    return Metric(
        name,
        pl.sum_horizontal(w * pl.col(_event(i + 1)).sum() for i, w in enumerate(used)),
        Unit.SHARES,
        doc=f"Order-flow imbalance of the levels down to {level}; a move of the best price counts at each of them.",
        over_time=SUM,
        empty=Empty.ZERO,
        formula=f"Σ_{{m≤{level}}} {'w_m·' if weights else ''}Σ e_m",
        citation="Cont, Cucuringu & Zhang 2023; Xu, Gould & Howison 2018",
        sign=BUYING,
    )


def _event(level: int) -> str:
    return f"flow event at level {level}"


def _size(level: int) -> str:
    return f"mean size at level {level}"


def _sizes(level: int) -> dict[str, pl.Expr]:
    return {**_cells(level), _size(level): sum((pl.col(_rests(side, level)) for side in SIDES), pl.lit(0.0)) / 2}


def _events(levels: Iterable[int]) -> dict[str, pl.Expr]:
    """The row's event at each level, null on the first row of a stretch."""
    follows = previous(pl.col("StretchId")).is_not_null()
    events = {_event(i): pl.when(follows).then(_added("Bid", i) - _added("Ask", i)) for i in levels}
    return {name: cell for i in levels for name, cell in _cells(i).items()} | events


def _added(side: str, level: int) -> pl.Expr:
    """Shares that came to the side at the level, a better price being new depth.

    Where either price is missing its size is 0, so that the difference is right there too.
    """
    price, size = pl.col(_price(side, level)), pl.col(_rests(side, level))
    before, size_before = previous(price), previous(size)
    higher, lower = price * NEAR > before, before * NEAR > price
    better, worse = (higher, lower) if side == "Bid" else (lower, higher)
    return pl.when(better).then(size).when(worse).then(-size_before).otherwise(size - size_before)


def _cells(level: int) -> dict[str, pl.Expr]:
    book = Book(pl.col, AS_IT_IS)
    prices = {_price(side, level): book.at(side, "Price", level) for side in SIDES}
    return prices | {_rests(side, level): book.at(side, "Quantity", level).fill_null(0.0) for side in SIDES}


def _price(side: str, level: int) -> str:
    return f"{side} price at level {level}, valid or not"


def _rests(side: str, level: int) -> str:
    return f"{side} size at level {level}, 0 where missing"
