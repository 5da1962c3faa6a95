"""The cleaning rules of TAQ's trades and quotes, in the order they are applied; `taq` says what each leaves out.

*Steps* are the rows after each rule that is set, by the option that sets it; the first entry is what the files have.
A *neighbour* of a row is one of the 25 rows of its listing before it or of the 25 behind it, in the order of time.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import attrs
import polars as pl

from basalt_io.sources.taq_files import QUOTE_NUMBERS, TRADE_NUMBERS, TRADE_TEXTS, Clock, rows

KEYS = ("ListingId", "EventTimestamp")
BID, ASK = pl.col("BID"), pl.col("ASK")
OFF_EXCHANGE = "D"  # FINRA's facilities
SIDE = 25  # neighbours before a row, and as many behind it
_BLOCK = 65_536  # rows whose neighbours are laid side by side at once
_TOLERANCE = 1e-9  # of prices that ought to be equal

Steps = list[tuple[str, pl.LazyFrame]]
Rule = Callable[[pl.LazyFrame], pl.LazyFrame]


@attrs.frozen
class Cleaning:
    """What of the rows is kept; `hours` in nanoseconds after midnight, both ends included."""

    exchanges: tuple[str, ...]
    main_exchange: bool
    hours: tuple[int, int] | None
    drop_zeros: bool
    conditions: str | None
    drop_crossed: bool
    max_spread: float | None
    merge: bool
    outliers: float | None
    outside_quotes: float | None
    lot: float


@attrs.frozen
class Day:
    """The files of a date. Where a rule for one kind needs the other, both are there."""

    trades: Sequence[Path]
    quotes: Sequence[Path]
    clock: Clock


def trades(day: Day, keep: Cleaning) -> Steps:
    """Prints; those that were corrected stay until they are merged, and take no part in rules about prices."""
    found = pl.concat([rows(file, day.clock, TRADE_NUMBERS, TRADE_TEXTS) for file in day.trades])
    stands, merge = corrected().not_(), partial(_merged, medians=("PRICE",), sums=("SIZE",))
    rules: list[tuple[bool, str, Rule]] = [
        (keep.drop_zeros, "drop_zeros", lambda rows: rows.filter(pl.col("PRICE") != 0)),
        *_where_and_when(day, keep),
        (keep.merge, "corrections", lambda rows: rows.filter(stands)),
        (keep.conditions is not None, "conditions", lambda rows: rows.filter(_ordinary(keep.conditions))),
        (keep.merge, "merge", merge),
        (keep.outliers is not None, "outliers", _without_outliers(pl.col("PRICE"), stands, keep.outliers)),
        (keep.outside_quotes is not None, "outside_quotes", lambda rows: _inside(rows, stands, day, keep)),
    ]
    return _applied(_listed(found), rules)


def quotes(day: Day, keep: Cleaning) -> Steps:
    """Each exchange's best quotes."""
    found = pl.concat([rows(file, day.clock, QUOTE_NUMBERS, {}) for file in day.quotes])
    spread, both, most = ASK - BID, (BID > 0) & (ASK > 0), keep.max_spread or 0.0
    merge = partial(_merged, medians=("BID", "ASK"), sums=("BIDSIZ", "ASKSIZ"))
    rules: list[tuple[bool, str, Rule]] = [
        (keep.drop_zeros, "drop_zeros", lambda rows: rows.filter(BID != 0, ASK != 0)),
        *_where_and_when(day, keep),
        (keep.drop_crossed, "drop_crossed", lambda rows: rows.filter(spread > 0)),
        (keep.max_spread is not None, "max_spread", lambda rows: rows.filter(spread < most * _usual(spread))),
        (keep.merge, "merge", merge),
        (keep.outliers is not None, "outliers", _without_outliers((BID + ASK) / 2, both, keep.outliers)),
    ]
    return _applied(_listed(found), rules)


def listed(day: Day, keep: Cleaning) -> pl.LazyFrame:
    """SYMBOL, EX and ListingId of the date's trades and quotes on exchanges that are kept."""
    every = [rows(file, day.clock, TRADE_NUMBERS, {}).select("SYMBOL", "EX") for file in day.trades]
    every += [rows(file, day.clock, QUOTE_NUMBERS, {}).select("SYMBOL", "EX") for file in day.quotes]
    rules = [rule for rule in _where_and_when(day, keep) if rule[1] != "hours"]
    return _applied(_listed(pl.concat(every)).unique(), rules)[-1][1]


def corrected() -> pl.Expr:
    """Whether a trade was corrected away; never where trades are merged."""
    return pl.col("CORR").fill_null("0").cast(pl.Int64) != 0


def _listed(found: pl.LazyFrame) -> pl.LazyFrame:
    return found.with_columns(ListingId=pl.col("SYMBOL") + "." + pl.col("EX"))


def _applied(found: pl.LazyFrame, rules: Sequence[tuple[bool, str, Rule]]) -> Steps:
    steps = [("", found)]
    for is_set, option, rule in rules:
        if is_set:
            steps.append((option, rule(steps[-1][1])))
    return steps


def _where_and_when(day: Day, keep: Cleaning) -> list[tuple[bool, str, Rule]]:
    since = pl.col("EventTimestamp").cast(pl.Int64) - day.clock.midnight
    within = since.is_between(*keep.hours) if keep.hours is not None else pl.lit(True)
    return [
        (keep.hours is not None, "hours", lambda rows: rows.filter(within)),
        (bool(keep.exchanges), "exchanges", lambda rows: rows.filter(pl.col("EX").is_in(keep.exchanges))),
        (keep.main_exchange, "main_exchange", lambda rows: _on_main_exchange(rows, day, keep)),
    ]


def _on_main_exchange(found: pl.LazyFrame, day: Day, keep: Cleaning) -> pl.LazyFrame:
    """Rows of the exchange on which most shares of the security were traded; the first letter of several."""
    prints = pl.concat([rows(file, day.clock, TRADE_NUMBERS, {"CORR": TRADE_TEXTS["CORR"]}) for file in day.trades])
    of = [pl.col("EX").is_in(keep.exchanges)] if keep.exchanges else []
    traded = (
        prints.filter(pl.col("EX") != OFF_EXCHANGE, ~corrected(), *of)
        .group_by("SYMBOL", "EX")
        .agg(pl.col("SIZE").sum())
    )
    main = traded.sort("SIZE", "EX", descending=[True, False]).unique("SYMBOL", keep="first", maintain_order=True)
    return found.join(main.select("SYMBOL", "EX"), on=["SYMBOL", "EX"], how="semi", maintain_order="left")


def _ordinary(letters: str | None) -> pl.Expr:
    return pl.col("COND").fill_null("").str.strip_chars(f"{letters} ") == ""


def _usual(spread: pl.Expr) -> pl.Expr:
    return spread.median().over("ListingId")


def _merged(found: pl.LazyFrame, medians: Sequence[str], sums: Sequence[str]) -> pl.LazyFrame:
    """One row a stamp of a listing."""
    return found.group_by(KEYS, maintain_order=True).agg(
        pl.col("SYMBOL", "EX").first(),
        pl.col(medians).median(),
        pl.col(sums).sum(),
        *(pl.lit(None, pl.String).alias(name) for name in TRADE_TEXTS if "PRICE" in medians),
    )


def _without_outliers(value: pl.Expr, stands: pl.Expr, most: float | None) -> Rule:
    """Rows no further from their neighbours' median than `most` of their mean absolute deviations from it."""
    check = partial(_near, value=value, stands=stands, most=most or 0.0)
    return lambda found: found.map_batches(check, predicate_pushdown=False, projection_pushdown=False)


def _near(found: pl.DataFrame, value: pl.Expr, stands: pl.Expr, most: float) -> pl.DataFrame:
    rows = found.with_row_index("Row").filter(stands)
    series = rows.sort(KEYS, maintain_order=True).select("Row", Value=value, Listing=pl.col("ListingId").rle_id())
    far = [_far(series, start, most) for start in range(0, series.height, _BLOCK)]
    if not far:
        return found
    return found.with_row_index("Row").join(pl.concat(far), on="Row", how="anti", maintain_order="left").drop("Row")


def _far(series: pl.DataFrame, start: int, most: float) -> pl.DataFrame:
    """Row of what is too far from its neighbours, in one block; a row with fewer than 25 of them is never."""
    first = max(start - SIDE, 0)
    listing, value, median = pl.col("Listing"), pl.col("Value"), pl.col("Median")
    around = [pl.when(listing.shift(k) == listing).then(value.shift(k)).alias(f"{k}") for k in _AROUND]
    away = pl.mean_horizontal((pl.col(name) - median).abs() for name in _NAMES)
    near = most * pl.col("Away") + _TOLERANCE * median.abs()
    judged = pl.sum_horizontal(pl.col(name).is_not_null() for name in _NAMES) >= SIDE
    block = series.slice(first, start - first + _BLOCK + SIDE).with_columns(around)
    found = block.with_columns(Median=pl.concat_arr(_NAMES).arr.to_list().list.median()).with_columns(Away=away)
    return found.slice(start - first, _BLOCK).filter(judged, (value - median).abs() > near).select("Row")


_AROUND = [k for k in range(-SIDE, SIDE + 1) if k]
_NAMES = [f"{k}" for k in _AROUND]


def _inside(found: pl.LazyFrame, stands: pl.Expr, day: Day, keep: Cleaning) -> pl.LazyFrame:
    """Trades at most so many spreads outside the best quotes in force; all where these are not there, or crossed."""
    best = quotes(day, keep)[-1][1].map_batches(_best, schema=_BEST, predicate_pushdown=False)
    rows = found.with_row_index("Row").sort("EventTimestamp", maintain_order=True)
    quoted = rows.join_asof(best, on="EventTimestamp", by="SYMBOL", check_sortedness=False).sort("Row")
    bid, ask, price = pl.col("BestBid"), pl.col("BestAsk"), pl.col("PRICE")
    room = (keep.outside_quotes or 0.0) * (ask - bid) + _TOLERANCE * price
    outside = (stands & (ask >= bid) & ((price > ask + room) | (price < bid - room))).fill_null(value=False)
    return quoted.filter(~outside).drop("Row", *_BEST.keys() - {"SYMBOL", "EventTimestamp"})


_BEST = pl.Schema(
    {"SYMBOL": pl.String, "EventTimestamp": pl.Datetime("ns", "UTC"), "BestBid": pl.Float64, "BestAsk": pl.Float64}
)


def _best(found: pl.DataFrame) -> pl.DataFrame:
    """The highest bid and the lowest ask that stand on the exchanges after each stamp; null where none does."""
    letters = found["EX"].unique().sort()
    none = {"BID": 0.0, "ASK": float("inf")}
    standing = [
        pl.when(pl.col("EX") == letter)
        .then(pl.when(pl.col(side) > 0).then(side).otherwise(none[side]))
        .forward_fill()
        .over("SYMBOL")
        .alias(f"{side}{letter}")
        for letter in letters
        for side in none
    ]
    bid = pl.max_horizontal([f"BID{letter}" for letter in letters] or [pl.lit(0.0)])
    ask = pl.min_horizontal([f"ASK{letter}" for letter in letters] or [pl.lit(0.0)])
    stood = found.sort("EventTimestamp", maintain_order=True).with_columns(standing)
    return stood.select(
        "SYMBOL",
        "EventTimestamp",
        BestBid=pl.when(bid > 0).then(bid),
        BestAsk=pl.when(ask < none["ASK"]).then(ask),
    ).unique(["SYMBOL", "EventTimestamp"], keep="last", maintain_order=True)
