"""Transform aggressive_trades on prints and on the order events E1: which executions are one order, and its figures."""

from datetime import date

import pytest
from order_events import NINE, e1

from basalt.config.structure import structure
from basalt.modules import PassContext
from basalt_analytics.transforms.aggressive_trades import AggressiveTrades

PRINTS = [
    ("0", 10.00, 100, "Buy"),
    ("0.000003", 10.01, 200, "Buy"),
    ("0.000005", 10.02, 50, "Buy"),
    ("0.050", 10.02, 100, "Buy"),
    ("0.050", 10.01, 70, "Sell"),
    ("0.050004", 10.01, 30, None),
    ("0.050006", 10.01, 20, None),
    ("0.050008", 10.00, 30, "Sell"),
]


def orders(inputs, **options):
    transform = AggressiveTrades(structure(AggressiveTrades.Config, options, "preprocess[0]"))
    transform.columns({name: frame.schema for name, frame in inputs.items()})
    pass_ = PassContext("bars", date(2026, 1, 5), ["ListingId"], None)
    return {n: f.collect() for n, f in transform.apply({n: f.lazy() for n, f in inputs.items()}, pass_).items()}


@pytest.fixture(name="of_prints")
def of_prints_(table):
    """The orders of the eight prints."""

    def made(**options):
        return orders({"trades": table("Price Size AggressorSide", PRINTS)}, **options)["aggressive_orders"]

    return made


@pytest.fixture(name="of_e1")
def of_e1_():
    """The orders of E1."""
    return orders({"l3": e1()}, table="l3")["aggressive_orders"]


def seconds(stamps):
    return ((stamps.to_physical() - NINE) / 1e9).to_list()


def test_the_prints_are_six_orders(of_prints):
    """3 and 2 us lie between the first three; 50 ms before the fourth; the side changes at the fifth; unknown prints
    stand alone, and between the last two sells, 8 us apart."""
    found = of_prints()
    assert found.select("AggressorSide", "Size").rows() == [
        ("Buy", 350), ("Buy", 100), ("Sell", 70), (None, 30), (None, 20), ("Sell", 30)
    ]  # fmt: skip
    assert found["AggressiveOrderId"].to_list() == [0, 1, 2, 3, 4, 5]


def test_the_price_of_an_order_is_its_vwap(of_prints):
    """(100 × 10.00 + 200 × 10.01 + 50 × 10.02) / 350 = 3503 / 350."""
    assert of_prints()["Price"].to_list() == pytest.approx([10.008571428571429, 10.02, 10.01, 10.01, 10.01, 10.00])


def test_the_notional_of_an_order_is_what_was_paid(of_prints):
    """1000 + 2002 + 501."""
    assert of_prints()["Notional"][0] == pytest.approx(3503)


def test_an_order_counts_its_executions_and_its_prices(of_prints):
    found = of_prints()
    assert found["Executions"].to_list() == [3, 1, 1, 1, 1, 1]
    assert found["Levels"].to_list() == [3, 1, 1, 1, 1, 1]


def test_an_order_lasts_from_its_first_execution_to_its_last(of_prints):
    assert of_prints()["DurationSeconds"].to_list() == pytest.approx([5e-6, 0, 0, 0, 0, 0], abs=1e-18)


def test_an_order_has_its_prices(of_prints):
    first = of_prints().row(0, named=True)
    assert [first[name] for name in ("FirstPrice", "LastPrice", "MinPrice", "MaxPrice")] == [10, 10.02, 10, 10.02]
    assert first["PriceRange"] == pytest.approx(0.02)


def test_an_order_at_two_prices_is_a_sweep(of_prints):
    assert of_prints()["IsSweep"].to_list() == [True, False, False, False, False, False]
    assert of_prints(sweep_levels=4)["IsSweep"].to_list() == [False] * 6


def test_without_prints_of_unknown_side_the_two_sells_are_one_order(of_prints):
    """8 us ≤ 10 us: (70 × 10.01 + 30 × 10.00) / 100 = 10.007."""
    found = of_prints(unknown_side="drop")
    assert found["AggressorSide"].to_list() == ["Buy", "Buy", "Sell"]
    last = found.row(2, named=True)
    assert (last["Size"], last["Price"], last["Executions"]) == (100, pytest.approx(10.007), 2)


def test_an_order_may_grow_until_another_breaks_it_or_the_gap_is_over(of_prints):
    """In us after 9: the first until 5 + 10; the second is broken at once by the sell of its instant, that by the print
    4 us later, the unknown ones by those 2 us later; the last until 50 008 + 10."""
    final = of_prints()["FinalTimestamp"].to_physical() - NINE
    assert (final / 1000).to_list() == pytest.approx([15, 50000, 50004, 50006, 50008, 50018])


def test_an_order_is_stamped_by_its_last_execution_or_its_first(of_prints):
    assert seconds(of_prints()["EventTimestamp"])[0] == 5e-6
    assert seconds(of_prints(stamp="first")["EventTimestamp"])[0] == 0


def test_e1_has_three_orders(of_e1):
    """200 at 3.0, then rows 10 and 11, then 100 at 8.0: who meets a bid sells."""
    assert seconds(of_e1["EventTimestamp"]) == [3.0, 4.5, 8.0]
    found = of_e1.select("AggressorSide", "Size", "Price").rows()
    assert found == [("Sell", 200, 100.00), ("Sell", 200, 100.00), ("Buy", 100, 100.02)]


def test_e1_two_executions_of_one_event_are_one_order(of_e1):
    """Row 10 does not end its event, and row 11 does: 150 of b1 and 50 of b4."""
    assert of_e1["Executions"].to_list() == [1, 2, 1]
    assert of_e1["RestingOrders"].to_list() == [1, 2, 1]
    assert of_e1["Levels"].to_list() == [1, 1, 1]


def test_e1_executions_are_numbered_in_their_orders():
    found = orders({"l3": e1()}, table="l3")["aggressive_executions"]
    assert found.select("SequenceNo", "AggressiveOrderId", "ExecutionIndex").rows() == [
        (6, 0, 0), (10, 1, 0), (11, 1, 1), (16, 2, 0)
    ]  # fmt: skip
