"""Whole real days from the command line: described, validated, converted, and run through a pipeline, twice.

One pipeline reads the feed itself, another what `basalt data convert` made of it: both must give the same rows, and
the figures that were counted in the files without basalt.
"""

import json
import os
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

import attrs
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from basalt.cli.main import run

pytestmark = pytest.mark.slow
SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
ORDERS = '''
"""What a date's orders did, and the spread that LOBSTER's users quote."""
import polars as pl
from basalt import Metric, Unit, analytic, hookimpl
from basalt.metrics import SUM, Empty

def count(name, what):
    return Metric(name, what.sum(), Unit.COUNT, doc=f"{name}.", dtype=pl.UInt32, over_time=SUM, empty=Empty.ZERO)

@analytic("l3")
def orders():
    """Orders entered and withdrawn, and what was executed of them."""
    action, executed = pl.col("Action").cast(pl.String), pl.col("ExecutionSize")
    yield count("Inserts", action == "Insert")
    yield count("Withdrawn", (action == "Remove") & (executed == 0))
    yield count("Executions", executed > 0)
    yield Metric("Executed", executed.sum(), Unit.SHARES, doc="Shares.", over_time=SUM, empty=Empty.ZERO)

@analytic("l2")
def books():
    """Rows of the book, and its mean spread."""
    spread = pl.col("AskPrice1") - pl.col("BidPrice1")
    yield count("Books", pl.col("ListingId").is_not_null())
    yield Metric("EventSpread", spread.mean(), Unit.PRICE, doc="Mean spread over the rows that have both sides.")

@hookimpl
def basalt_analytics():
    return [orders, books]
'''
ALL_STATES = 'market_states = "all"\n'
TRADES = """
[[passes.modules]]
module = "trade"
market_states = "all"
generic = [{ measures = ["Volume", "Count", "VWAP"], sides = ["Total", "Buy", "Sell", "Unknown"] }]
"""
AUCTIONS = """
[[passes.modules]]
module = "trade"
prefix = "Open"
market_states = ["OPENING_AUCTION"]
generic = [{ measures = ["Volume", "Count", "VWAP"], sides = ["Total"] }]
[[passes.modules]]
module = "trade"
prefix = "Close"
market_states = ["CLOSING_AUCTION"]
generic = [{ measures = ["Volume", "Count", "VWAP"], sides = ["Total"] }]
"""
HIDDEN = """
[[passes.modules]]
module = "trade"
prefix = "Lit"
market_states = "all"
generic = [{ measures = ["Volume", "Count", "VWAP"], sides = ["Total"], where = "NOT IsHidden" }]
"""


def module(name: str) -> str:
    return f'[[passes.modules]]\nmodule = "{name}"\nmarket_states = "all"\n'


@attrs.frozen
class Day:
    """A day of a feed: where it lies, its options, the modules of its date pass, and what is known of it.

    `rows`: what is converted, by table. `figures`: columns of the date pass. `minutes`: buckets with trades.
    `quality`: measures of `basalt data validate`, by table and name. `has_states`: whether rows can be told by state.
    """

    source: str
    root: Path
    date: str
    modules: str
    rows: Mapping[str, int]
    figures: Mapping[str, float]
    minutes: int
    quality: Mapping[tuple[str, str], float]
    options: Mapping[str, str] = attrs.field(factory=dict)
    has_states: bool = True


MOUTAI = Day(
    source="china_l2",
    root=SHARED / "sse-600519",
    date="2023-02-01",
    modules=TRADES + AUCTIONS + module("orders") + module("books"),
    rows={"reference": 1, "marketstate": 9, "imbalance": 188, "l3": 82_433, "l2": 5_109, "trades": 27_135},
    figures={
        "TradeTotalVolume": 3_397_389,
        "TradeTotalVWAP": 1838.0818106522,
        "TradeBuyCount": 12_601,
        "TradeSellCount": 13_971,
        "TradeUnknownCount": 563,
        "OpenTradeTotalCount": 260,
        "OpenTradeTotalVolume": 32_800,
        "OpenTradeTotalVWAP": 1854.98,
        "CloseTradeTotalCount": 303,
        "CloseTradeTotalVolume": 45_912,
        "CloseTradeTotalVWAP": 1844.97,
        "Inserts": 39_067,
        "Withdrawn": 15_668,
        "Executions": 27_135 + 563,
        "Executed": 3_397_389 + 32_800 + 45_912,
        "Books": 5_109 - 127,  # those of noon and after the end
    },
    minutes=239,
    quality={("l3", "unknown_orders"): 0, ("l2", "crossed_time"): 0, ("trades", "coverage"): 1},
)
AMZN = Day(
    source="lobster",
    root=SHARED / "lobster",
    date="2012-06-21",
    modules=TRADES + HIDDEN + module("orders") + module("books"),
    options={"listings": '{ AMZN = "AMZN" }'},
    rows={"reference": 1, "marketstate": 2, "l3": 55_070, "l2": 57_515, "trades": 8_974 + 2_445},
    figures={
        "TradeTotalVolume": 613_248 + 197_507,
        "TradeTotalCount": 8_974 + 2_445,
        "LitTradeTotalVolume": 613_248,
        "LitTradeTotalCount": 8_974,
        "LitTradeTotalVWAP": 222.64013815,
        "Inserts": 27_845,
        "Withdrawn": 18_235,
        "Executions": 8_974,
        "Executed": 613_248,
        "Books": 57_515,
        "EventSpread": 0.13591,
    },
    minutes=387,
    quality={("l2", "crossed_time"): 0, ("l3", "coverage"): 1, ("trades", "coverage"): 387 / 390},
)
CME = Day(
    source="databento",
    root=SHARED / "databento",
    date="2023-12-25",
    modules=TRADES + module("orders"),
    options={"schemas": '["mbo"]'},
    has_states=False,
    rows={"l3": 20_491 + 17_999 + 12_233, "l3_snapshot": 8_725, "trades": 2_973},
    figures={
        "TradeTotalVolume": 9_892,
        "TradeTotalCount": 2_973,
        "TradeTotalVWAP": 4808.7227052,
        "TradeUnknownCount": 1,
        "Inserts": 29_216 - 8_725,
        "Executed": 9_922,
    },
    minutes=61,
    quality={("l3", "unknown_orders"): 0, ("l3", "duplicate_orders"): 0, ("trades", "duplicate_sequence"): 0},
)


def _bitstamp() -> Path | None:
    named, installed = os.environ.get("BASALT_BITSTAMP"), find_spec("ob_analytics")
    if named is not None:
        return Path(named)
    return Path(installed.origin).parent / "_sample_data" if installed and installed.origin else None


BITSTAMP = Day(
    source="bitstamp",
    root=_bitstamp() or Path("the capture of ob-analytics, which BASALT_BITSTAMP does not name"),
    date="2026-05-02",
    has_states=False,
    modules=TRADES + module("orders"),
    rows={"l3": 300_541, "l3_snapshot": 6_512, "trades": 284},
    figures={
        "TradeTotalCount": 284,
        "TradeTotalVolume": 15.02983915,
        "TradeBuyCount": 162,
        "TradeSellCount": 122,
        "Executions": 284,
        "Executed": 15.02983915,
    },
    minutes=30,
    quality={("l3", "duplicate_orders"): 0, ("l3", "out_of_order"): 0, ("trades", "nonpositive_size"): 0},
)
DAYS = {"moutai": MOUTAI, "amzn": AMZN, "cme": CME, "bitstamp": BITSTAMP}


@pytest.fixture(scope="module", params=DAYS)
def day(request) -> Day:
    found = DAYS[request.param]
    if not found.root.is_dir():
        pytest.skip(f"{found.root} is not there")
    return found


@pytest.fixture(scope="module")
def desk(day, tmp_path_factory) -> Path:
    """A folder with two pipelines, of the feed and of what it is converted to."""
    folder = tmp_path_factory.mktemp("desk")
    options = "".join(f"{key} = {value}\n" for key, value in day.options.items())
    feed = f'type = "{day.source}"\nroot = "{day.root.resolve()}"\n{options}'
    passes = f'[[passes]]\nname = "bars"\nevery = "1m"\n{TRADES}[[passes]]\nname = "day"\nevery = "1d"\n{day.modules}'
    for name, source in (("feed", feed), ("lake", 'type = "parquet"\nroot = "lake"\n')):
        output = f'[plugins]\nfiles = ["orders.py"]\n[[outputs]]\ntype = "parquet"\nroot = "{name}-out"\n'
        text = f'name = "{name}"\n[source]\n{source}{output}{passes}'
        (folder / f"{name}.toml").write_text(text if day.has_states else text.replace(ALL_STATES, ""))
    (folder / "orders.py").write_text(ORDERS)
    return folder


@pytest.fixture(scope="module")
def converted(desk, day) -> list[dict[str, object]]:
    """What `basalt data convert` says it wrote of that date."""
    return told("data", "convert", desk / "feed.toml", "--date", day.date, "--out", desk / "lake")


def told(*args: object) -> list[dict[str, object]]:
    """What a command that must succeed prints as JSON."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = run([*map(str, args), "--format", "json"])
    assert code == 0, err.getvalue()
    return json.loads(out.getvalue())


def test_every_table_is_converted_whole(converted, day):
    assert {row["table"]: row["rows"] for row in converted} == day.rows


def test_feed_and_lake_are_described_alike(desk, converted, day):
    feed, lake = (
        {row["table"]: row for row in told("data", "describe", *what, "--date", day.date)}
        for what in ([desk / "feed.toml"], [desk / "lake"])
    )
    assert feed.keys() == lake.keys() == day.rows.keys()
    for table, rows in day.rows.items():
        assert feed[table] == lake[table]
        assert (feed[table]["rows"], feed[table]["contract"]) == (rows, "ok")


def test_feed_and_lake_are_of_one_quality(desk, converted, day):
    feed, lake = (
        {(row["table"], row["measure"]): row["value"] for row in told("data", "validate", *what, "--date", day.date)}
        for what in ([desk / "feed.toml"], [desk / "lake"])
    )
    assert feed == lake
    for measure, value in day.quality.items():
        assert feed[measure] == pytest.approx(value), measure


@pytest.fixture(scope="module")
def results(desk, converted, day) -> dict[str, dict[str, pl.DataFrame]]:
    """What both pipelines published, by pass."""
    found: dict[str, dict[str, pl.DataFrame]] = {}
    for name in ("feed", "lake"):
        for command in ("plan", "run"):
            told("pipeline", command, desk / f"{name}.toml", "--date", day.date)
        places = {one: desk / f"{name}-out" / one / f"date={day.date}" / "all.parquet" for one in ("bars", "day")}
        found[name] = {one: pl.read_parquet(place, hive_partitioning=False) for one, place in places.items()}
    return found


def test_the_figures_are_those_that_are_known(results, day):
    (row,) = results["feed"]["day"].rows(named=True)
    for name, value in day.figures.items():
        assert row[name] == pytest.approx(value, rel=1e-12, abs=0 if float(value).is_integer() else 5e-6), name


def test_turnover_is_that_of_the_exchange(results, day):
    """The day's VWAP times its volume, as the bars have them."""
    bars = results["feed"]["bars"]
    turnover = (bars["TradeTotalVolume"] * bars["TradeTotalVWAP"]).sum()
    assert turnover == pytest.approx(day.figures["TradeTotalVolume"] * results["feed"]["day"]["TradeTotalVWAP"][0])
    assert day is not MOUTAI or turnover == pytest.approx(6_244_678_924.61, abs=0.005)


def test_bars_are_those_with_trades(results, day):
    assert (results["feed"]["bars"]["TradeTotalCount"] > 0).sum() == day.minutes


def test_feed_and_lake_give_the_same_rows(results):
    for name, frame in results["feed"].items():
        assert_frame_equal(frame, results["lake"][name], rel_tol=1e-12, abs_tol=0)
