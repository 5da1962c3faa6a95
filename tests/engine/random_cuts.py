"""Random tiny markets, pipelines over them, and ways to cut the run: what hypothesis draws.

Stamps are few, so that rows are often equal in time and on the edges of buckets; listings come and go from date to
date; values are missing; every table may be empty. Rows of one listing and stamp are numbered as they are drawn.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

import attrs
import polars as pl
from hypothesis import strategies as st
from small import day

from basalt.tables import AGGRESSOR, NS_UTC, STATE

SCHEMAS: dict[str, dict[str, Any]] = {
    "trades": {
        "Price": pl.Float64,
        "Size": pl.Float64,
        "AggressorSide": AGGRESSOR,
        "IsCancelled": pl.Boolean,
        "Venue": pl.String,
    },
    "l2": {f"{side}{what}1": pl.Float64 for side in ("Bid", "Ask") for what in ("Price", "Quantity")},
    "marketstate": {"MarketState": STATE},
}
VALUES = {
    "trades": st.tuples(
        st.sampled_from([100.0, 100.5, 101.25, 99.75, -1.0, None]),
        st.sampled_from([1.0, 2.0, 5.0, 700.0, 0.0, None]),
        st.sampled_from(["Buy", "Sell", None]),
        st.sampled_from([False, False, False, True, None]),
        st.sampled_from(["X", "Y", None]),
    ),
    "l2": st.tuples(
        st.sampled_from([99.0, 99.5, 100.0, None]),
        st.sampled_from([10.0, 20.0, 0.0, None]),
        st.sampled_from([100.0, 100.5, 99.0, None]),
        st.sampled_from([10.0, 30.0, None]),
    ),
    "marketstate": st.tuples(
        st.sampled_from(["CONTINUOUS_TRADING", "CONTINUOUS_TRADING", "HALTED", "OPENING_AUCTION", "CLOSED", None])
    ),
}
STAMPS = st.one_of(
    st.integers(0, 40).map(lambda n: n * 10 * 10**9),
    st.integers(0, 40).map(lambda n: n * 10 * 10**9 + 1),
    st.integers(0, 400 * 10**9),
)
INTEGERS, TEXTS = (pl.Int64, [3, 1, 20, 100]), (pl.String, ["B", "a", "B1", "Z"])
Rows = Sequence[tuple[Any, ...]]


@attrs.frozen
class Market:
    """`rows`: by date and table, tuples of listing, nanoseconds after nine, values."""

    dtype: Any
    listings: Sequence[Any]
    instruments: Sequence[int | None]
    rows: dict[tuple[date, str], Rows]

    @property
    def dates(self) -> list[date]:
        """Ascending."""
        return sorted({on for on, _ in self.rows})

    @property
    def tables(self) -> list[str]:
        """Those of events."""
        return sorted({table for _, table in self.rows})


@attrs.frozen
class Cut:
    """How a run is cut. `memory`: by pass, in bytes. `order`: of the rows in the files; `seed`: of a shuffled one.
    `halves`: into two universes. `stops`: events after which each run is interrupted, before the one that ends."""

    memory: dict[str, int]
    order: str = "sorted"
    seed: int = 0
    parts: int = 1
    row_group: int = 1000
    by_date: bool = False
    halves: bool = False
    stops: tuple[int, ...] = ()


@st.composite
def markets(draw: st.DrawFn) -> Market:
    """Up to four listings of up to three instruments on up to three dates, up to 20 rows a table."""
    dtype, names = draw(st.sampled_from([INTEGERS, TEXTS]))
    listings = names[: draw(st.integers(0, 4))]
    instruments = [draw(st.sampled_from([1, 1, 2, 3])) for _ in listings]
    tables = ["trades", "l2", *draw(st.sampled_from([["marketstate"], []]))]
    rows = {}
    for n in range(draw(st.integers(1, 3))):
        there = [each for each in listings if draw(st.integers(0, 4))]
        for table in tables:
            count = draw(st.integers(0, 20)) if there else 0
            row = st.tuples(st.sampled_from(there or [None]), STAMPS, VALUES[table])
            drawn = draw(st.lists(row, min_size=count, max_size=count))
            rows[day(n), table] = [(listing, stamp, *values) for listing, stamp, values in drawn]
    return Market(dtype, listings, instruments, rows)


@st.composite
def pipelines(draw: st.DrawFn, market: Market) -> list[dict[str, Any]]:
    """Passes of every scope, over buckets and timelines of all kinds."""
    session = {"start": "09:00:30", "end": "09:06:10"}
    kinds = ["sparse", "dense", "daily"]
    timeline = draw(st.sampled_from(kinds))
    hours = (timeline == "dense" and "marketstate" not in market.tables) or draw(st.booleans())
    bars: dict[str, Any] = {"name": "bars", "timeline": timeline, "modules": [TRADE, L2]}
    if hours:
        bars["session"] = session
    if timeline != "daily":
        bars["every"] = draw(st.sampled_from(["1m", "30s", "90s", "7s"]))
        bars |= {
            "label": draw(st.sampled_from(["end", "start"])),
            "closed": draw(st.sampled_from(["right", "left"])),
            "origin": draw(st.sampled_from(["00:00", "00:00:20"])),
        }
    if timeline == "dense":
        bars["halts"] = draw(st.sampled_from(["drop", "keep"]))
    if "marketstate" in market.tables:
        bars["market_states"] = draw(st.sampled_from(["CONTINUOUS_TRADING", ["CONTINUOUS_TRADING", "HALTED"], "all"]))
    venues = {**bars, "name": "venues", "keys": ["ListingId", "Venue"], "modules": [TRADE], "halts": "drop"}
    if timeline == "dense":
        venues["timeline"] = "sparse"
    there = {"timeline": timeline, **({"session": session} if hours and timeline != "sparse" else {})}
    rows: dict[str, Any] = draw(st.sampled_from([{}, {"timeline": "sparse"}, there]))
    readers = [
        {"name": "usual", **rows, "modules": [{"module": "usual", "source": "bars"}]},
        {"name": "rank", "modules": [{"module": "rank", "source": "bars"}]},
        {"name": "share", "every": "1m", "modules": [{"module": "share"}]},
        venues,
    ]
    chosen = draw(st.lists(st.sampled_from(range(len(readers))), unique=True, max_size=2))
    found = [bars, *(readers[i] for i in sorted(chosen))]
    if draw(st.booleans()):
        found += _with_side_output(draw(st.booleans()))
    if timeline != "daily" and draw(st.booleans()):
        found += _resampled(bars["every"], draw(st.booleans()))
    return found


def _with_side_output(published: bool) -> list[dict[str, Any]]:
    """A pass with a side output and one that reads it in the place of trades."""
    lead = {"name": "lead", "every": "1m", "modules": [{"module": "lead"}], **({} if published else {"outputs": []})}
    trades = [{"module": "trade", "tables": {"trades": "lead:leading"}}]
    return [lead, {"name": "leaders", "every": "1m", "modules": trades}]


def _resampled(every: str, published: bool) -> list[dict[str, Any]]:
    """A pass of five bars each and one of two of those; the first need not be published, and is computed again where
    the second one is."""
    five, ten = {"1m": ("5m", "10m"), "30s": ("150s", "5m"), "90s": ("450s", "15m"), "7s": ("35s", "70s")}[every]
    quarter = {"name": "quarter", "every": five, "modules": [{"module": "generic", "source": "bars"}]}
    half = {"name": "half", "every": ten, "modules": [{"module": "generic", "source": "quarter"}]}
    return [{**quarter, **({} if published else {"outputs": []})}, half]


TRADE = {
    "module": "trade",
    "generic": [
        {"measures": ["Volume", "VWAP", "OHLC", "Count"], "sides": ["Total", "Buy", "Unknown"]},
        {"measures": ["OHLC"], "open_mode": "prev_close", "name": "Chained{measure}"},
    ],
}
L2 = {
    "module": "l2",
    "levels": 1,
    "book": [{"measures": ["Price", "Quantity"], "aggregations": ["Last", "Mean"]}],
    "ohlc": [{"sources": ["Mid"], "open_mode": "prev_close"}],
}


@st.composite
def cuts(draw: st.DrawFn) -> Cut:
    """Any of the ways, together."""
    sizes = st.sampled_from([1, 20_000, 100_000, 10**6, 10**8])
    passes = ("bars", "quarter", "half", "usual", "share", "lead", "leaders", "venues")
    return Cut(
        {name: draw(sizes) for name in passes},
        draw(st.sampled_from(["sorted", "by time", "shuffled"])),
        draw(st.integers(0, 99)),
        draw(st.integers(1, 3)),
        draw(st.sampled_from([1, 3, 1000])),
        draw(st.booleans()),
        draw(st.booleans()),
        tuple(draw(st.lists(st.integers(1, 30), max_size=2))),
    )


def write(market: Market, cut: Cut, root: Path) -> None:
    """The market's files, as that cut has them."""
    for (on, table), rows in market.rows.items():
        folder = root / table / f"date={on}"
        folder.mkdir(parents=True)
        frame = _ordered(_frame(market, on, table, rows), cut)
        height = max(1, -(-frame.height // cut.parts))
        for part in range(cut.parts):
            file = folder / f"part-{part}.parquet"
            frame.slice(part * height, height).write_parquet(file, row_group_size=cut.row_group)
    columns = {"ListingId": market.listings, "InstrumentId": market.instruments}
    pl.DataFrame(columns, {"ListingId": market.dtype, "InstrumentId": pl.Int64}).write_parquet(
        root / "reference.parquet"
    )


def _frame(market: Market, on: date, table: str, rows: Rows) -> pl.DataFrame:
    """The rows by listing and time, those of one stamp as they were drawn, and numbered so."""
    schema = {"ListingId": market.dtype, "Nanoseconds": pl.Int64, **SCHEMAS[table]}
    nine = pl.lit(datetime(on.year, on.month, on.day, 9, tzinfo=UTC), NS_UTC)
    frame = pl.DataFrame(rows, schema=schema, orient="row").sort("ListingId", "Nanoseconds", maintain_order=True)
    stamp = (nine + pl.duration(nanoseconds="Nanoseconds", time_unit="ns")).cast(NS_UTC).alias("EventTimestamp")
    number = pl.int_range(pl.len()).over("ListingId").alias("SequenceNo")
    return frame.select("ListingId", stamp, number, *SCHEMAS[table])


def _ordered(frame: pl.DataFrame, cut: Cut) -> pl.DataFrame:
    if cut.order == "sorted":
        return frame
    if cut.order == "by time":
        return frame.sort("EventTimestamp", maintain_order=True)
    places = list(range(frame.height))
    Random(cut.seed).shuffle(places)
    return frame[places]


def universes(market: Market) -> dict[str, list[Any]]:
    """Two halves of the listings, that part instruments."""
    return {"even": list(market.listings[::2]), "odd": list(market.listings[1::2])}
