"""Benchmarks of `tca`: columns that hold an order's price against mids and prints before, beside and after it."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import polars as pl

from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.durations import parse_duration
from basalt.metrics import Known, mean, ratio
from basalt_analytics.trade.orders.costs import (
    ARRIVED,
    BY_SIDE,
    EXECUTED,
    FILLS,
    MIDS,
    ORDERS,
    PAID,
    Cost,
    described,
    filled_above,
)
from basalt_analytics.trade.orders.options import TcaOptions, token

TRADES = ("trades.Price", "trades.Size")
OVER_SIZE = mean("OrderExecutedQuantity")
VOLUME, VWAP = pl.col("IntervalVolume"), pl.col("IntervalVwap")


def benchmarks(options: TcaOptions) -> Iterator[Cost]:
    """Slippages and the prices behind them, then what is told fill by fill."""
    yield from _slippages()
    yield from _of_interval(options)
    yield from _participation(options)
    yield from _by_fill(options)


def _paid(price: pl.Expr) -> pl.Expr:
    """bps of a price that the order paid above it, to buy, or got below it, to sell."""
    return 1e4 * ratio(filled_above(price), EXECUTED * price)


def _slippage(name: str, doc: str, formula: str, cite: str | None, reads: Sequence[str], **more: Any) -> ResultColumn:
    return described(name, Unit.BPS, doc, formula, OVER_SIZE, citation=cite, sign=PAID, reads=reads, **more)


def _slippages() -> Iterator[Cost]:
    yield Cost(
        _slippage(
            "ArrivalSlippageBps",
            "Average price against the mid just before arrival; null without a fill, so it flatters orders that were "
            "left undone.",
            "1e4·D·(P̄ − M_arr) / M_arr",
            "Perold 1988",
            (*ORDERS, *MIDS),
        ),
        _paid(ARRIVED),
    )
    yield Cost(
        _slippage(
            "VwapSlippageBps",
            "Average price against the market's between arrival and the last fill; an order that is most of the volume "
            "is measured against itself.",
            "1e4·D·(P̄ − VWAP_I) / VWAP_I",
            "Berkowitz, Logue & Noser 1988",
            (*ORDERS, *TRADES),
        ),
        _paid(VWAP),
    )
    yield Cost(
        _slippage(
            "DayVwapSlippageBps",
            "Average price against the market's of the whole session, of which the order may have seen little.",
            "1e4·D·(P̄ − VWAP_day) / VWAP_day",
            "Berkowitz, Logue & Noser 1988",
            (*ORDERS, *TRADES),
            known_after=Known.END_OF_DATE,
        ),
        _paid(pl.col("DayVwap")),
    )


def _of_interval(options: TcaOptions) -> Iterator[Cost]:
    others = VOLUME - (pl.col("OwnVolume") if options.own_volume == "exclude" else 0.0)
    share = pl.when(others > 0).then(ratio(EXECUTED, others))
    words = "other volume" if options.own_volume == "exclude" else "volume, its own included,"
    yield Cost(
        described(
            "Participation",
            Unit.RATIO,
            f"The order's shares against the market's {words} between arrival and the last fill; 0.1 is a tenth.",
            "X / V_I" if options.own_volume == "include" else "X / (V_I − own)",
            reads=(*FILLS, "trades.Size"),
        ),
        pl.when(EXECUTED > 0).then(share),
    )
    yield Cost(
        described(
            "OrderIntervalVwap",
            Unit.PRICE,
            "The market's average price by shares between arrival and the last fill, the order's own prints included.",
            "VWAP_I = Σ p·q / Σ q over (arrival, last fill]",
            reads=("orders.Event", *TRADES),
        ),
        VWAP,
    )
    yield Cost(
        described(
            "RelativePerformance",
            Unit.RATIO,
            "Share of the interval's volume at prices worse than the order's average, half of that at the same: 1 is "
            "best; over few prints it jumps.",
            "(V_I worse than P̄ + ½·V_I at P̄) / V_I",
            citation="Kissell 2013",
            reads=(*ORDERS, *TRADES),
        ),
        ratio(pl.col("Beaten"), VOLUME),
    )


def _participation(options: TcaOptions) -> Iterator[Cost]:
    for i, rate in enumerate(options.participation_rates):
        price, percent = pl.col(f"Pwp{i}"), f"{100 * rate:g} %"
        yield Cost(
            described(
                f"PwpPrice{token(rate)}",
                Unit.PRICE,
                f"What the market paid on average for as many shares after arrival as the order had to see to be "
                f"{percent} of them; null where the session trades less.",
                "VWAP of the first X / rate shares after arrival",
                citation="Kissell 2013",
                known_after=Known.END_OF_DATE,
                reads=(*FILLS, *TRADES),
            ),
            price,
        )
        yield Cost(
            _slippage(
                f"PwpSlippageBps{token(rate)}",
                f"Average price against that of a participation of {percent}, which may reach past the order's end.",
                "1e4·D·(P̄ − PWP) / PWP",
                "Kissell 2013",
                (*ORDERS, *TRADES),
                known_after=Known.END_OF_DATE,
            ),
            _paid(price),
        )


def _by_fill(options: TcaOptions) -> Iterator[Cost]:
    yield Cost(
        described(
            "SpreadCapture",
            Unit.RATIO,
            "Where in the spread the fills were, by shares: 1 at the near touch, 0 at the far one, beyond both where "
            "they were outside; fills at a locked or missing quote are left out.",
            "Σ q·c / Σ q, c = (A − p)/(A − B) to buy, (p − B)/(A − B) to sell",
            OVER_SIZE,
            sign="+ when inside the far touch",
            reads=(*ORDERS, *MIDS),
        ),
        pl.col("SpreadCapture"),
    )
    for i, horizon in enumerate(options.horizons):
        known_after = timedelta(microseconds=-(-parse_duration(horizon) // 1000))
        yield Cost(
            described(
                f"OrderMarkoutBps{horizon}",
                Unit.BPS,
                f"How far the mid was beyond the fills {horizon} later, by shares; it is small for fills that pushed "
                "the price and large for those that were late.",
                "Σ q·1e4·D·(M_{t+h} − p)/p / Σ q",
                OVER_SIZE,
                sign="+ when the price went on the order's way",
                known_after=known_after,
                reads=(*ORDERS, *MIDS),
            ),
            pl.col(f"Markout{i}"),
        )
        yield Cost(
            described(
                f"ReversionBps{horizon}",
                Unit.BPS,
                f"How far the mid came back within {horizon} of the last fill; news in between is in it too.",
                "1e4·D·(M_exit − M_{exit+h}) / M_exit",
                OVER_SIZE,
                sign="+ when the price came back",
                known_after=known_after,
                reads=("orders.Event", "orders.OrderSide", *MIDS),
            ),
            1e4 * BY_SIDE * ratio(pl.col("ExitMid") - pl.col(f"Reverted{i}"), pl.col("ExitMid")),
        )
