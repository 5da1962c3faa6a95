"""Several modules in one pass: what they share, what they may not, and that fusing changes no value."""

from datetime import date

import polars as pl
import pytest

import basalt
from basalt.errors import PluginError, UserError
from basalt.face import plan_in_memory
from basalt.metrics import SUM, mean

PRICE, SIZE = pl.col("Price"), pl.col("Size")


def planned(modules, tables, **options):
    """The program of one pass over these tables."""
    return plan_in_memory(modules, "1m", None, tables, options).programs[0]


def test_two_wheres_and_two_lists_of_states_in_one_pass(events, by_bucket, a_module, a_part, a_volume):
    """Continuous: 5 and 200; the auction: 7. Large is over 100 shares. Each column sees its own rows alone, and the
    bucket 09:02 is there because of its auction print."""
    several = a_module(
        "several",
        a_part(a_volume()),
        a_part(a_volume("Large"), where=SIZE > 100),
        a_part(a_volume("Small"), where=SIZE <= 100),
        a_part(a_volume("All"), states=("CONTINUOUS_TRADING", "CLOSING_AUCTION")),
        a_part(a_volume("AllLarge"), states=("CONTINUOUS_TRADING", "CLOSING_AUCTION"), where=SIZE > 6),
    )
    rows = [(1, 20, 10, 5), (1, 40, 10, 200), (1, 90, 10, 7)]
    states = ["CONTINUOUS_TRADING", "CONTINUOUS_TRADING", "CLOSING_AUCTION"]
    trades = events("Price Size MarketState", *[(*r, s) for r, s in zip(rows, states, strict=True)])
    bars = basalt.compute(several, every="1m", trades=trades)
    assert by_bucket(bars, "Volume", "Large", "Small", "All", "AllLarge") == {
        (1, "09:01"): (205.0, 200.0, 5.0, 205.0, 200.0),
        (1, "09:02"): (0.0, 0.0, 0.0, 7.0, 7.0),
    }


def test_a_group_of_trade_may_take_all_states(events, by_bucket):
    """ "all" is every state but CLOSED, null included: 5 + 7 + 1, and 5 in continuous trading."""
    states = ["CONTINUOUS_TRADING", "CLOSING_AUCTION", None, "CLOSED"]
    rows = [(1, 20 + i, 10, size, state) for i, (size, state) in enumerate(zip((5, 7, 1, 90), states, strict=True))]
    groups = [
        {"measures": ["Volume"]},
        {"measures": ["Volume"], "market_states": "all", "name": "All{side}{measure}"},
    ]
    bars = basalt.compute(
        [{"module": "trade", "generic": groups}], every="1m", trades=events("Price Size MarketState", *rows)
    )
    assert by_bucket(bars, "TradeTotalVolume", "AllTotalVolume") == {(1, "09:01"): (5.0, 13.0)}


def test_modules_that_define_one_column_alike_share_it(events, by_bucket, a_module, a_metric, a_volume):
    trades = events("Price Size", (1, 30, 10, 5))
    first, second = a_module("first", a_volume()), a_module("second", a_volume(), a_metric("Largest", SIZE.max()))
    bars = basalt.compute([first, second], every="1m", trades=trades)
    assert bars.columns == ["ListingId", "TimeBucket", "Volume", "Largest"]
    assert by_bucket(bars, "Volume", "Largest") == {(1, "09:01"): (5.0, 5.0)}
    program = planned([first, second], {"trades": trades})
    assert [len(a.emitted) for a in program.aggregations] == [2]
    assert program.result.column("Volume").module == "first"


@pytest.mark.parametrize("other", ["expression", "where", "states", "derived"])
def test_one_name_for_two_definitions_is_refused_with_both_places(events, a_module, a_metric, a_volume, other):
    weighted = a_metric("Volume", pl.col("X").sum(), over_time=SUM)
    first = a_module("first", weighted, derive={"X": SIZE}) if other == "derived" else a_module("first", a_volume())
    second = {
        "expression": lambda: a_module("second", a_metric("Volume", SIZE.max())),
        "where": lambda: a_module("second", a_volume(), where=PRICE > 10),
        "states": lambda: a_module("second", a_volume(), states="any"),
        "derived": lambda: a_module("second", weighted, derive={"X": SIZE * 2}),
    }[other]()
    trades = events("Price Size MarketState", (1, 30, 10, 5, "CONTINUOUS_TRADING"))
    with pytest.raises(UserError) as error:
        basalt.compute([first, second], every="1m", trades=trades)
    assert str(error.value) == (
        "passes.computed.modules[0] (module first) and passes.computed.modules[1] (module second) both emit 'Volume' "
        "with different definitions: set `prefix` on one"
    )
    prefixed = [{"module": "trade"}, {"module": "trade", "prefix": "Desk", "where": "Size > 1"}]
    assert "DeskTradeTotalVolume" in basalt.compute(prefixed, every="1m", trades=trades).columns


def test_derived_names_are_private_to_a_module(events, by_bucket, a_module, a_metric):
    """Both call it `X`: one means the size, the other twice the price; a third agrees with the first."""
    trades = events("Price Size", (1, 20, 10, 5), (1, 40, 20, 6))
    modules = [
        a_module("sizes", a_metric("Sizes", pl.col("X").sum()), derive={"X": SIZE}),
        a_module(
            "prices", a_metric("Prices", pl.col("Y").sum()), derive={"X": PRICE * 2, "Y": pl.col("X") + pl.col("Size")}
        ),
        a_module("largest", a_metric("Largest", pl.col("X").max()), derive={"X": SIZE}),
    ]
    bars = basalt.compute(modules, every="1m", trades=trades)
    assert by_bucket(bars, "Sizes", "Prices", "Largest") == {(1, "09:01"): (11.0, 20 + 5 + 40 + 6.0, 6.0)}
    (aggregation,) = planned(modules, {"trades": trades}).aggregations
    assert list(aggregation.derive) == ["X", "X_", "Y"]
    assert by_bucket(basalt.compute(modules[::-1], every="1m", trades=trades), "Sizes", "Prices", "Largest") == {
        (1, "09:01"): (11.0, 71.0, 6.0)
    }


def test_a_bare_shift_stays_inside_the_listing(events, by_bucket, a_module, a_metric):
    """Listing 2's first row has no row before it: 0 changes there, and 12 − 10 = 2 in listing 1."""
    change = {"Change": PRICE - PRICE.shift(1)}
    moved = a_module("moved", a_metric("Moved", pl.col("Change").sum()), derive=change)
    trades = events("Price Size", (1, 20, 10, 1), (1, 90, 12, 1), (2, 20, 50, 1), (2, 90, 45, 1))
    bars = basalt.compute(moved, every="1m", trades=trades)
    assert by_bucket(bars, "Moved") == {
        (1, "09:01"): 0.0,
        (1, "09:02"): 2.0,
        (2, "09:01"): 0.0,
        (2, "09:02"): -5.0,
    }


def test_a_bare_shift_is_over_the_rows_that_pass_where(events, by_bucket, a_module, a_metric):
    """The row of size 1 is passed over: 15 − 10 = 5."""
    moved = a_module(
        "moved",
        a_metric("Moved", pl.col("Change").sum()),
        derive={"Change": PRICE - PRICE.shift(1)},
        where=SIZE > 1,
    )
    trades = events("Price Size", (1, 20, 10, 2), (1, 30, 99, 1), (1, 40, 15, 2))
    assert by_bucket(basalt.compute(moved, every="1m", trades=trades), "Moved") == {(1, "09:01"): 5.0}


def test_previous_stays_inside_the_stretch(events, by_bucket, a_module, a_metric):
    """Continuous, halted at 09:01:00, continuous from 09:02:00: the row at 09:02:10 has none before it."""
    moved = a_module(
        "moved", a_metric("Moved", pl.col("Change").sum()), derive={"Change": PRICE - basalt.previous(PRICE)}
    )
    states = [(1, 0, "CONTINUOUS_TRADING"), (1, 60, "HALTED"), (1, 120, "CONTINUOUS_TRADING")]
    trades = events("Price Size", (1, 20, 10, 1), (1, 40, 12, 1), (1, 130, 20, 1), (1, 140, 21, 1))
    bars = basalt.compute(moved, every="1m", trades=trades, marketstate=events("MarketState", *states))
    assert by_bucket(bars, "Moved") == {(1, "09:01"): 2.0, (1, "09:03"): 1.0}


def vwap(a_metric, weight):
    return a_metric("Vwap", basalt.ratio((PRICE * SIZE).sum(), SIZE.sum()), basalt.Unit.PRICE, over_time=mean(weight))


def test_a_hidden_weight_is_there_only_where_it_is_wanted(events, a_module, a_metric):
    """Σ Size = 3 is the weight; nobody rolls up the first plan, `weights = true` asks for it in the second."""
    module = a_module("bars", vwap(a_metric, SIZE.sum()))
    tables = {"trades": events("Price Size", (1, 20, 10, 1), (1, 40, 13, 2))}
    plain, asked = planned([module], tables), planned([module], tables, weights=True)
    assert [c.name for c in plain.result.columns] == ["Vwap"]
    assert [(c.name, c.hidden) for c in asked.result.columns] == [("Vwap", False), ("VwapWeight", True)]
    assert asked.result.column("Vwap").over_time.weight == "VwapWeight"
    assert asked.result.column("VwapWeight").unit is basalt.Unit.WEIGHT


def test_a_visible_metric_stands_for_an_equal_weight(events, a_module, a_metric, a_volume):
    module = a_module("bars", vwap(a_metric, SIZE.sum()), a_volume())
    program = planned([module], {"trades": events("Price Size", (1, 20, 10, 1))}, weights=True)
    assert [c.name for c in program.result.columns] == ["Vwap", "Volume"]
    assert program.result.column("Vwap").over_time.weight == "Volume"


def test_a_weight_by_name_carries_the_prefix(events):
    entry = {"module": "trade", "prefix": "Desk", "generic": [{"measures": ["VWAP", "Volume"]}]}
    program = planned([entry], {"trades": events("Price Size", (1, 20, 10, 1))})
    assert program.result.column("DeskTradeTotalVWAP").over_time.weight == "DeskTradeTotalVolume"


def test_a_pass_that_is_rolled_up_keeps_its_weights_and_rolls_up_rightly(desk, by_bucket, a_module, a_metric):
    """Listing 1, 5 January: prices 100 × 10 and 101 × 20, so (1000 + 2020) / 30 over both minutes."""
    desk.modules.append(a_module("bars", vwap(a_metric, SIZE.sum())))
    passes = [
        {"name": "minutes", "every": "1m", "modules": [{"module": "bars"}]},
        {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "minutes"}]},
    ]
    result = desk.run(*passes, dates=[date(2026, 1, 5)])
    assert result.failed == []
    minutes, hours = result.scan("minutes").collect(), result.scan("hours").collect()
    assert by_bucket(minutes, "Vwap", "VwapWeight")[1, "09:02"] == (101.0, 20.0)
    found = by_bucket(hours, "Vwap")
    assert found == {(1, "10:00"): pytest.approx(3020 / 30, rel=1e-12), (2, "10:00"): 50.0}


def test_a_carried_metric_the_module_does_not_emit_is_refused(events, a_module, a_metric):
    held = a_metric("Open", PRICE.first(), empty=basalt.Empty.CARRY, carries="Close")
    with pytest.raises(PluginError, match="metric Open carries 'Close', which it does not emit"):
        basalt.compute(a_module("open_alone", held), every="1m", trades=events("Price Size", (1, 20, 10, 1)))
