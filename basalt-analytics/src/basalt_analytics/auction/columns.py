"""Columns of `auction`: what each measure emits, described."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.metrics import FIRST, LAST, MAX, MIN, SUM, Empty, Known, mean
from basalt_analytics.groups import hidden_weight

PRICE, PAIRED = "imbalance.IndicativePrice", "imbalance.PairedQuantity"
SURPLUS = ("imbalance.ImbalanceQuantity", "imbalance.ImbalanceSide")
PRINTS = ("trades.Price", "trades.Size", "trades.TradeType")
LATE = timedelta(minutes=1)
BUYERS = "+ when buyers are left over"
BIAIS, OPENING = "Biais, Hillion & Spatt 1999", "Madhavan & Panchapagesan 2000"
PAGANO, CLOSING = "Pagano & Schwartz 2003", "Comerton-Forde & Rydge 2006"


def _said(name: str, unit: Unit, doc: str, formula: str, *reads: str, **more: Any) -> ResultColumn:
    """A column of what messages say, the value in force last over time."""
    return ResultColumn(name, unit, doc, formula=formula, reads=reads, **{"over_time": LAST, **more})


def _added(name: str, unit: Unit, doc: str, formula: str, *reads: str, **more: Any) -> ResultColumn:
    """A column that adds up."""
    return ResultColumn(name, unit, doc, formula=formula, reads=reads, over_time=SUM, empty=Empty.ZERO, **more)


def _weight(of: str, formula: str) -> ResultColumn:
    return hidden_weight(of, formula, PRINTS[1:])


MESSAGE_COUNT = _added(
    "MessageCount",
    Unit.COUNT,
    "Indications published in a phase; how many there are is the venue's schedule as much as the auction's news.",
    "n",
    "imbalance.EventTimestamp",
    dtype=pl.Int64,
    over_listings=SUM,
)

INDICATIVE = (
    _said(
        "IndicativeOpen",
        Unit.PRICE,
        "Indicative price in force when the bucket starts, else the first one in it; it binds nobody, and orders "
        "behind it may still be cancelled.",
        "p in force at the start, else the first",
        PRICE,
        over_time=FIRST,
        citation=BIAIS,
    ),
    _said(
        "IndicativeHigh",
        Unit.PRICE,
        "Highest indicative price in force in the bucket, the one carried into it included; one message is enough.",
        "max p",
        PRICE,
        over_time=MAX,
    ),
    _said(
        "IndicativeLow",
        Unit.PRICE,
        "Lowest indicative price in force in the bucket, the one carried into it included; one message is enough.",
        "min p",
        PRICE,
        over_time=MIN,
    ),
    _said(
        "IndicativeClose",
        Unit.PRICE,
        "Indicative price in force last in the bucket, carried in where nothing is published; null where the last "
        "message has none, whatever stood before.",
        "last p",
        PRICE,
        citation=BIAIS,
    ),
)

TWA = (
    ResultColumn(
        "IndicativeTWA",
        Unit.PRICE,
        "Indicative price averaged over the time it is in force; time without one is left out, so early buckets of a "
        "phase may rest on seconds.",
        over_time=mean("IndicativeCoverageSeconds"),
        formula="Σ Δt·p / Σ Δt",
        citation=BIAIS,
        reads=(PRICE,),
    ),
    _added(
        "IndicativeCoverageSeconds",
        Unit.SECONDS,
        "Time of the bucket in which an indicative price is in force: what is behind its average.",
        "Σ Δt where p is there",
        PRICE,
        over_listings=SUM,
    ),
)

PATH = (
    ResultColumn(
        "Path",
        Unit.PRICE,
        "How far the indicative price moves in all, up and down added; null until a phase has its first message, and "
        "finer where the venue publishes more often.",
        over_time=SUM,
        formula="Σ |p_i − p_{i−1}|, from the carried price on",
        reads=(PRICE,),
    ),
    ResultColumn(
        "ReturnBps",
        Unit.BPS,
        "Where the indicative price ends against where it began in the bucket; it says nothing of the way between.",
        formula="1e4·(Close/Open − 1)",
        sign="+ when it rises",
        reads=(PRICE,),
    ),
)

IMBALANCE = (
    _said(
        "PairedQuantity",
        Unit.SHARES,
        "Shares that would trade as told last; orders may still leave.",
        "last paired",
        PAIRED,
    ),
    _said(
        "ImbalanceQuantity",
        Unit.SHARES,
        "Shares left over at the indicative price as told last; 0 where nothing is, null where something is and its "
        "side is not told.",
        "last D·q, 0 where q = 0",
        *SURPLUS,
        sign=BUYERS,
        citation=OPENING,
    ),
    _said(
        "ImbalanceRatio",
        Unit.RATIO,
        "Buyers less sellers at the indicative price, as a share of both, from −1 to 1; small auctions reach either "
        "end with one order.",
        "s/(2·paired + |s|) = (buy − sell)/(buy + sell)",
        PAIRED,
        *SURPLUS,
        sign=BUYERS,
        citation=OPENING,
    ),
    _said(
        "ImbalanceToPaired",
        Unit.RATIO,
        "What is left over for each share that would trade; it has no bound, and is large where little would.",
        "s/paired",
        PAIRED,
        *SURPLUS,
        sign=BUYERS,
    ),
)

TO_REFERENCE = (
    _said(
        "ToReferenceBps",
        Unit.BPS,
        "Indicative price against the reference price of the same message; venues mean different prices by that.",
        "1e4·(Close/ReferencePrice − 1)",
        PRICE,
        "imbalance.ReferencePrice",
        sign="+ above the reference",
    ),
)

FINAL = (
    ResultColumn(
        "Price",
        Unit.PRICE,
        "Price at which the auction traded, in the bucket of its print; the average by volume where prints differ, "
        "which PriceConflict tells.",
        over_time=LAST,
        known_after=LATE,
        formula="Σ p·q / Σ q",
        citation=PAGANO,
        reads=PRINTS,
    ),
    _added(
        "Volume",
        Unit.SHARES,
        "Shares that auctions traded, in the bucket of their print; prints that come more than a minute after the "
        "phase are not among them.",
        "Σ q",
        *PRINTS,
        over_listings=SUM,
        known_after=LATE,
    ),
    ResultColumn(
        "PriceConflict",
        Unit.FLAG,
        "Whether one of these prints is at another price than the first of its phase: then something else is marked "
        "as an auction's.",
        dtype=pl.Boolean,
        over_time=MAX,
        over_listings=MAX,
        known_after=LATE,
        formula="any p ≠ the phase's first",
        reads=PRINTS,
    ),
)

ERROR = (
    _said(
        "IndicativeErrorBps",
        Unit.BPS,
        "How far the indicative price was from what the phase came to; it looks back from there, so that it is of no "
        "use while the auction is on.",
        "1e4·(Close/price of the phase − 1)",
        PRICE,
        *PRINTS,
        sign="+ when it was too high",
        known_after=Known.END_OF_DATE,
        citation=BIAIS,
    ),
)

DISLOCATION = (
    ResultColumn(
        "DislocationBps",
        Unit.BPS,
        "How far from the reference the auction traded, either way; news that comes between the two is in it.",
        over_listings=mean("DislocationBpsWeight"),
        formula="1e4·|price/reference − 1|",
        citation=CLOSING,
    ),
    _weight("DislocationBps", "Σ q of the auction"),
    ResultColumn(
        "DislocationSignedBps",
        Unit.BPS,
        "The same with its sign: over many auctions, whether they trade above or below.",
        over_listings=mean("DislocationSignedBpsWeight"),
        formula="1e4·(price/reference − 1)",
        citation=CLOSING,
        sign="+ above the reference",
    ),
    _weight("DislocationSignedBps", "Σ q of the auction"),
)

SHARE = (
    ResultColumn(
        "VolumeShare",
        Unit.RATIO,
        "Share of the date's volume that its auctions traded, in the bucket of its last trade; off-book volume is in "
        "the denominator where the source has it.",
        over_time=mean("VolumeShareWeight"),
        over_listings=mean("VolumeShareWeight"),
        known_after=Known.END_OF_DATE,
        formula="Σ q of auctions / Σ q",
        citation=PAGANO,
        reads=PRINTS,
    ),
    _weight("VolumeShare", "Σ q"),
)

OF_MEASURE: Mapping[str, Sequence[ResultColumn]] = {
    "Indicative": INDICATIVE,
    "IndicativeTWA": TWA,
    "Path": PATH,
    "Imbalance": IMBALANCE,
    "ToReference": TO_REFERENCE,
    "Final": FINAL,
    "IndicativeError": ERROR,
    "Dislocation": DISLOCATION,
    "Share": SHARE,
}


def dislocation(reads: Sequence[str], lag: timedelta) -> list[ResultColumn]:
    """Its columns, with what the reference is read from, and how long after the uncross all of it is known."""
    known = max(LATE, lag)
    return [c if c.hidden else attrs.evolve(c, reads=(*PRINTS, *reads), known_after=known) for c in DISLOCATION]
