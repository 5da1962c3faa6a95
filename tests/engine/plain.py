"""The five passes again, slowly: some of their columns, in plain Python over one date's rows at a time.

Buckets end at their label and hold what is behind their start; a bucket is a row of `bars` where the continuous
session overlaps it. Values are dicts by (listing, label).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import market

Row = dict[str, Any]
Key = tuple[int, datetime]
Bars = Mapping[Key, Row]
BARS = ["TradeTotalVolume", "TradeTotalCount", "TradeTotalVWAP", "TradeUnknownVolume", "TradeTotalLow", "ChainedClose"]
COLUMNS = {
    "bars": BARS,
    "quarter": BARS[:-1],
    "usual": ["UsualVolume", "UsualDates"],
    "rank": ["VolumeRank"],
    "share": ["InstrumentShare"],
}


def passes() -> dict[str, dict[tuple[date, Key], Row]]:
    """By pass, its rows of all dates."""
    bars = {day: _bars(day) for day in market.DATES}
    found: dict[str, dict[tuple[date, Key], Row]] = {name: {} for name in COLUMNS}
    for i, day in enumerate(market.DATES):
        before = [bars[each] for each in market.DATES[max(0, i - 2) : i]]
        made = (bars[day], _quarter(bars[day]), _usual(bars[day], before), _rank(bars[day]), _share(day))
        for name, rows in zip(COLUMNS, made, strict=True):
            found[name] |= {(day, key): row for key, row in rows.items()}
    return found


def _stretches(listing: int, day: date) -> list[tuple[datetime, datetime]]:
    nine = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    start, end = nine + timedelta(seconds=20), nine + timedelta(minutes=28)
    if listing != market.HALTED:
        return [(start, end)]
    return [(start, nine + timedelta(minutes=10, seconds=20)), (nine + timedelta(minutes=14, seconds=40), end)]


def _label(stamp: datetime, minutes: int) -> datetime:
    """The end of the bucket: a stamp on the grid is in the bucket that ends there."""
    whole = stamp.replace(second=0, microsecond=0)
    whole -= timedelta(minutes=whole.minute % minutes)
    return whole if whole == stamp else whole + timedelta(minutes=minutes)


def _trades(day: date) -> Iterator[Row]:
    yield from market.tables(day)["trades"].sort("ListingId", "EventTimestamp", "SequenceNo").to_dicts()


def _bars(day: date) -> Bars:
    rows: dict[Key, Row] = {}
    trades: dict[Key, list[Row]] = defaultdict(list)
    for trade in _trades(day):
        stretches = _stretches(trade["ListingId"], day)
        if any(start <= trade["EventTimestamp"] < end for start, end in stretches):
            trades[trade["ListingId"], _label(trade["EventTimestamp"], 1)].append(trade)
    for listing in market.LISTINGS:
        for start, end in _stretches(listing, day):
            close, label = None, _label(start, 1)
            while label - timedelta(minutes=1) < end:
                inside = [t for t in trades[listing, label] if start <= t["EventTimestamp"] < end]
                close = inside[-1]["Price"] if inside else close
                rows[listing, label] = {**_bar(inside), "ChainedClose": close}
                label += timedelta(minutes=1)
    return rows


def _bar(trades: Sequence[Row]) -> Row:
    volume = sum(t["Size"] for t in trades)
    return {
        "TradeTotalVolume": volume,
        "TradeTotalCount": len(trades),
        "TradeTotalVWAP": sum(t["Price"] * t["Size"] for t in trades) / volume if volume else None,
        "TradeUnknownVolume": sum(t["Size"] for t in trades if t["AggressorSide"] is None),
        "TradeTotalLow": min((t["Price"] for t in trades), default=None),
    }


def _quarter(bars: Bars) -> dict[Key, Row]:
    cells: dict[Key, list[Row]] = defaultdict(list)
    for (listing, label), row in bars.items():
        cells[listing, _label(label, 5)].append(row)
    return {key: _resampled(rows) for key, rows in cells.items()}


def _resampled(rows: Sequence[Row]) -> Row:
    volume = sum(r["TradeTotalVolume"] for r in rows)
    notional = sum(r["TradeTotalVWAP"] * r["TradeTotalVolume"] for r in rows if r["TradeTotalVolume"])
    return {
        "TradeTotalVolume": volume,
        "TradeTotalCount": sum(r["TradeTotalCount"] for r in rows),
        "TradeTotalVWAP": notional / volume if volume else None,
        "TradeUnknownVolume": sum(r["TradeUnknownVolume"] for r in rows),
        "TradeTotalLow": min((r["TradeTotalLow"] for r in rows if r["TradeTotalCount"]), default=None),
    }


def _usual(bars: Bars, before: Sequence[Bars]) -> dict[Key, Row]:
    at_clock = [{(n, label.time()): row["TradeTotalVolume"] for (n, label), row in day.items()} for day in before]
    found = {}
    for listing, label in bars:
        there = [day[listing, label.time()] for day in at_clock if (listing, label.time()) in day]
        mean = sum(there) / len(there) if there else None
        found[listing, label] = {"UsualVolume": mean, "UsualDates": len(there)}
    return found


def _rank(bars: Bars) -> dict[Key, Row]:
    volumes: dict[datetime, list[float]] = defaultdict(list)
    for (_, label), row in bars.items():
        volumes[label].append(row["TradeTotalVolume"])
    return {
        (listing, label): {"VolumeRank": 1 + sum(v > row["TradeTotalVolume"] for v in volumes[label])}
        for (listing, label), row in bars.items()
    }


def _share(day: date) -> dict[Key, Row]:
    own: dict[Key, float] = defaultdict(float)
    whole: dict[tuple[Any, datetime], float] = defaultdict(float)
    instruments = dict(zip(market.LISTINGS, market.INSTRUMENTS, strict=True))
    for trade in _trades(day):
        label = _label(trade["EventTimestamp"], 1)
        own[trade["ListingId"], label] += trade["Size"]
        whole[instruments[trade["ListingId"]], label] += trade["Size"]
    return {
        (listing, label): {"InstrumentShare": size / whole[instruments[listing], label]}
        for (listing, label), size in own.items()
    }
