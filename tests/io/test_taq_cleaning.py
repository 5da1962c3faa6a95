"""The taq source's cleaning rules, by hand and against a second implementation, and how many rows each takes."""

import random
from itertools import product
from pathlib import Path
from statistics import fmean, median

import polars as pl
import pytest
from data_commands import printed
from taq_files import DAY, QUOTES, STANDARD, WRDS, quotes, read, source, write, write_sample

from basalt.errors import DataError, UserError
from basalt_io.describe import describe
from basalt_io.sources import taq_cleaning
from basalt_io.validate import validate


def trades(root: Path, *prints: tuple[str, str, float, int]) -> None:
    """Trades of XXX as (time, exchange, price, correction), 100 shares each."""
    lines = [f"20180102,{time},{ex},XXX,,@,100,{price},{corr:02},1" for time, ex, price, corr in prints]
    write(root, "trades", WRDS, *lines)


def times(count: int) -> list[str]:
    return [f"9:3{i // 60}:{i % 60:02}" for i in range(count)]


def prices(root: Path, **options: object) -> list[float]:
    return source(root, **options).scan("trades", DAY).collect()["Price"].to_list()


def test_the_main_exchange_is_where_most_shares_were_traded(tmp_path):
    """N 200 shares, T 100; D's 300 are off exchange, and of P's 300 200 were corrected away. Of the other securities
    AAA trades on T alone, and BBB, which is only quoted, is left out."""
    lines = [("N", 0), ("N", 0), ("T", 0), *[("D", 0)] * 3, ("P", 8), ("P", 8), ("P", 0)]
    header = "DATE,TIME,EX,SYMBOL,PRICE,SIZE,CORR"
    rows = [f"20180102,9:30:00,{ex},XXX,10,100,{corr}" for ex, corr in lines]
    write(tmp_path, "trades", header, *rows, "20180102,9:30:00,T,AAA,10,1,0")
    quoted = [f"20180102,9:30:00,{ex},9,1,11,1,R,{name}," for name, ex in product(("AAA", "BBB", "XXX"), "NT")]
    write(tmp_path, "quotes", QUOTES, *quoted)
    found = source(tmp_path, main_exchange=True)
    for table in ("trades", "l2", "reference"):
        assert set(found.scan(table, DAY).collect()["ListingId"]) == {"AAA.T", "XXX.N"}, table
    of_two = source(tmp_path, main_exchange=True, exchanges=["P", "T"])
    assert set(of_two.scan("reference", DAY).collect()["ListingId"]) == {"AAA.T", "XXX.P"}


def test_rules_that_need_the_other_file_are_refused_without_it(tmp_path):
    quotes(tmp_path, ("9:30:00", 9.9, 3, 10.1, 4))
    with pytest.raises(UserError, match=r"main_exchange needs the trades of 2018-01-02, and .* has none: add the file"):
        source(tmp_path, main_exchange=True).scan("l2", DAY)
    (tmp_path / "quotes_20180102.csv").unlink()
    trades(tmp_path, ("9:30:00", "N", 10.0, 0))
    with pytest.raises(UserError, match=r"outside_quotes needs the quotes of 2018-01-02, and .* has none: add"):
        source(tmp_path, outside_quotes=1.0).scan("trades", DAY)


def test_a_rule_that_reads_the_other_file_has_it_in_the_fingerprint(tmp_path):
    trades(tmp_path, ("9:30:00", "N", 10.0, 0))
    told = []
    for bid in (9, 9.5):
        quotes(tmp_path, ("9:30:00", bid, 3, 10.1, 4))
        told += [source(tmp_path, outside_quotes=most).fingerprint("trades", DAY) for most in (None, 1.0)]
    assert told[0] == told[2]
    assert told[1] != told[3]


@pytest.mark.parametrize(("price", "most", "left"), [(10.12, 10.0, 50), (10.11, 10.0, 51), (10.12, 11.1, 51)])
def test_a_price_far_from_its_fifty_neighbours_is_left_out(tmp_path, price, most, left):
    """25 neighbours at 10.00 and 25 at 10.02: median 10.01, mean absolute deviation 0.01. 10.12 is 11 of them away,
    10.11 just 10."""
    flat = [10.0 if i % 2 else 10.02 for i in range(50)]
    series = [*flat[:25], price, *flat[25:]]
    trades(tmp_path, *[(time, "N", each, 0) for time, each in zip(times(51), series, strict=True)])
    assert len(prices(tmp_path, outliers=most)) == left


@pytest.mark.parametrize(("others", "left"), [(25, 25), (24, 25)])
def test_a_row_with_fewer_than_25_neighbours_is_not_judged(tmp_path, others, left):
    trades(tmp_path, *[(time, "N", 10.0, 0) for time in times(others)], ("9:40:00", "N", 99.0, 0))
    assert len(prices(tmp_path, outliers=10.0)) == left


def test_neighbours_are_of_the_listing_in_time_and_stand(tmp_path):
    """Between N's rows, from the last to the first, lie T's at another price, and corrections at 0.01 of both."""
    rows = [(time, "N", 10.0 if i % 2 else 10.02, 0) for i, time in enumerate(times(60))][::-1]
    rows += [(time, "T", 500.0 if i % 2 else 500.02, 0) for i, time in enumerate(times(60))]
    rows += [(time, ex, 0.01, 8) for time, ex in product(times(60), "NT")]
    trades(tmp_path, *rows)
    assert prices(tmp_path, outliers=10.0) == [price for _, _, price, _ in rows]
    assert len(prices(tmp_path, outliers=10.0, merge=True)) == 120


def test_mid_quotes_are_judged_and_equal_ones_are_equal(tmp_path):
    """All mids are 10.005, of which floats differ in the last bit: the one at 10.015 is the only one away."""
    sides = [(10.0, 10.01), (10.0, 10.01), (9.96, 10.05)]
    assert len({(bid + ask) / 2 for bid, ask in sides}) == 2
    rows = [(time, *sides[i % 3]) for i, time in enumerate(times(60))]
    rows[30] = (rows[30][0], 10.01, 10.02)
    quotes(tmp_path, *[(time, bid, 1, ask, 1) for time, bid, ask in rows])
    left = source(tmp_path, outliers=10.0).scan("l2", DAY).collect()
    assert left.height == 59
    assert not left.filter(pl.col("BidPrice1") == 10.01).height


def test_a_quote_without_a_side_has_no_mid_and_stays(tmp_path):
    rows = [(time, 10.0, 10.01 + i % 2 / 100) for i, time in enumerate(times(60))]
    rows[30] = (rows[30][0], 0, 10.01)
    quotes(tmp_path, *[(time, bid, 1, ask, 1) for time, bid, ask in rows])
    left = source(tmp_path, outliers=10.0).scan("l2", DAY).collect()
    assert (left.height, left["BidPrice1"].null_count()) == (60, 1)


def by_hand(series: list[float], most: float) -> list[float]:
    kept = []
    for i, price in enumerate(series):
        around = series[max(i - 25, 0) : i] + series[i + 1 : i + 26]
        middle = median(around)
        if abs(price - middle) <= most * fmean(abs(each - middle) for each in around) + 1e-9 * middle:
            kept.append(price)
    return kept


def test_blocks_of_rows_are_judged_as_one_series(tmp_path, monkeypatch):
    """Random walks with jumps, in blocks of 7 rows and in one, as the definition has it."""
    chance, price, series = random.Random(5), 100.0, []
    for _ in range(300):
        price += chance.choice([-0.01, 0, 0.01])
        series.append(round(price + (chance.random() < 0.05) * chance.choice([-3, 3]), 2))
    trades(tmp_path, *[(time, "N", each, 0) for time, each in zip(times(300), series, strict=True)])
    wanted = by_hand(series, 3.0)
    assert 270 < len(wanted) < 300
    assert prices(tmp_path, outliers=3.0) == wanted
    monkeypatch.setattr(taq_cleaning, "_BLOCK", 7)
    assert prices(tmp_path, outliers=3.0) == wanted


def test_trades_outside_the_best_quotes_of_all_exchanges(tmp_path):
    """N 9.90 × 10.10 and from 9:30:01 T 9.95 × 10.20: best 9.95 × 10.10, so up to 10.25 and down to 9.80, at half a
    spread 10.175 and 9.875. Before 9:30 nothing is quoted; at 9:30:03 T bids 10.30, which crosses; at 9:30:04 it bids
    nothing, and N's 9.90 is the best bid. A corrected trade stays as it is."""
    lines = [("9:30:00", "N", 9.9, 10.1), ("9:30:01", "T", 9.95, 10.2), ("9:30:03", "T", 10.3, 10.4)]
    lines += [("9:30:04", "T", 0, 10.2)]
    rows = [f"20180102,{time},{ex},{bid},1,{ask},1,R,XXX," for time, ex, bid, ask in lines]
    write(tmp_path, "quotes", QUOTES, *rows)
    at_two = [("9:30:02", "D", price, 0) for price in (10.25, 10.26, 9.8, 9.79)]
    later = [("9:30:03.5", "N", 20.0, 0), ("9:30:04", "N", 10.29, 0), ("9:30:04", "N", 10.31, 0)]
    trades(tmp_path, ("9:29:59", "N", 99.0, 0), *at_two, ("9:30:02", "N", 50.0, 8), *later)
    assert prices(tmp_path, outside_quotes=1.0) == [99.0, 10.25, 9.8, 50.0, 20.0, 10.29]
    assert prices(tmp_path, outside_quotes=0.5) == [99.0, 50.0, 20.0]


def test_without_a_sound_quote_every_trade_stays(tmp_path):
    write(tmp_path, "quotes", QUOTES)
    trades(tmp_path, ("9:30:02", "N", 10.0, 0))
    assert prices(tmp_path, outside_quotes=1.0) == [10.0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("taq")
    write_sample(place)
    return place


def test_the_whole_procedure_on_the_sample(folder):
    """77,263 trades less 451, 65,625, 2 and 4,017 are 7,168; 131,401 quotes less 96, 776, 36,109 and 47,856 are 46,564.
    Neither outliers nor trades outside the quotes are left among them: a search by hand finds none either."""
    found = source(folder, **STANDARD, outliers=10.0, outside_quotes=1.0)
    counts = [found.left_out("trades", day) for day in found.dates("trades")]
    total = {rule: sum(count[rule] for count in counts) for rule in counts[0]}
    rest = dict.fromkeys(("drop_zeros", "corrections", "outliers", "outside_quotes"), 0)
    assert total == {"hours": 451, "exchanges": 65_625, "conditions": 2, "merge": 4_017, **rest}
    assert read(found, "trades").height == 77_263 - sum(total.values())
    counts = [found.left_out("l2", day) for day in found.dates("l2")]
    total = {rule: sum(count[rule] for count in counts) for rule in counts[0]}
    rest = dict.fromkeys(("drop_crossed", "max_spread", "outliers"), 0)
    assert total == {"drop_zeros": 96, "hours": 776, "exchanges": 36_109, "merge": 47_856, **rest}
    assert read(found, "l2").height == 46_564


def test_trades_outside_the_best_quotes_of_the_sample_one_by_one(folder):
    """Of 39,470 trades 5,221 lie outside, as each exchange's last quote has it that is asked trade by trade."""
    raw = source(folder, drop_zeros=True)
    columns = ("EventTimestamp", "ListingId", "BidPrice1", "AskPrice1")
    told = raw.scan("l2", DAY).select(columns).sort("EventTimestamp", maintain_order=True).collect().rows()
    books, changes, inside = {}, iter(told), []
    change = next(changes, None)
    trades = raw.scan("trades", DAY).select("EventTimestamp", "Price", "IsCancelled").collect()
    for at, price, cancelled in trades.sort("EventTimestamp", maintain_order=True).rows():
        while change is not None and change[0] <= at:
            books[change[1]], change = change[2:], next(changes, None)
        bid, ask = max((b for b, _ in books.values()), default=0), min((a for _, a in books.values()), default=0)
        room = ask - bid + 1e-9 * price
        if cancelled or not books or ask < bid or bid - room <= price <= ask + room:
            inside.append((at, price))
    kept = source(folder, drop_zeros=True, outside_quotes=1.0).scan("trades", DAY)
    found = kept.select("EventTimestamp", "Price").sort("EventTimestamp", maintain_order=True).collect()
    assert found.rows() == inside
    assert (trades.height, trades.height - found.height) == (39_470, 5_221)


def test_the_sample_is_of_a_stock_of_new_york(folder):
    assert set(read(source(folder, main_exchange=True), "trades")["ListingId"]) == {"XXX.N"}


def test_data_commands_tell_what_is_left_out(tmp_path):
    trades(tmp_path, ("9:30:00", "N", 10.0, 0), ("9:30:00", "N", 10.2, 0), ("9:30:00", "T", 0, 0))
    said = "trades of 2018-01-02: rows left out by drop_zeros 1, corrections 0, merge 1"
    for command in (describe, validate):
        options = ("--source", "taq", "--table", "trades", "--set", "merge=true", "--set", "drop_zeros=true")
        _, story = printed(command, tmp_path, *options)
        assert said in story
    assert source(tmp_path).left_out("trades", DAY) == {}


def test_counting_rows_of_a_bad_file_is_refused(tmp_path):
    write(tmp_path, "trades", WRDS, "20180102,9:30:00,N,XXX,,,one,1,00,1")
    with pytest.raises(DataError, match=r"trades of 2018-01-02 cannot be read .*one"):
        source(tmp_path, drop_zeros=True).left_out("trades", DAY)
