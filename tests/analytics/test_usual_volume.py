"""Volume buckets of Vpin by usual volume: from an earlier pass of previous dates, through a pipeline of three dates.

Listing 1 trades 400, 600 and 400 shares on them; 2 trades 100 on the first and 80 on the last; 3 on the last alone.
"""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

import basalt
from basalt.buckets import BucketRule
from basalt.columns import Unit
from basalt.documents import PassResult, ResultColumn
from basalt.errors import UserError
from basalt.tables import AGGRESSOR, NS_UTC
from basalt_analytics.trade.liquidity.module import Liquidity
from basalt_analytics.trade.liquidity.options import LiquidityOptions, UsualVolume, VpinOptions

DAYS = [date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)]
TRADES = {
    DAYS[0]: [(1, 1, 400, "Buy"), (2, 1, 100, "Buy")],
    DAYS[1]: [(1, 1, 300, "Buy"), (1, 2, 300, "Sell")],
    DAYS[2]: [(1, 1, 150, "Buy"), (1, 2, 250, "Sell"), (2, 1, 80, "Buy"), (3, 1, 500, "Sell")],
}
PIPELINE = """
name = "flow"
[source]
type = "parquet"
root = "data"
[[outputs]]
type = "parquet"
path = "out/{pass}/date={date}/{universe}.parquet"
[[passes]]
name = "daily"
%s
[[passes.modules]]
module = "trade"
[[passes]]
name = "flow"
every = "1m"
[[passes.modules]]
module = "liquidity"
measures = ["Vpin"]
"""
SOURCE = 'source = "daily"\n'


def table(day, rows):
    """Trades at 10, seconds after 09:00 of the date."""
    nine = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    stamped = [(listing, nine + timedelta(seconds=t), 10.0, size, side) for listing, t, size, side in rows]
    names = ("ListingId", "EventTimestamp", "Price", "Size", "AggressorSide")
    return pl.DataFrame(
        stamped, dict(zip(names, (pl.Int64, NS_UTC, pl.Float64, pl.Float64, AGGRESSOR), strict=True)), orient="row"
    )


@pytest.fixture
def flow(tmp_path):
    """Runs the pipeline with these lines in its last module, and gives Vpin by date and listing."""

    def found(more, daily='timeline = "daily"', times=1):
        for day, rows in TRADES.items():
            rows = [(listing, t, size * times, side) for listing, t, size, side in rows]
            place = tmp_path / f"data/trades/date={day}"
            place.mkdir(parents=True, exist_ok=True)
            table(day, rows).write_parquet(place / "part.parquet")
        (tmp_path / "flow.toml").write_text(PIPELINE % daily + more)
        result = basalt.run(tmp_path / "flow.toml")
        assert not result.failed
        rows = result.scan("flow").collect().rows_by_key("Date", named=True)
        return [{row["ListingId"]: row["Vpin"] for row in rows[day]} for day in DAYS]

    return found


def usual(buckets, **options):
    volume = ", ".join(f"{name} = {value!r}" for name, value in {"adv_fraction": 0.2, **options}.items())
    return f"{SOURCE}vpin = {{ bucket_volume = {{ {volume} }}, buckets = {buckets} }}\n".replace("'", '"')


def test_a_bucket_is_a_part_of_the_mean_of_previous_dates(flow):
    """Second date, of .2·400 = 80: 240 bought in three, then 60 and 20, then 240 sold: (.5 + 1 + 1 + 1)/4 of the last
    four of seven. Third, of .2·(400 + 600)/2 = 100: 1, (50, 50), 1, 1. Listing 2 has one date, of 100: four of 20."""
    first, second, third = flow(usual(4))
    assert first == {1: None, 2: None}
    assert second == {1: pytest.approx(0.875)}
    assert third == {1: pytest.approx(0.75), 2: 1, 3: None}


def test_history_says_how_many_dates_the_mean_is_over(flow):
    """Third date, of .2·600 = 120: 120 bought, (30, 90), 120 sold: (1 + .5 + 1)/3. Listing 2 traded nothing on the
    one date that counts."""
    assert flow(usual(3, history=1))[2] == {1: pytest.approx(2.5 / 3), 2: None, 3: None}


def test_rows_of_one_date_are_added_up(flow):
    """Passes of a second have two rows of listing 1 on the second date, 300 and 300."""
    assert flow(usual(3, history=1), daily='every = "1s"')[2][1] == pytest.approx(2.5 / 3)


def test_it_is_what_the_same_number_of_shares_gives(flow):
    """100 shares for listing 1 on the third date."""
    by_number = flow("vpin = { bucket_volume = 100, buckets = 4 }\n")
    assert by_number[2][1] == flow(usual(4))[2][1]


def test_it_grows_with_sizes(flow):
    """All sizes times 16: the same imbalances, of buckets 16 times as large."""
    assert flow(usual(4), times=16) == flow(usual(4))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (usual(4).removeprefix(SOURCE), "reads an earlier pass: add source = one of 'daily'"),
        (SOURCE + "vpin = { bucket_volume = 100 }\n", "reads 'trades' with these options, and no earlier pass: drop"),
        (usual(4, column="TradeTotalVWAP"), "needs column TradeTotalVWAP, in shares, of pass 'daily'"),
        (usual(4, column="Volume"), "in shares it has: TradeTotalVolume"),
        (usual(4, history=0), "history = 0 has no date"),
        (usual(4, adv_fraction=0), "adv_fraction = 0.0 is no part"),
    ],
)
def test_what_cannot_be_is_refused_while_planning(flow, more, said):
    with pytest.raises(UserError, match=said):
        flow(more)


def test_volume_by_instrument_is_refused():
    options = LiquidityOptions(measures=["Vpin"], vpin=VpinOptions(bucket_volume=UsualVolume(adv_fraction=0.1)))
    column = ResultColumn("TradeTotalVolume", Unit.SHARES, "Shares.")
    daily = PassResult("daily", ["InstrumentId"], None, [column], [pl.Int64])
    trades = {"AggressorSide": AGGRESSOR, "Price": pl.Float64(), "Size": pl.Float64()}
    with pytest.raises(UserError, match="looks volume up by listing, and pass 'daily' has rows by InstrumentId"):
        Liquidity(options, {"trades": trades}, daily, BucketRule(60 * 10**9))
