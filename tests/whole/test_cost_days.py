"""Two real days whole, from the command line: what trading cost, books in force, volatility, flow.

The figures of AMZN's costs and of both days' totals were computed without basalt; books in force are weighed once more
here, row by row, from the files themselves.
"""

import csv
import gzip
import io
import zipfile
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import polars as pl
import pytest

from basalt.cli.main import run

pytestmark = pytest.mark.slow
SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
PARTS = ["EffectiveSpreadCommon", "RealizedSpread", "PriceImpact"]
HORIZONS = ["100ms", "1s", "5s", "1m", "5m"]
PASSES = """
[[outputs]]
type = "parquet"
root = "out"
[[passes]]
name = "bars"
every = "1m"
weights = true
[[passes.preprocess]]
transform = "quotes_at_trades"
horizons = {horizons}
[[passes.modules]]
module = "trade"
{trades}
generic = [{{ measures = ["Volume", "Count", "Notional"], sides = ["Total", "Buy", "Sell"] }},
           {{ measures = ["Volume", "Count", "Notional"], market_states = "all", name = "All{{measure}}" }}]
imbalance = [{{ measures = ["Volume"] }}]
tca = [{{ measures = ["EffectiveSpread", "TcaCount", "TcaNoQuoteCount"], units = ["Price"], weights = ["Share"] }},
       {{ measures = {parts}, horizons = {horizons}, units = ["Price", "Bps"], weights = {weights} }},
       {{ measures = ["Markout"], horizons = {horizons}, weights = ["Share"] }}]
[[passes.modules]]
module = "l2"
levels = {levels}
imbalances = [{{ measures = ["CumQuantity"] }}]
flow = [{{ measures = ["OFI", "OFINorm"], levels = [1] }}]
counts = [{{ measures = ["Updates", "Crossed"] }}]
[[passes.modules]]
module = "l2tw"
levels = {levels}
[[passes.modules]]
module = "l2_volatility"
sampling = ["1s", "10s"]
measures = ["RV", "AnnVol", "BV", "JumpShare"]
[[passes]]
name = "day"
every = "1d"
[[passes.modules]]
module = "generic"
source = "bars"
"""


def published(folder, source, date, levels, trades):
    """(bars, the day's one row) of the pipeline over that source."""
    lists = {"horizons": HORIZONS, "parts": PARTS, "weights": ["Equal", "Share", "Notional"]}
    passes = PASSES.format(**lists, levels=levels, trades=trades).replace("'", '"')
    (folder / "day.toml").write_text(f'name = "costs"\n[source]\n{source}\n{passes}')
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as said:
        assert run(["pipeline", "run", str(folder / "day.toml")]) == 0, said.getvalue()
    bars, day = (pl.read_parquet(folder / f"out/{name}/date={date}/all.parquet") for name in ("bars", "day"))
    return bars, day.row(0, named=True)


@pytest.fixture(scope="module")
def amzn(tmp_path_factory):
    root = SHARED / "lobster"
    if not root.is_dir():
        pytest.skip(f"{root} is not there")
    source = f'type = "lobster"\nroot = "{root.resolve()}"\nlistings = {{ AMZN = "AMZN" }}'
    return published(tmp_path_factory.mktemp("amzn"), source, "2012-06-21", 1, 'where = "NOT IsHidden"')


@pytest.fixture(scope="module")
def moutai(tmp_path_factory):
    root = SHARED / "sse-600519"
    if not root.is_dir():
        pytest.skip(f"{root} is not there")
    source = f'type = "china_l2"\nroot = "{root.resolve()}"'
    return published(tmp_path_factory.mktemp("moutai"), source, "2023-02-01", 10, "")


def test_amzn_trades_add_up_to_the_known_day(amzn):
    """Visible executions: 8,974 of 613,248 shares at 222.64013815 on average."""
    _, day = amzn
    assert (day["TradeTotalVolume"], day["TradeTotalCount"]) == (613_248, 8_974)
    assert day["TradeTotalNotional"] / 613_248 == pytest.approx(222.64013815, abs=5e-9)
    assert (day["TradeTotalTcaCount"], day["TradeTotalTcaNoQuoteCount"]) == (8_974, 0)


def test_amzn_cost_what_it_is_known_to_have_cost(amzn):
    """Share-weighted, in price: effective 0.0941; realised 0.0375, 0.0101, −0.0127, −0.0621, −0.0351."""
    _, day = amzn
    assert day["TradeTotalEffectiveSpreadShareWeighted"] == pytest.approx(0.0941, abs=5e-5)
    realised = [day[f"TradeTotalRealizedSpread{h}ShareWeighted"] for h in HORIZONS]
    assert realised == pytest.approx([0.0375, 0.0101, -0.0127, -0.0621, -0.0351], abs=5e-5)


@pytest.mark.parametrize("name", ["amzn", "moutai"])
@pytest.mark.parametrize("weight", ["", "ShareWeighted", "NotionalWeighted"])
def test_effective_is_realised_and_impact_in_every_minute_and_over_the_day(request, name, weight):
    bars, day = request.getfixturevalue(name)
    for horizon, unit in product(HORIZONS, ("", "Bps")):
        names = [f"TradeTotal{part}{horizon}{unit}{weight}" for part in PARTS]
        whole, realised, impact = (bars[n] for n in names)
        assert whole.drop_nulls().len() > 200
        assert (whole - realised - impact).abs().max() < 1e-9
        assert day[names[0]] == pytest.approx(day[names[1]] + day[names[2]], abs=1e-9)


def test_markouts_are_minus_half_of_realised_spreads(amzn):
    """A markout is D(M_{t+h} − P), a realised spread 2D(P − M_{t+h}); in bps, one of the price, one of the mid."""
    bars, _ = amzn
    for horizon in HORIZONS:
        markout = bars[f"TradeTotalMarkout{horizon}BpsShareWeighted"]
        half = bars[f"TradeTotalRealizedSpread{horizon}BpsShareWeighted"] / -2
        assert (markout - half).abs().max() < 0.05  # bps


def seconds_of(clock):
    hours, minutes, seconds = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def in_force(rows, start, end):
    """Σ dt, Σ bid·dt, Σ ask·dt of states (seconds, bid, ask) between two moments, the one before them carried in."""
    total, bids, asks = 0.0, 0.0, 0.0
    for i, (t, bid, ask) in enumerate(rows):
        until = rows[i + 1][0] if i + 1 < len(rows) else end
        length = min(until, end) - max(t, start)
        if length > 0 and bid and ask:
            total, bids, asks = total + length, bids + bid * length, asks + ask * length
    return total, bids / total, asks / total


def test_amzn_books_in_force_are_those_of_its_files(amzn):
    """Each row of the order-book file from its message's stamp to the next one's, the last to 16:00."""
    folder = SHARED / "lobster"
    messages, books = (
        csv.reader(gzip.decompress(file.read_bytes()).decode().splitlines())
        for file in (folder / f"AMZN_2012-06-21_34200000_57600000_{kind}_1.csv.gz" for kind in ("message", "orderbook"))
    )
    rows = [(float(m[0]), int(b[2]) / 1e4, int(b[0]) / 1e4) for m, b in zip(messages, books, strict=True)]
    total, bid, ask = in_force(rows, 34_200, 57_600)
    bars, day = amzn
    assert day["BookValidSeconds"] == pytest.approx(total, abs=1e-5)
    assert [day["BidPrice1TWA"], day["AskPrice1TWA"]] == pytest.approx([bid, ask], rel=1e-9)
    noon = bars.filter(pl.col("TimeBucket") == datetime(2012, 6, 21, 16, tzinfo=UTC)).row(0, named=True)
    total, bid, ask = in_force(rows, 43_140, 43_200)
    assert noon["SpreadAbsTWA"] == pytest.approx(ask - bid, rel=1e-8)
    assert noon["MidTWA"] == pytest.approx((ask + bid) / 2, rel=1e-12)


def test_amzn_is_open_for_six_and_a_half_hours_and_never_crossed(amzn):
    """390 minutes; the first book comes 17.46 ms after the opening."""
    bars, day = amzn
    assert bars.height == 390
    assert (day["BookAdmissibleSeconds"], day["BookCrossedRowShare"]) == (23_400, 0)
    assert day["BookValidSeconds"] == pytest.approx(23_400 - 0.017459617, abs=1e-9)


@pytest.mark.parametrize("name", ["amzn", "moutai"])
def test_variance_of_a_finer_grid_holds_what_the_coarser_one_sees(request, name):
    """A return over ten steps is a sum of ten: its square is at most ten times the sum of theirs."""
    bars, day = request.getfixturevalue(name)
    assert (bars["MidRV1s"] >= 0).all()
    assert 0 < day["MidRV10s"] < 10 * day["MidRV1s"]
    share = bars["MidJumpShare1s"].drop_nulls()
    assert share.is_between(0, 1).all()
    assert share.len() > 200


@pytest.mark.parametrize("name", ["amzn", "moutai"])
def test_imbalances_lie_between_minus_one_and_one(request, name):
    bars, _ = request.getfixturevalue(name)
    names = [n for n in bars.columns if "Imbalance" in n and not n.endswith("Weight")]
    assert len(names) >= 2
    for column in names:
        assert bars[column].drop_nulls().is_between(-1, 1).all(), column


def test_moutai_trades_add_up_to_the_exchange_s_day(moutai):
    """All prints: 27,135 of 3,397,389 shares for 6,244,678,924.61; continuous ones: 12,601 bought and 13,971 sold."""
    _, day = moutai
    assert (day["AllVolume"], day["AllCount"]) == (3_397_389, 27_135)
    assert day["AllNotional"] == pytest.approx(6_244_678_924.61, abs=0.005)
    assert (day["TradeBuyCount"], day["TradeSellCount"]) == (12_601, 13_971)
    assert day["TradeTotalVolume"] == 3_397_389 - 32_800 - 45_912
    assert (day["TradeTotalTcaCount"], day["TradeTotalTcaNoQuoteCount"]) == (26_572, 0)


def test_moutai_books_in_force_are_the_exchange_s_snapshots(moutai):
    """The minute to 10:00 and that to 14:30 in Shanghai, from the exchange's own snapshots."""
    [file] = (SHARED / "sse-600519").glob("*.zip")
    with zipfile.ZipFile(file) as archive, archive.open("20230201/snapshot.csv") as raw:
        found = [r for r in csv.DictReader(io.TextIOWrapper(raw)) if r["BidPrice1"] and r["InstruStatus"] == "TRADE"]
    rows = [(seconds_of(r["UpdateTime"]), float(r["BidPrice1"]), float(r["AskPrice1"])) for r in found]
    bars, _ = moutai
    for clock in ("10:00:00", "14:30:00"):
        end = seconds_of(clock)
        label = datetime(2023, 2, 1, tzinfo=UTC) + timedelta(seconds=end - 8 * 3600)
        bar = bars.filter(pl.col("TimeBucket") == label).row(0, named=True)
        total, bid, ask = in_force(rows, end - 60, end)
        assert bar["BookValidSeconds"] == pytest.approx(total, abs=1e-9)
        assert [bar["BidPrice1TWA"], bar["AskPrice1TWA"]] == pytest.approx([bid, ask], rel=1e-12)


def test_moutai_is_open_for_237_minutes(moutai):
    """09:30 to 11:30 and 13:00 to 14:57 in Shanghai."""
    _, day = moutai
    assert (day["BookAdmissibleSeconds"], day["BookCoverage"]) == (237 * 60, 1)
