"""Module yang_zhang in pipelines: listings apart, previous dates, rows without a bar, and what it refuses."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

import basalt
from basalt.errors import UserError
from basalt.tables import NS_UTC

DAYS = [date(2026, 1, 5), date(2026, 1, 6)]
BARS = [(99, 99, 99, 99), (100, 104, 98, 102), (103, 105, 101, 104), (104, 106, 103, 103.5)]
THREE = 8.95369946606e-4
"""Of the last three of these bars, with the gap from 99 to 100 in front."""


def trades(day, bars, listing=1, start=0):
    """Four trades a bar, bars a minute apart: open, high, low, close."""
    nine = datetime(day.year, day.month, day.day, 9, start, tzinfo=UTC)
    rows = [
        (listing, nine + timedelta(minutes=i, seconds=s + 1), p) for i, b in enumerate(bars) for s, p in enumerate(b)
    ]
    names = {"ListingId": pl.Int64, "EventTimestamp": NS_UTC, "Price": pl.Float64}
    return pl.DataFrame(rows, names, orient="row").with_columns(Size=pl.lit(1.0))


PIPELINE = """
name = "ranges"
[source]
type = "parquet"
root = "data"
[[outputs]]
type = "parquet"
path = "out/{pass}/date={date}/{universe}.parquet"
[[passes]]
name = "bars"
every = "1m"
[[passes.modules]]
module = "trade"
[[passes]]
name = "ranges"
[[passes.modules]]
module = "yang_zhang"
source = "bars"
sources = ["TradeTotal"]
bars = 3
"""


@pytest.fixture
def ranges(tmp_path):
    def found(days, more="", last=None):
        for day, rows in days.items():
            (tmp_path / f"data/trades/date={day}").mkdir(parents=True, exist_ok=True)
            rows.sort("ListingId", "EventTimestamp").write_parquet(tmp_path / f"data/trades/date={day}/part.parquet")
        (tmp_path / "pipeline.toml").write_text(PIPELINE + more)
        result = basalt.run(tmp_path / "pipeline.toml")
        assert not result.failed
        rows = result.scan("ranges").filter(Date=last or max(days)).collect()
        return rows.sort("ListingId", "TimeBucket")["TradeTotalYangZhang3"].to_list()

    return found


def close(*values):
    return [None if v is None else pytest.approx(v, rel=1e-10) for v in values]


def test_listings_keep_their_bars_to_themselves(ranges):
    day = pl.concat([trades(DAYS[0], BARS), trades(DAYS[0], BARS, listing=2)])
    assert ranges({DAYS[0]: day}) == close(*[None, None, None, THREE] * 2)


def test_bars_of_a_previous_date_count_where_they_are_asked_for(ranges):
    """The first two bars are of the day before, so that the last has three with a close before."""
    days = {DAYS[0]: trades(DAYS[0], BARS[:2]), DAYS[1]: trades(DAYS[1], BARS[2:])}
    assert ranges(days, "history = 1\n") == close(None, THREE)


def test_without_history_a_date_begins_anew(ranges):
    days = {DAYS[0]: trades(DAYS[0], BARS[:2]), DAYS[1]: trades(DAYS[1], BARS[2:])}
    assert ranges(days) == [None, None]


def test_a_minute_without_a_trade_is_no_bar(ranges):
    """The fourth bar comes after a minute in which only the invalid trade of another kind prints: still three bars."""
    later = trades(DAYS[0], BARS[3:], start=5)
    assert ranges({DAYS[0]: pl.concat([trades(DAYS[0], BARS[:3]), later])}) == close(None, None, None, THREE)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"sources": ["Mid"]},
            "yang_zhang needs column MidOpen, which pass 'bars' does not have; it has: TradeTotalVolume",
        ),
        ({"sources": ["TradeTotal"], "bars": 1}, "yang_zhang needs 2 bars or more"),
    ],
)
def test_what_cannot_be_is_refused_while_planning(tmp_path, options, said):
    (tmp_path / f"data/trades/date={DAYS[0]}").mkdir(parents=True)
    trades(DAYS[0], BARS).write_parquet(tmp_path / f"data/trades/date={DAYS[0]}/part.parquet")
    changed = "\n".join(f"{k} = {v!r}".replace("'", '"') for k, v in options.items())
    head = PIPELINE.partition('sources = ["TradeTotal"]')[0]
    (tmp_path / "pipeline.toml").write_text(head + changed + "\n")
    with pytest.raises(UserError, match=said.replace("'", ".")):
        basalt.run(tmp_path / "pipeline.toml")
