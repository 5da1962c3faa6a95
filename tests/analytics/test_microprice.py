"""The microprice: which class and spread a row has, what its table must be, and what is fitted on which rows."""

import json

import pytest

import basalt
from basalt.errors import UserError
from basalt.expressions import identity
from basalt_analytics.l2.microprice import fit
from basalt_analytics.l2.microprice_table import read
from basalt_analytics.l2.module import L2

TABLE = {
    "tick": 0.01,
    "classes": 4,
    "adjustments": [{"spread": 1, "ticks": [-0.4, -0.1, 0.1, 0.4]}, {"spread": 3, "ticks": [None, -0.2, 0.2, None]}],
}
PIPELINE = """
name = "desk"
[source]
type = "parquet"
root = "data"
[[outputs]]
type = "parquet"
root = "out"
[[passes]]
name = "bars"
every = "1m"
[[passes.modules]]
module = "l2"
microprice_table = "0.json"
prices = [{ sources = ["Microprice"] }]
"""
COLUMNS = "BidPrice1 AskPrice1 BidQuantity1 AskQuantity1"


@pytest.fixture
def saved(tmp_path):
    """The path of a file with TABLE, but for what is given."""

    def path(**changes):
        file = tmp_path / f"{len(list(tmp_path.iterdir()))}.json"
        file.write_text(json.dumps(TABLE | changes))
        return str(file)

    return path


def asked(path, **options):
    return {"microprice_table": path, "prices": [{"sources": ["Microprice"], **options}]}


@pytest.mark.parametrize(
    ("bid_size", "ask_size", "ticks"),
    [
        (100, 900, -0.4),
        (250, 750, -0.1),
        (300, 700, -0.1),
        (500, 500, 0.0),
        (501, 499, 0.1),
        (750, 250, 0.1),
        (751, 249, 0.4),
    ],
)
def test_class_of_the_imbalance_moves_the_mid(booked, saved, bid_size, ask_size, ticks):
    """Four classes of b/(b+a): edges at ¼ and ¾ belong to the middle classes, a balanced book lies between these."""
    [bar] = booked(asked(saved()), [(1, 100.00, 100.01, bid_size, ask_size)])
    assert bar["Microprice"] == pytest.approx(100.005 + 0.01 * ticks, rel=1e-14)


@pytest.mark.parametrize(
    "row",
    [
        (1, 100.00, 100.02, 300, 700),
        (1, 100.00, 100.03, 100, 900),
        (1, 100.00, 100.04, 300, 700),
        (1, 100.00, 100.015, 300, 700),
        (1, 100.00, 100.00, 300, 700),
        (1, 100.01, 100.00, 300, 700),
        (1, 100.00, None, 300, None),
        (1, 100.00, 100.01, None, 700),
        (1, 100.00, 100.01, float("nan"), 700),
    ],
)
def test_book_that_the_table_does_not_know_has_no_microprice(booked, saved, row):
    """Spreads of 2 and 4 ticks, a class without a number, half a tick, locked, crossed, one-sided, unknown sizes."""
    [bar] = booked({**asked(saved()), "crossed": "keep"}, [row])
    assert bar["Microprice"] is None


def test_rows_no_later_than_the_fitted_ones_have_none(booked, saved):
    """Fitted through 09:00:02: the row at 2 s has none, that at 3 s has mid 100.005 + .001."""
    path = saved(through="2026-01-05T09:00:02+00:00")
    rows = [(2, 100.00, 100.01, 600, 400), (3, 100.00, 100.01, 600, 400)]
    [bar] = booked(asked(path, aggregations=["First", "Last"]), rows)
    assert [bar["MicropriceFirst"], bar["Microprice"]] == [None, pytest.approx(100.006, rel=1e-14)]


def test_bars_time_weights_and_volatility_take_the_source(table, saved):
    """100.006 (class 2) from 1 s, 100.004 (class 1) from 5 s, the same again at 10 s: close 100.004, average over the
    9 s 100.004 + .002·4/9, one return ln(100.004 / 100.006)."""
    book = table(
        COLUMNS, [(1, 100.00, 100.01, 600, 400), (5, 100.00, 100.01, 400, 600), (10, 100.00, 100.01, 400, 600)]
    )
    path, options = saved(), {"sources": ["Microprice"]}
    modules = [
        {"module": "l2", "microprice_table": path, "ohlc": [options]},
        {"module": "l2tw", "microprice_table": path, "prices": [options]},
        {"module": "l2_volatility", "microprice_table": path, **options, "sampling": ["1s"], "measures": ["RV"]},
    ]
    found = basalt.compute(modules, every="10s", l2=book).row(0, named=True)
    assert [found[f"Microprice{e}"] for e in ("Open", "Close")] == pytest.approx([100.006, 100.004], rel=1e-14)
    assert found["MicropriceTWA"] == pytest.approx(100.004 + 0.002 * 4 / 9, rel=1e-13)
    assert found["MicropriceRV1s"] == pytest.approx((0.002 / 100.005) ** 2, rel=1e-7)


def test_numbers_of_the_table_stand_in_the_expressions(parts, table, saved):
    """So that another table makes another content key, and an equal one does not."""
    columns = table(COLUMNS, []).schema
    other = saved(adjustments=[{"spread": 1, "ticks": [-0.4, -0.1, 0.1, 0.41]}])
    texts = []
    for path in (saved(), saved(), other):
        [part] = parts(L2, asked(path), columns)
        texts.append("".join(map(identity, part.derive.values())))
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tick": 0}, "tick"),
        ({"classes": 3}, "classes are 3"),
        ({"classes": 1}, "classes = 1"),
        ({"adjustments": []}, "adjustments is empty"),
        ({"adjustments": [{"spread": 0, "ticks": [0, 0, 0, 0]}]}, "whole ticks from 1 on"),
        ({"adjustments": [{"spread": 1, "ticks": [0, 0, 0, "x"]}]}, "'x'"),
        ({"through": "2026-01-05"}, "no stamp with a zone"),
        ({"more": 1}, "more"),
    ],
)
def test_table_that_is_none_is_refused(booked, saved, changes, says):
    with pytest.raises(UserError, match="microprice_table") as refused:
        booked(asked(saved(**changes)), [])
    assert says in str(refused.value)


def test_file_and_source_come_together(booked, saved, tmp_path):
    source = {"prices": [{"sources": ["Microprice"]}]}
    (tmp_path / "broken.json").write_text("{")
    for options, says in (
        (source, "set microprice_table"),
        ({"microprice_table": saved()}, "has no effect"),
        ({**source, "microprice_table": "absent.json"}, "cannot be read"),
        ({**source, "microprice_table": str(tmp_path / "broken.json")}, "no JSON"),
        ({**source, "microprice_table": str(tmp_path)}, "cannot be read"),
    ):
        with pytest.raises(UserError, match=says):
            booked(options, [])


def test_the_table_s_path_starts_at_the_pipeline_s_folder(table, saved, tmp_path, monkeypatch):
    """Wherever it is run: the mid of 900 against 100 is moved by .4 ticks."""
    saved()
    book = table(COLUMNS, [(1, 100.00, 100.01, 900, 100)])
    (data := tmp_path / "data" / "l2" / "date=2026-01-05").mkdir(parents=True)
    book.write_parquet(data / "book.parquet")
    (tmp_path / "desk.toml").write_text(PIPELINE)
    (elsewhere := tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(elsewhere)
    result = basalt.run(tmp_path / "desk.toml")
    assert result.scan("bars").collect()["Microprice"].to_list() == [pytest.approx(100.009)]


ROWS = [
    (1, 100.00, 100.01, 700, 300),
    (2, 100.00, 100.01, 300, 700),
    (3, 100.01, 100.02, 700, 300),
    (4, 100.01, 100.02, 700, 300),
]


def test_fit_counts_steps_from_row_to_row(table):
    """Heavy → light, light → heavy with the mid up a tick, heavy → heavy; exchanged: light → heavy, heavy → light with
    the mid down a tick, light → light. From heavy, of 3: RK = −1/3, Q acts as (1 − 1)/3, T as −1/3, so G* = −1/3 / (1 +
    1/3) = −¼."""
    made = fit(table(COLUMNS, ROWS).lazy(), 0.01, classes=2, spreads=[1])
    assert made.adjustments[0].ticks == pytest.approx([0.25, -0.25], rel=1e-12)
    assert made.through == "2026-01-05T09:00:04+00:00"


def test_fit_does_not_mind_the_order_of_rows_and_reads_back_what_it_wrote(table, tmp_path):
    books = table(COLUMNS, ROWS)
    made = fit(books.reverse().lazy(), 0.01, classes=2, spreads=[1])
    assert made == fit(books.lazy(), 0.01, classes=2, spreads=[1])
    made.write(tmp_path / "table.json")
    assert read(str(tmp_path / "table.json"), "x") == made


def test_rows_in_no_state_part_what_is_before_from_what_is_after(table):
    """Between rows 2 and 3 a one-sided one, or one of an auction: heavy → light and heavy → heavy are left, without a
    change of the mid, so that everything is 0."""
    gap = [*ROWS[:2], (2.5, 100.00, None, 300, None), *ROWS[2:]]
    assert fit(table(COLUMNS, gap).lazy(), 0.01, 2, [1]).adjustments[0].ticks == [0, 0]
    states = ["CONTINUOUS_TRADING"] * 2 + ["HALTED"] + ["CONTINUOUS_TRADING"] * 2
    halted = table(COLUMNS, [*ROWS[:2], (2.5, *ROWS[1][1:]), *ROWS[2:]], MarketState=states)
    assert fit(halted.lazy(), 0.01, 2, [1]).adjustments[0].ticks == [0, 0]


def test_book_that_never_changes_has_no_adjustment(table):
    """Bid-heavy for ever, it never leads to an ask-heavy book; balanced, it is its own mirror image and stays: 0."""
    heavy = table(COLUMNS, [(i, 100.00, 100.01, 700, 300) for i in range(5)])
    assert fit(heavy.lazy(), 0.01, 3, [1]).adjustments[0].ticks == [None] * 3
    balanced = table(COLUMNS, [(i, 100.00, 100.01, 500, 500) for i in range(5)])
    assert fit(balanced.lazy(), 0.01, 3, [1]).adjustments[0].ticks == [None, 0, None]


def test_books_without_a_state_are_refused(table):
    with pytest.raises(UserError, match=r"ticks of 0\.03"):
        fit(table(COLUMNS, ROWS).lazy(), 0.03)


def test_fitted_adjustments_are_mirror_images():
    """G*(n − 1 − i, s) = −G*(i, s), on a simulated day."""
    from basalt.testing import market

    made = fit(market.simulate(listings=1, seed=1)["l2"].lazy(), 0.01, spreads=range(1, 9))
    known = [x for one in made.adjustments for x in one.ticks if x is not None]
    assert len(known) > 20
    assert any(known)
    for one in made.adjustments:
        for below, above in zip(one.ticks, reversed(one.ticks), strict=True):
            assert (below is None) == (above is None)
            assert below is None or below == pytest.approx(-above, rel=1e-12, abs=1e-15)
