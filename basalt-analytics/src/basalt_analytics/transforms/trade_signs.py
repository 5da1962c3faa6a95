"""The `trade_signs` transform: who took liquidity, inferred where the exchange does not say.

Every rule is a list of *answers*, tried in order: the exchange's own side, a test of the price against the quote, the
sign of the last tick. The first that is not null is the trade's side, and tells the side's source.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import attrs
import polars as pl

from basalt.errors import UserError
from basalt.modules import PassContext
from basalt.options import option
from basalt.tables import AGGRESSOR
from basalt.transforms import Transform
from basalt_analytics.transforms.quote_tests import at_quote, in_zone, of_mid, side
from basalt_analytics.transforms.ticks import TICK, with_ticks

Rule = Literal["exchange", "quote", "tick", "lee_ready", "emo", "clnv"]
SIDE_SOURCE = pl.Enum(["Exchange", "Quote", "Tick"])
QUOTE_TESTS = {"quote": of_mid, "lee_ready": of_mid, "emo": at_quote, "clnv": in_zone}
TICK_RULES = ("tick", "lee_ready", "emo", "clnv")


@attrs.frozen
class TradeSignsOptions:
    """Options of `trade_signs`."""

    rule: Rule = option(
        "how the side is found: the exchange's own, against the 'quote' or the last 'tick', or by both: Lee and Ready, "
        "Ellis et al., Chakrabarty et al.",
        default="exchange",
    )
    fallback: Rule | None = option("a second rule, for trades to which the first gives no side", default=None)
    tick_memory: Literal["listing", "instrument"] = option(
        "whether a tick is against the last trade of the listing, or of all listings of its instrument",
        default="listing",
    )
    override: bool = option(
        "whether an inferred side takes the place of the exchange's, which is kept where none is inferred",
        default=False,
    )


@attrs.frozen(eq=False)
class Answer:
    """A side, null where it is not known, and what it comes from."""

    side: pl.Expr
    source: pl.Expr


class TradeSigns(Transform):
    """AggressorSide, filled, and SideSource, null where the side is; no row is dropped or moved.

    Ticks (Lee and Ready 1991) are against the trade before among those that advance the memory: not an auction's, off
    book, negotiated or invalid ones, which have no tick sign themselves.
    """

    name = "trade_signs"
    Config = TradeSignsOptions
    config: TradeSignsOptions

    def __init__(self, config: TradeSignsOptions) -> None:
        super().__init__(config)
        self.scope = "instrument" if self._joined else "listing"

    @property
    def inputs(self) -> Sequence[str]:
        """Trades, and reference where ticks are of instruments."""
        return ["trades", *(["reference"] if self._joined else [])]

    @property
    def output(self) -> str:
        """Trades."""
        return "trades"

    def columns(self, columns_of: Mapping[str, Mapping[str, pl.DataType]]) -> dict[str, pl.DataType]:
        """The table's columns, AggressorSide and SideSource; UserError for a rule that lacks a column."""
        trades = columns_of["trades"]
        for rule in self._rules:
            _check(rule, trades)
        if "AggressorSide" not in trades and self._rules == ["exchange"]:
            raise UserError(
                "rule = 'exchange' needs AggressorSide, which table trades does not have: name a rule that infers it, "
                "as rule = 'lee_ready'"
            )
        if self._joined and "InstrumentId" not in columns_of["reference"]:
            raise UserError(
                "tick_memory = 'instrument' needs InstrumentId, which table reference does not have: add it, or leave "
                "tick_memory out"
            )
        return {**trades, "AggressorSide": AGGRESSOR, "SideSource": SIDE_SOURCE}

    def apply(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> dict[str, pl.LazyFrame]:
        """Trades with their sides, in their order."""
        trades = inputs["trades"]
        own = _own(trades.collect_schema())
        if set(self._rules) & set(TICK_RULES):
            trades = with_ticks(trades, inputs["reference"] if self._joined else None)
        answers = [answer for rule in self._rules for answer in _answers(rule, own)]
        answers = [*answers, own] if self.config.override else [own, *answers]
        signed = trades.with_columns(
            AggressorSide=pl.coalesce(answer.side for answer in answers),
            SideSource=pl.coalesce(pl.when(answer.side.is_not_null()).then(answer.source) for answer in answers),
        )
        return {"trades": signed.drop(TICK, strict=False)}

    @property
    def _rules(self) -> list[Rule]:
        return [rule for rule in (self.config.rule, self.config.fallback) if rule is not None]

    @property
    def _joined(self) -> bool:
        return self.config.tick_memory == "instrument"


def _check(rule: Rule, trades: Mapping[str, pl.DataType]) -> None:
    missing = [name for name in ("BidPrice", "AskPrice") if name not in trades]
    if rule in QUOTE_TESTS and missing:
        raise UserError(
            f"rule {rule!r} needs {' and '.join(missing)}, which table trades does not have: put the transform "
            "quotes_at_trades before trade_signs"
        )


def _own(trades: Mapping[str, pl.DataType]) -> Answer:
    """The side that is there: the exchange's, or what an earlier step says it comes from."""
    known = pl.col("AggressorSide") if "AggressorSide" in trades else pl.lit(None, AGGRESSOR)
    source = _lit("Exchange")
    if trades.get("SideSource") == SIDE_SOURCE:
        source = pl.coalesce("SideSource", source)
    return Answer(known, source)


def _answers(rule: Rule, own: Answer) -> Iterator[Answer]:
    if rule == "exchange":
        yield own
    if rule in QUOTE_TESTS:
        buy, sell = QUOTE_TESTS[rule]()
        yield Answer(side(buy, sell), _lit("Quote"))
    if rule in TICK_RULES:
        yield Answer(pl.col(TICK), _lit("Tick"))


def _lit(source: str) -> pl.Expr:
    return pl.lit(source, SIDE_SOURCE)
