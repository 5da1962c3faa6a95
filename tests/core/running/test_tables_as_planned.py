"""Tables of a date that are not as the plan expects, and results that must not land among the data."""

import polars as pl
import pytest

from basalt import FrameModule, Unit
from basalt.documents import ResultColumn
from basalt.errors import UserError
from basalt.running.events import Noted
from basalt.tables import STATE

MINUTES = {"name": "minutes", "every": "1m", "modules": [{"module": "volume"}]}


def test_a_date_with_other_columns_than_the_first_fails_alone(desk, events):
    """6 January has a MarketState, 5 January has none: one date's columns must not decide how another is computed."""
    rows = events("Price Size", (1, 30, 102, 7)).with_columns(MarketState=pl.lit("HALTED", dtype=STATE))
    desk.put("trades", "2026-01-06", rows)
    result = desk.run(MINUTES)
    assert [str(p.date) for p in result.published] == ["2026-01-05"]
    said = result.failed[0].error
    assert said.startswith("table 'trades': column MarketState is Enum(")
    assert said.endswith(
        "on 2026-01-06 and absent on 2026-01-05, by which the pipeline was planned: run that date by itself with "
        "--date 2026-01-06, or mend its data"
    )


LEVEL = ("BidPrice", "AskPrice", "BidQuantity", "AskQuantity")


def test_an_added_column_that_would_make_more_metrics_fails_its_date(desk, events):
    """Two levels of the book on the 6th, one on the 5th: alone, the 6th has the metrics of both."""
    one, two = (" ".join(f"{name}{i}" for i in range(1, n + 1) for name in LEVEL) for n in (1, 2))
    desk.put("l2", "2026-01-05", events(one, (1, 30, 1, 2, 3, 4)))
    desk.put("l2", "2026-01-06", events(two, (1, 30, 1, 2, 3, 4, 1, 2, 3, 4)))
    result = desk.run({"name": "book", "every": "1m", "modules": [{"module": "l2"}]})
    assert [str(p.date) for p in result.published] == ["2026-01-05"]
    assert result.failed[0].error.startswith("table 'l2': column BidPrice2 is Float64 on 2026-01-06 and absent on")


def test_an_added_column_that_nobody_would_use_changes_nothing(desk, events):
    desk.put("trades", "2026-01-06", events("Price Size NotionalEUR", (1, 30, 102, 7, 714)))
    assert [p.rows for p in desk.run(MINUTES).published] == [3, 1]


def test_an_added_column_is_one_more_for_a_frame_module(desk, events):
    class Width(FrameModule):
        """How many columns a table has."""

        name = "width"
        inputs = ("trades",)

        def columns(self):
            return [ResultColumn("Width", Unit.COUNT, "Columns.", pl.Int32)]

        def compute(self, inputs, pass_):
            label = pass_.rule.bucket(pl.col("EventTimestamp"), pass_.date)
            width = pl.lit(len(self.columns_of["trades"]), pl.Int32)
            return inputs["trades"].group_by("ListingId", TimeBucket=label).agg(Width=width)

    desk.modules.append(Width)
    desk.put("trades", "2026-01-06", events("Price Size NotionalEUR", (1, 30, 102, 7, 714)))
    result = desk.run({"name": "wide", "every": "1m", "modules": [{"module": "width"}]})
    assert [str(f.date) for f in result.failed] == ["2026-01-06"]
    assert "column NotionalEUR is Float64 on 2026-01-06 and absent on 2026-01-05" in result.failed[0].error


def test_results_may_not_go_into_the_folder_of_the_source(desk):
    place = desk.folder.resolve() / "data" / "minutes" / "date=2026-01-05" / "all.parquet"
    with pytest.raises(UserError) as refused:
        desk.plan(MINUTES, outputs=[{"type": "parquet", "root": "data"}])
    assert str(refused.value) == (
        f"passes.minutes on 2026-01-05 would go to {place}, inside {desk.folder / 'data'}, which source "
        "'parquet' reads: give the output another root"
    )
    assert not (desk.folder / "data" / "minutes").exists()


def test_a_listing_without_market_state_is_named(desk, events):
    """Listing 2 trades and has no row in marketstate: its trades are UNKNOWN, so continuous trading drops them."""
    for day in ("2026-01-05", "2026-01-06"):
        states = events("MarketState", (1, 0, "CONTINUOUS_TRADING"))
        desk.put("marketstate", day, states)
    seen = []
    result = desk.run(MINUTES, observers=[seen.append], dates=[desk.plan(MINUTES).partitions[0].date])
    assert [e.what for e in seen if isinstance(e, Noted)] == [
        "trades has listings without a row in marketstate (1), whose state is UNKNOWN: 2"
    ]
    assert result.scan("minutes").collect()["ListingId"].unique().to_list() == [1]


def test_a_table_out_of_order_is_sorted_once_and_nothing_is_left(desk, events):
    """Sizes 20 then 10 by time, in the file 10 then 20, listing 2 in front: the bars are as from a sorted file."""
    rows = events("Price Size", (2, 30, 50, 5), (1, 90, 101, 20), (1, 30, 100, 10))
    desk.put("trades", "2026-01-05", rows)
    result = desk.run(MINUTES, {**MINUTES, "name": "hours", "every": "1h"}, dates=[result_date(desk)])
    assert result.scan("minutes").collect()["Volume"].to_list() == [10, 20, 5]
    assert result.scan("hours").collect()["Volume"].to_list() == [30, 5]
    assert not [name for name in desk.files() if name.startswith(".basalt/work") and name.endswith(".parquet")]


def result_date(desk):
    return desk.plan(MINUTES).partitions[0].date


def test_a_listing_that_stands_twice_in_reference_is_refused(desk):
    """Its rows would count twice in whatever is joined with it; a universe needs only to know that it is there."""

    class Sector(FrameModule):
        """Rows of trades with the sector of their listing."""

        name = "sector"
        inputs = ("trades", "reference")

        def columns(self):
            return [ResultColumn("Known", Unit.COUNT, "Trades of a known sector.", pl.UInt32)]

        def compute(self, inputs, pass_):
            label = pass_.rule.bucket(pl.col("EventTimestamp"), pass_.date)
            known = inputs["trades"].join(inputs["reference"], on="ListingId", how="left", maintain_order="left")
            return known.group_by("ListingId", TimeBucket=label).agg(Known=pl.col("Sector").count())

    desk.modules.append(Sector)
    sectors = {"name": "sectors", "every": "1m", "modules": [{"module": "sector"}]}
    reference = pl.DataFrame({"ListingId": [1, 2, 2], "Sector": ["Energy", "Banks", "Banks"]})
    desk.put("reference", "2026-01-05", reference)
    desk.put("reference", "2026-01-06", reference.head(2))
    result = desk.run(sectors)
    place = desk.folder / "data/reference/date=2026-01-05/part.parquet"
    assert [failed.error for failed in result.failed] == [
        f"table 'reference' of source 'parquet' has 2 rows of ListingId 2 on 2026-01-05 in {place}, and one is wanted: "
        "drop those that repeat it"
    ]
    assert [str(p.date) for p in result.published] == ["2026-01-06"]
