"""Module trade, the groups beside generic: each a list of named columns of one listing.

A group's rows are filtered first; previous trades are those of the same side and stretch among what is left.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from .clock import Row, Rule, states_of, stretch_of, stretches
from .day import Cell, Column, Predicate, Table
from .hours import inside, time_of
from .trade_bars import SHARED, SIDES, counts, in_buckets, trade_bars
from .values import finite, highest, last, lowest, mean, median, near, ratio, std

FLAGS = ("Block", "OddLot", "Negotiated", "Cross", "Algorithmic", "Retail", "Iceberg")
AGGREGATIONS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "Mean": mean,
    "Median": median,
    "Min": lowest,
    "Max": highest,
    "Std": std,
    "Last": last,
}
ROLLUPS = {"Mean": "mean", "Min": "min", "Max": "max", "Last": "last"}
WEIGHTS: dict[str, Callable[[Row], float]] = {
    "Equal": lambda r: 1,
    "Share": lambda r: r["Size"],
    "Notional": lambda r: r["Price"] * r["Size"],
}
UNITS = {"Price": "", "Bps": "Bps"}
WEIGHT_TOKENS = {"Equal": "", "Share": "ShareWeighted", "Notional": "NotionalWeighted"}
Value = Callable[[Sequence[Row]], tuple[Any, Any]]
"""Value and weight of the rows of a bucket."""


class Group:
    """One configured group over one listing: its rows in order, and how names and cells are made."""

    def __init__(self, table: Table, rule: Rule, options: Any, given: Any, where: Mapping[str, Predicate]) -> None:
        self.options = {**{k: options[k] for k in SHARED if k in options}, **given}
        self.rule, self.table = rule, table
        states = states_of(self.options.get("market_states"), table.changes is not None)
        self.runs = stretches(table.changes or [], states)
        self.hours = options.get("hours")
        self.time = time_of(table, states, self.hours)
        rows = inside(table, self.hours).rows
        self.rows = [row for row in rows if counts(row, states, options, self.options, where)]
        self.columns: dict[str, Column] = {}

    @property
    def sides(self) -> Sequence[str]:
        """The sides asked for."""
        return self.options.get("sides", ["Total"])  # type: ignore[no-any-return]

    def of(self, side: str) -> list[Row]:
        """Rows of a side."""
        return [row for row in self.rows if row.get("AggressorSide") in SIDES[side]]

    def stretch(self, row: Row) -> int | None:
        """Stretch of a row."""
        return stretch_of(self.runs, row["EventTimestamp"])

    def add(self, name: str, rows: Sequence[Row], value: Value, empty: str = "null", rollup: str = "none") -> None:
        """A column from the rows of each bucket."""
        cells = {
            label: Cell(*value(some), self.stretch(some[-1])) for label, some in in_buckets(rows, self.rule).items()
        }
        assert name not in self.columns, name
        self.columns[name] = Column(cells, empty, rollup, self.runs)

    def named(self, template: str, **fields: str) -> str:
        """A column's name."""
        return str(self.options.get("name", template)).format(**fields)

    def total(self, name: str, rows: Sequence[Row], value: Callable[[Row], float]) -> None:
        """A sum, 0 in a bucket without rows."""
        self.add(name, rows, lambda some: (sum(value(r) for r in some), None), "zero", "sum")


AMOUNTS: dict[str, Callable[[Row], float]] = {
    "Volume": lambda r: r["Size"],
    "Count": lambda r: 1,
    "Notional": lambda r: r["Price"] * r["Size"],
    "NotionalEUR": lambda r: r["NotionalEUR"] if finite(r["NotionalEUR"]) else 0.0,
    "NotionalUSD": lambda r: r["NotionalUSD"] if finite(r["NotionalUSD"]) else 0.0,
}


def imbalance(group: Group) -> None:
    """(Buy − Sell)/(Buy + Sell), weighed by the denominator."""
    for measure in group.options["measures"]:
        amount = AMOUNTS[measure]

        def value(rows: Sequence[Row], amount: Any = amount) -> tuple[Any, Any]:
            buy, sell = (sum(amount(r) for r in rows if r.get("AggressorSide") == side) for side in ("Buy", "Sell"))
            return ratio(buy - sell, buy + sell), buy + sell

        group.add(group.named("Trade{measure}Imbalance", measure=measure), group.rows, value, rollup="mean")


def flags(group: Group) -> None:
    """Sums and shares over rows whose flag is true; unreported rows are in neither part of a share."""
    for side in group.sides:
        for flag in group.options["flags"]:
            for measure in group.options["measures"]:
                name = group.named("Trade{side}{flag}{measure}", side=side, flag=flag, measure=measure)
                _flag(group, name, group.of(side), f"Is{flag}", measure)


def _flag(group: Group, name: str, rows: Sequence[Row], flag: str, measure: str) -> None:
    def total(some: Sequence[Row], amount: str, *asked: Any) -> float:
        return sum(AMOUNTS[amount](r) for r in some if r[flag] in asked)

    if measure == "UnknownVolume":
        group.add(name, rows, lambda some: (total(some, "Volume", None), None), "zero", "sum")
    elif measure == "AvgNotional":
        group.add(
            name, rows, lambda s: (ratio(total(s, "Notional", True), n := total(s, "Count", True)), n), "null", "mean"
        )
    elif measure.endswith("Share"):
        own = measure.removesuffix("Share")
        group.add(
            name, rows, lambda s: (ratio(total(s, own, True), n := total(s, own, True, False)), n), "null", "mean"
        )
    else:
        group.add(name, rows, lambda some: (total(some, measure, True), None), "zero", "sum")


def discrepancy(group: Group) -> None:
    """Prices beside a reference known before the trade."""
    for side in group.sides:
        for reference in group.options["references"]:
            for unit in group.options["units"]:
                values = [(row, _beside(row, reference, unit)) for row in group.of(side)]
                for weight in group.options["weights"]:
                    fields = {"side": side, "reference": reference, "unit": UNITS[unit]}
                    template = "Trade{side}DiscrepancyTo{reference}{aggregation}{unit}{weight}"
                    _aggregated(group, values, template, fields, weight)


def _beside(row: Row, reference: str, unit: str) -> float | None:
    side = row.get("AggressorSide")
    touches = {"Buy": ("AskPrice", "BidPrice"), "Sell": ("BidPrice", "AskPrice"), None: (None, None)}[side]
    columns = {
        "Mid": "MidAtTrade",
        "Bid": "BidPrice",
        "Ask": "AskPrice",
        "NearTouch": touches[0],
        "FarTouch": touches[1],
    }
    column = columns.get(reference, reference)
    value = None if column is None else row[column]
    return None if not finite(value) else in_unit(row["Price"] - value, value, unit)


def in_unit(difference: Any, base: Any, unit: str) -> float | None:
    """A price difference as it is, or in bps of a price."""
    if difference is None or base is None or unit == "Price":
        return None if difference is None else float(difference)
    return 1e4 * difference / base if base > 0 else None


def _aggregated(group: Group, values: Any, template: str, fields: Mapping[str, str], weight: str = "Equal") -> None:
    """Each aggregation of values by row; nulls count in nothing, but are what Last gives where the last row has one."""
    by_row = {id(row): x for row, x in values}
    rows = [row for row, _ in values]
    for aggregation in group.options["aggregations"]:
        name = group.named(template, aggregation=aggregation, weight=WEIGHT_TOKENS[weight], **fields)

        def value(some: Sequence[Row], aggregation: str = aggregation) -> tuple[Any, Any]:
            there = [(by_row[id(r)], WEIGHTS[weight](r)) for r in some if by_row[id(r)] is not None]
            if aggregation == "Last":
                return by_row[id(some[-1])], None
            if aggregation == "Mean":
                total = sum(w for _, w in there)
                return ratio(sum(x * w for x, w in there), total) if there else None, total
            return AGGREGATIONS[aggregation]([x for x, _ in there]), None

        group.add(name, rows, value, rollup=ROLLUPS.get(aggregation, "none"))


def change(group: Group) -> None:
    """Differences from the previous trade of the side in the stretch, and ages, aggregated."""
    for side in group.sides:
        rows = group.of(side)
        previous: dict[int, Row] = {
            id(row): other for other, row in pairwise(rows) if group.stretch(row) == group.stretch(other)
        }
        for measure in group.options["measures"]:
            values = [(row, _change(measure, row, previous.get(id(row)))) for row in rows]
            _aggregated(group, values, "Trade{side}{measure}{aggregation}", {"side": side, "measure": measure})


def _change(measure: str, row: Row, other: Row | None) -> float | None:
    if measure in ("QuoteAgeSeconds", "NextQuoteSeconds"):
        return row[measure]  # type: ignore[no-any-return]
    if measure == "PublicationDelaySeconds":
        published = row["PublicationTimestamp"]
        return None if published is None else (published - row["EventTimestamp"]) / 1e9
    if other is None:
        return None
    if measure == "GapSeconds":
        return (row["EventTimestamp"] - other["EventTimestamp"]) / 1e9  # type: ignore[no-any-return]
    difference = row["Price"] - other["Price"]
    if measure == "PriceChange":
        return difference  # type: ignore[no-any-return]
    bps = in_unit(difference, other["Price"], "Bps")
    return abs(bps) if measure.startswith("Abs") and bps is not None else bps


def placement(group: Group) -> None:
    """Where between bid (−1) and ask (1) volume trades; rows without an open spread count in neither sum."""
    for side in group.sides:
        rows = [row for row in group.of(side) if _open(row)]

        def value(some: Sequence[Row]) -> tuple[Any, Any]:
            volume = sum(r["Size"] for r in some)
            return ratio(sum(r["Size"] * _placed(r, group.options.get("clip", True)) for r in some), volume), volume

        group.add(group.named("Trade{side}PricePlacement", side=side), rows, value, rollup="mean")


def _open(row: Row) -> bool:
    bid, ask = row["BidPrice"], row["AskPrice"]
    return finite(bid) and finite(ask) and ask > bid and not near(ask, bid)


def _placed(row: Row, clip: bool) -> float:
    z = 2 * (row["Price"] - row["BidPrice"]) / (row["AskPrice"] - row["BidPrice"]) - 1
    return float(max(-1.0, min(1.0, z)) if clip else z)


def grouped(
    table: Table, rule: Rule, options: Mapping[str, Any], where: Mapping[str, Predicate], makers: Mapping[str, Any]
) -> dict[str, Any]:
    """Columns of module trade by name; `makers`: what each kind of group makes. Nothing configured: generic alone."""
    given = options if any(kind in options for kind in [*makers, "generic"]) else None
    columns = trade_bars(
        inside(table, options.get("hours")), rule, options if given is None else {"generic": [], **options}, where
    )
    for kind, make in makers.items():
        for one in options.get(kind, []):
            group = Group(table, rule, options, one, where)
            make(group)
            columns |= {options.get("prefix", "") + name: column for name, column in group.columns.items()}
    return columns
