"""Costs of a trade: spreads paid, price impact, markouts, improvement, each a row expression in price and in bps.

They stand on derived columns: MID is the mid in force before a trade whose side is known, null on other rows, so that
whatever is made of it is null outside the population; `later_mid(h)` is the mid h later on those rows.
"""

from collections.abc import Callable, Mapping

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.durations import parse_duration
from basalt.metrics import signed
from basalt_analytics.trade.aggregations import Value
from basalt_analytics.trade.prices import near, over_price
from basalt_analytics.trade.selection import Trades

MID = "mid before a trade of known side"
TOUCH = "price at the touch that the aggressor takes"
PRICE = pl.col("Price")
COST = "+ when the taker pays"
SIGN = signed("AggressorSide")


def later_mid(horizon: str) -> str:
    """Name of the derived column of the mid a horizon after the trade."""
    return f"{MID}, {horizon} after it"


def backward(horizon: str) -> bool:
    """Whether it lies before the trade."""
    return parse_duration(horizon) < 0


def token(horizon: str) -> str:
    """How names write a horizon: `5s`, and `Before1s` for one before the trade."""
    return f"Before{horizon.removeprefix('-')}" if backward(horizon) else horizon.removeprefix("-")


def mid_column(horizon: str) -> str:
    """The column of the trades that holds the mid at a horizon."""
    return f"Mid{token(horizon)}" if backward(horizon) else f"MidAfter{token(horizon)}"


def mids(trades: Trades, horizon: str | None = None) -> dict[str, pl.Expr]:
    """The derived columns that costs of the horizon read."""
    found: dict[str, pl.Expr] = {MID: pl.when(pl.col("AggressorSide").is_not_null()).then(trades.price("MidAtTrade"))}
    if horizon is not None:
        found[later_mid(horizon)] = pl.when(pl.col(MID).is_not_null()).then(trades.price(mid_column(horizon)))
    return found


def touch(trades: Trades) -> dict[str, pl.Expr]:
    """The derived column of the ask for buys and the bid for sells, on rows with a mid."""
    taken = pl.when(SIGN > 0).then(trades.price("AskPrice")).otherwise(trades.price("BidPrice"))
    return {**mids(trades), TOUCH: pl.when(pl.col(MID).is_not_null()).then(taken)}


def quoted_spread(trades: Trades) -> pl.Expr:
    """A − B on rows with a mid."""
    return pl.when(pl.col(MID).is_not_null()).then(trades.price("AskPrice") - trades.price("BidPrice"))


def effective_spread() -> pl.Expr:
    """2D(P − M), below 0 where the aggressor got a price better than the mid."""
    return 2 * SIGN * (PRICE - pl.col(MID))


@attrs.frozen(eq=False)
class Cost:
    """`expr`: in price, of the table and the derived later mid. `over`: what basis points are of, M or P. `whole`: it
    is there on every row that has the mids. `horizon`: it has one; `back`: which may lie before the trade."""

    expr: Callable[[Trades, pl.Expr], pl.Expr]
    words: str
    formula: str
    warning: str
    sign: str
    citation: str
    over: str = "M"
    whole: bool = True
    horizon: bool = False
    back: bool = False

    def value(self, column: str, unit: str, counted: str | None, when: str) -> Value:
        """The cost as values of a derived column; `when`: the words of its horizon, or none."""
        formula = f"1e4·{self.formula} / {self.over}" if unit == "Bps" else self.formula
        kind = Unit.BPS if unit == "Bps" else Unit.PRICE
        said = (column, kind, self.words.format(when=when), formula, self.warning, self.sign, self.citation)
        return Value(*said, over_listings=unit == "Bps", counted=counted)

    def on_row(self, trades: Trades, later: pl.Expr, unit: str) -> pl.Expr:
        """The cost of a row, in price or in basis points."""
        in_price = self.expr(trades, later)
        return in_price if unit == "Price" else over_price(1e4 * in_price, pl.col(MID) if self.over == "M" else PRICE)


COSTS: Mapping[str, Cost] = {
    "QuotedSpread": Cost(
        lambda trades, _: quoted_spread(trades),
        "quoted spread just before the trade",
        "(A − B)",
        "it counts when somebody trades, which is when it is narrow",
        "− where crossed quotes are kept",
        "Huang & Stoll 1996",
        whole=False,
    ),
    "EffectiveSpread": Cost(
        lambda *_: effective_spread(),
        "effective spread",
        "2D(P − M)",
        "trades of unknown side or without a mid are left out",
        COST,
        "Bessembinder 2003",
    ),
    "RealizedSpread": Cost(
        lambda _, later: 2 * SIGN * (PRICE - later),
        "realized spread{when}",
        "2D(P − M₊ₕ)",
        "it has its own trades, those whose later mid is known",
        "+ when the liquidity provider earns",
        "Huang & Stoll 1996",
        horizon=True,
    ),
    "PriceImpact": Cost(
        lambda _, later: 2 * SIGN * (later - pl.col(MID)),
        "price impact{when}",
        "2D(M₊ₕ − M)",
        "whatever else moved the mid meanwhile is in it",
        "+ when the price moves the aggressor's way",
        "Bessembinder 2003",
        horizon=True,
    ),
    "EffectiveSpreadCommon": Cost(
        lambda _, later: pl.when(later.is_not_null()).then(effective_spread()),
        "effective spread of those whose mid{when} is known",
        "2D(P − M)",
        "it is realized spread plus price impact, and not the effective spread of all",
        COST,
        "Bessembinder 2003",
        horizon=True,
    ),
    "Markout": Cost(
        lambda _, later: SIGN * (later - PRICE),
        "markout{when}",
        "D(M₊ₕ − P)",
        "at a horizon of nothing it is minus half the effective spread",
        "+ when the price moves the aggressor's way",
        "Huang & Stoll 1996",
        over="P",
        horizon=True,
        back=True,
    ),
    "PriceImprovement": Cost(
        lambda *_: pl.when(near(PRICE, pl.col(TOUCH))).then(0.0).otherwise(SIGN * (pl.col(TOUCH) - PRICE)),
        "improvement on the touch",
        "D(touch − P)",
        "of a trade that walked the book it is negative",
        "+ when the taker got better than the touch",
        "17 CFR 242.605",
        whole=False,
    ),
}
