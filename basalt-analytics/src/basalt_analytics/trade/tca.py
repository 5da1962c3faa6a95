"""Group `tca`: what crossing the spread cost, and what the price did next.

D is the aggressor's sign, P the price, M the mid in force just before the trade, M₊ₕ the mid h later. Averages are over
trades with D and M known, those of a horizon over those with M₊ₕ too. A column of a horizon belongs to the bucket of
the trade, and is final h after that bucket's end.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

import attrs
import polars as pl

from basalt.config.spellings import Duration
from basalt.durations import parse_duration
from basalt.errors import UserError
from basalt.metrics import Metric
from basalt.options import option
from basalt_analytics.groups import Emission, required
from basalt_analytics.trade.aggregations import WEIGHT_TOKENS, Weight, mean_metric
from basalt_analytics.trade.discrepancy import QUOTES, UNIT_TOKENS, PriceUnit
from basalt_analytics.trade.populations import Population
from basalt_analytics.trade.selection import NAME_DOC, Group, Selection
from basalt_analytics.trade.tca_costs import COSTS, MID, backward, later_mid, mid_column, mids, token, touch
from basalt_analytics.trade.tca_counts import SHARES, counted, eq_ratio, spread_columns, unquoted, unsigned

TcaMeasure = Literal[
    "QuotedSpread",
    "EffectiveSpread",
    "RealizedSpread",
    "PriceImpact",
    "EffectiveSpreadCommon",
    "Markout",
    "PriceImprovement",
    "ImprovedShare",
    "AtQuoteShare",
    "OutsideShare",
    "EQRatio",
    "TcaCount",
    "TcaUnsignedCount",
    "TcaNoQuoteCount",
]
OF_HORIZONS = (*(name for name, cost in COSTS.items() if cost.horizon), "TcaCount")
OF_QUOTES = ("QuotedSpread", "PriceImprovement", "EQRatio", *SHARES)


@attrs.frozen
class TcaGroup(Selection):
    """A group of `tca`: every measure, at every horizon where it has one, by side, unit and weight."""

    measures: list[TcaMeasure] = option("spreads, impact, markouts, shares at the touch, and counts behind them")
    horizons: list[Duration] = option("how long after the trade, as '5s'; before it, as '-1s'", factory=list)
    units: list[PriceUnit] = option("basis points, or price", factory=lambda: ["Bps"])
    weights: list[Weight] = option("what weighs a trade: nothing, its shares, its value", factory=lambda: ["Equal"])
    sides: list[Literal["Total", "Buy", "Sell"]] = option(
        "by aggressor: of known side, bought, sold", factory=lambda: ["Total"]
    )
    name: str = option(NAME_DOC, default="Trade{side}{measure}{horizon}{unit}{weight}")


@attrs.frozen(eq=False)
class _Names:
    """The group's column names of one measure and side."""

    group: Group[TcaGroup]
    side: str
    measure: str

    def __call__(self, horizon: str = "", unit: str = "", weight: str = "") -> str:
        template = self.group.template("side", "measure", "horizon", "unit", "weight")
        return template.filled(side=self.side, measure=self.measure, horizon=horizon, unit=unit, weight=weight)


def tca(group: Group[TcaGroup]) -> Iterator[Emission]:
    """Every measure, at every horizon where it has one, by side, unit and weight."""
    _check(group)
    for side in group.options.sides:
        population = group.population(side)
        for measure in group.options.measures:
            names = _Names(group, side, measure)
            yield from _costs(names, population) if measure in COSTS else _others(names, population)


def _check(group: Group[TcaGroup]) -> None:
    """UserError for lists that ask for nothing or for what there cannot be, and for columns that are not there."""
    options, label = group.options, group.label
    required({name: getattr(options, name) for name in ("measures", "units", "weights", "sides")}, label)
    timed = [m for m in options.measures if m in OF_HORIZONS]
    forward = [m for m in timed if m in COSTS and not COSTS[m].back]
    if options.horizons and not timed:
        raise UserError(f"{label}: horizons has no effect on {', '.join(options.measures)}: drop it")
    if not options.horizons and set(timed) - {"TcaCount"}:
        raise UserError(f"{label}: {timed[0]} needs horizons, as horizons = ['1s', '1m']")
    for horizon in options.horizons:
        if backward(horizon) and forward:
            raise UserError(
                f"{label}: horizons has {horizon!r}, before the trade, which {forward[0]} cannot have: put Markout in "
                "a group of its own"
            )
    if "TcaUnsignedCount" in options.measures and "Total" not in options.sides:
        raise UserError(f"{label}: TcaUnsignedCount is of no side: list 'Total' in sides")
    _check_columns(group)


def _check_columns(group: Group[TcaGroup]) -> None:
    trades, options = group.trades, group.options
    who = f"{group.label}: {options.measures[0]}"
    trades.needed("AggressorSide", who, "add the transform trade_signs to the pass's preprocess")
    trades.needed("MidAtTrade", who, QUOTES)
    for measure in (m for m in options.measures if m in OF_QUOTES):
        for column in ("BidPrice", "AskPrice"):
            trades.needed(column, f"{group.label}: {measure}", QUOTES)
    for horizon in options.horizons:
        cure = f"list {horizon!r}, spelled so, in horizons of the transform quotes_at_trades"
        trades.needed(mid_column(horizon), f"{group.label}: horizon {horizon!r}", cure)


def _costs(names: _Names, population: Population) -> Iterator[Emission]:
    """One cost, by horizon where it has one, unit and weight."""
    group, measure = names.group, names.measure
    options, trades, cost = group.options, group.trades, COSTS[measure]
    for horizon in options.horizons if cost.horizon else [None]:
        for unit in options.units:
            there = MID if horizon is None else later_mid(horizon)
            column = f"{measure} {horizon or ''} in {unit}"
            always = cost.whole and (unit == "Price" or not trades.allow_nonpositive_prices)
            when = "" if horizon is None else f" {_said(horizon)}"
            value = cost.value(column, unit, there if always else None, when)
            base = touch(trades) if measure == "PriceImprovement" else mids(trades, horizon)
            derive = {**base, column: cost.on_row(trades, pl.col(there), unit)}
            for weight in options.weights:
                name = names("" if horizon is None else token(horizon), UNIT_TOKENS[unit], WEIGHT_TOKENS[weight])
                made = mean_metric(name, value, weight, population)
                yield Emission(group.label, _at(made, horizon), derive)


def _at(metric: Metric, horizon: str | None) -> Metric:
    """The metric of a horizon: known that long after the bucket, rounded up to a microsecond."""
    if horizon is None:
        return metric
    lag = timedelta(microseconds=max(-(-parse_duration(horizon) // 1000), 0))
    return attrs.evolve(metric, known_after=lag, formula=f"{metric.formula}, h = {horizon}")


def _said(horizon: str) -> str:
    return f"{horizon[1:]} before the trade" if backward(horizon) else f"{horizon} after the trade"


def _others(names: _Names, population: Population) -> Iterator[Emission]:
    """Counts, shares at the touch, and the EQ ratio: they have no unit or weight to choose."""
    group, measure = names.group, names.measure
    trades = group.trades
    if measure == "TcaCount":
        yield Emission(group.label, counted(names(), MID, population, ""), mids(trades))
        for horizon in group.options.horizons:
            made = counted(names(token(horizon)), later_mid(horizon), population, f" {_said(horizon)}")
            yield Emission(group.label, _at(made, horizon), mids(trades, horizon))
    elif measure == "TcaUnsignedCount":
        if names.side == "Total":
            yield Emission(group.label, unsigned(names(), population))
    elif measure == "TcaNoQuoteCount":
        yield Emission(group.label, unquoted(names(), population), mids(trades))
    elif measure == "EQRatio":
        yield Emission(group.label, eq_ratio(names(), population), {**mids(trades), **spread_columns(trades)})
    else:
        yield Emission(group.label, SHARES[measure].metric(names(), population), touch(trades))
