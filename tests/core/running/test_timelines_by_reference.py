"""Timelines on random days against plain Python written from l2 §2: which rows there are and what fills them.

Time is whole seconds after nine; buckets are 10 seconds wide. Stamps are drawn so that many lie on edges.
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import inf

import attrs
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import basalt
from basalt import Metric, Unit
from basalt.metrics import Empty
from basalt.modules import BucketModule, Part, Rows
from basalt.testing.days import DAYS

C, H, A = "CONTINUOUS_TRADING", "HALTED", "CLOSING_AUCTION"
NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
W = 10
OPEN_STATES = {"all": {C, H, A, "UNKNOWN"}, C: {C}, "both": {C, A}}
COLUMNS = ("Volume", "Held", "Most")


@attrs.frozen
class Case:
    """One day of one listing, and the keys of the pass. `changes` (second, state) and `trades` (second, price, size)
    are in order."""

    changes: list[tuple[int, str]]
    trades: list[tuple[int, float | None, int]]
    states: str
    closed: str
    label: str
    keep: bool
    session: tuple[int, int] | None

    @property
    def admissible(self) -> set[str]:
        return OPEN_STATES[self.states]

    def bucket(self, t: int) -> int:
        """Start of the bucket that holds t."""
        return (t - (self.closed == "right")) // W * W if self.closed == "left" or t % W == 0 else t // W * W

    def state(self, t: int) -> str:
        known = [state for at, state in self._told() if at <= t]
        return known[-1] if known else "UNKNOWN"

    def _told(self) -> list[tuple[int, str]]:
        """The changes, and the close at the session's end if nothing is told behind it."""
        late = self.changes and self.session and self.changes[-1][0] < self.session[1]
        return [*self.changes, *([(self.session[1], "CLOSED")] if late and self.session else [])]

    def runs(self, states: set[str], unknown: bool) -> list[tuple[float, float]]:
        """[start, end) of unbroken runs; `unknown`: the time before the first change is one too."""
        told = list(dict(self._told()).items())
        edges = [(-inf, "UNKNOWN")] * unknown + [(float(t), s) for t, s in told] + [(inf, "")]
        found: list[tuple[float, float]] = []
        for (start, state), (end, _) in pairwise(edges):
            if state not in states:
                continue
            if found and found[-1][1] == start:
                found[-1] = (found[-1][0], end)
            else:
                found.append((start, end))
        return found

    @property
    def counted(self) -> list[tuple[int, float | None, int]]:
        return [row for row in self.trades if self.state(row[0]) in self.admissible]

    @property
    def touched(self) -> set[int]:
        return {self.bucket(t) for t, _, _ in self.counted}

    @property
    def dense(self) -> list[int]:
        open_ = self.admissible | ({H} if self.keep else set())
        runs = self.runs(open_, unknown=False)
        if self.states == "all" and runs:
            runs = [(runs[0][0], runs[-1][1])]
        last = max((start + W for start in self.touched), default=-inf)
        ended = [(start, last if end == inf else end) for start, end in runs]
        every = range(-20 * W, 40 * W, W)
        return sorted(self.touched | {b for b in every for s, e in ended if min(e, b + W) > max(s, b)})

    def stretch(self, start: int) -> tuple[float, float] | None:
        """The last stretch a bucket overlaps, else the one that begins at its end."""
        if self.states == "all":
            return (-inf, inf)
        runs = self.runs(self.admissible, unknown=True)
        over = [run for run in runs if min(run[1], start + W) > max(run[0], start)]
        return over[-1] if over else next((run for run in runs if run[0] == start + W), None)

    def values(self, start: int) -> tuple[float, float | None, float | None]:
        """Volume, Held and Most of prints above one share."""
        own = [row for row in self.counted if row[2] > 1 and self.bucket(row[0]) == start]
        if own:
            return sum(size for *_, size in own), own[-1][1], max((p for _, p, _ in own if p is not None), default=None)
        before = [row for row in self.counted if row[2] > 1 and self.bucket(row[0]) < start]
        if not before or self.states == "all":
            return 0, before[-1][1] if before else None, None
        stretch, row = self.stretch(start), before[-1]
        same = stretch is not None and stretch[0] <= row[0] < stretch[1]
        return 0, row[1] if same else None, None


seconds = st.one_of(st.integers(0, 120), st.integers(0, 12).map(lambda k: k * W))
cases = st.builds(
    Case,
    changes=st.lists(st.tuples(seconds, st.sampled_from([C, C, H, A, "CLOSED"])), min_size=1, max_size=6).map(
        lambda found: sorted(found, key=lambda one: one[0])
    ),
    trades=st.lists(
        st.tuples(seconds, st.sampled_from([None, 1.0, 2.0, 3.0]), st.integers(1, 3)), min_size=1, max_size=8
    ).map(lambda found: sorted(found, key=lambda one: one[0])),
    states=st.sampled_from(list(OPEN_STATES)),
    closed=st.sampled_from(["right", "left"]),
    label=st.sampled_from(["end", "start"]),
    keep=st.booleans(),
    session=st.one_of(st.none(), st.tuples(st.integers(0, 5), st.integers(6, 13)).map(lambda s: (s[0] * W, s[1] * W))),
)


def run(case, events, module, **options):
    """{start of bucket: values} of the pass."""
    options |= {"closed": case.closed, "label": case.label, "date": NINE.date()}
    if case.session:
        edges = [(NINE + timedelta(seconds=s)).strftime("%H:%M:%S") for s in case.session]
        options["session"] = dict(zip(("start", "end"), edges, strict=True))
    options["market_states"] = [C, A] if case.states == "both" else case.states
    tables = {
        "trades": events("Price Size", *((1, *row) for row in case.trades)),
        "marketstate": events("MarketState", *((1, *change) for change in case.changes)),
    }
    found = basalt.compute(module, every="10s", **options, **tables)
    shift = W if case.label == "end" else 0
    since = (pl.col("TimeBucket") - NINE).dt.total_seconds() - shift
    return {row[0]: row[1:] for row in found.select(since, *COLUMNS).rows()}


@pytest.fixture(scope="module")
def module():
    """Prints above one share: volume (ZERO), last price (CARRY), highest price (NULL)."""
    price = pl.col("Price")
    metrics = [
        Metric("Volume", pl.col("Size").sum(), Unit.SHARES, "Volume.", empty=Empty.ZERO),
        Metric("Held", price.last(), Unit.PRICE, "Last price.", empty=Empty.CARRY),
        Metric("Most", price.max(), Unit.PRICE, "Highest price."),
    ]
    parts = [Part(Rows("trades"), metrics, where=pl.col("Size") > 1)]
    return type("large", (BucketModule,), {"name": "large", "table": "trades", "parts": lambda self: parts})


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(case=cases)
def test_dense_and_sparse_rows_are_the_reference_s(case, events, module):
    """Every value of every row; and sparse rows are dense rows."""
    halts = {"halts": "keep"} if case.keep else {}
    dense = run(case, events, module, timeline="dense", **halts)
    assert dense == {start: case.values(start) for start in case.dense}
    sparse = run(case, events, module)
    assert sparse == {start: case.values(start) for start in sorted(case.touched)}
    assert sparse.items() <= dense.items()


OURS = [
    {"module": "trade", "generic": [{"measures": ["Volume", "VWAP", "OHLC"], "open_mode": "prev_close"}]},
    {"module": "l2", "levels": 2},
    {"module": "trade", "prefix": "Big", "where": "Size > 200"},
]


@pytest.mark.slow
@pytest.mark.parametrize("name", DAYS)
@pytest.mark.parametrize("states", [None, "all"])
def test_sparse_rows_of_our_modules_are_dense_rows_in_every_column(name, states):
    """On each sample day of the contract kit."""
    day = DAYS[name]()
    tables = {table: day[table] for table in ("trades", "l2", "marketstate")}
    options = {"every": "1m", "market_states": states, "date": NINE.date()}
    sparse = basalt.compute(OURS, **options, **tables)
    dense = basalt.compute(OURS, timeline="dense", **options, **tables)
    keys = ["ListingId", "TimeBucket"]
    assert dense.height >= sparse.height
    found = dense.join(sparse.select(keys), on=keys, how="semi").sort(keys)
    assert_frame_equal(found, sparse, check_exact=False, rel_tol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"every": "1m", "timeline": "dense"},
        {"every": "1m", "timeline": "dense", "market_states": "all", "halts": "keep"},
        {"timeline": "daily"},
        {"every": "1m", "timeline": "dense", "session": {"start": "09:00", "end": "09:20"}},
        {"every": "1m", "keys": ["ListingId", "TradeType"]},
    ],
)
def test_a_listing_alone_has_the_rows_it_has_among_others(options):
    """Whatever the timeline, so that batches change nothing; stretches and ends are of each listing."""
    day = DAYS["halt"]()
    modules = OURS if "keys" not in options else [OURS[0], OURS[2]]
    tables = {table: day[table] for table in ("trades", "marketstate", *(["l2"] if "keys" not in options else []))}
    whole = basalt.compute(modules, date=NINE.date(), **options, **tables)
    listings = whole["ListingId"].unique().sort().to_list()
    assert len(listings) > 1
    for listing in listings:
        own = {name: frame.filter(ListingId=listing) for name, frame in tables.items()}
        alone = basalt.compute(modules, date=NINE.date(), **options, **own)
        assert_frame_equal(alone, whole.filter(ListingId=listing), check_exact=False, rel_tol=1e-12)
