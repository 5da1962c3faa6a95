"""The taq source on real days, pseudonymous stock XXX of 2018-01-02 and 03, and on files written here.

The sample comes twice, raw and cleaned by the standard procedure: what the options make of the first is the second.
"""

import datetime as dt
import gzip
from pathlib import Path

import polars as pl
import pytest
from taq_files import DAY, QUOTES, STANDARD, WRDS, quotes, read, sample, source, write, write_sample

from basalt.errors import DataError, UserError
from basalt.testing import SourceLaws
from basalt_io.sources.taq import TaqSource

NEXT = dt.date(2018, 1, 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("taq")
    write_sample(place)
    return place


class TestSample:
    def test_every_row_is_there(self, folder):
        """77,263 trades, two of them corrections (codes 8 and 10), and 131,401 quotes on 12 exchanges."""
        trades, quotes = read(source(folder), "trades"), read(source(folder), "l2")
        assert (trades.height, trades["IsCancelled"].sum()) == (77_263, 2)
        assert (quotes.height, quotes["ListingId"].n_unique()) == (131_401, 12)

    def test_listings_are_exchanges_of_one_instrument(self, folder):
        reference = source(folder).scan("reference", DAY).collect()
        assert set(reference["InstrumentId"]) == {"XXX"}
        assert dict(reference.select("ListingId", "MIC").rows())["XXX.N"] == "XNYS"
        assert reference["ListingId"].is_sorted()

    def test_cleaned_trades_are_the_cleaned_sample(self, folder):
        """11,191 on N, 11,187 in hours, 11,185 without two opening prints, 7,168 stamps; bit for bit."""
        within = source(folder, exchanges=["N"])
        assert read(within, "trades").height == 11_191
        within = source(folder, exchanges=["N"], hours=["09:30", "16:00"])
        assert read(within, "trades").height == 11_187
        within = source(folder, exchanges=["N"], hours=["09:30", "16:00"], conditions="@EFI")
        assert read(within, "trades").height == 11_185
        cleaned, wanted = read(source(folder, **STANDARD), "trades"), sample("sampleTData")
        assert cleaned.height == 7_168
        assert cleaned["EventTimestamp"].to_list() == wanted["DT"].to_list()
        assert cleaned["Price"].to_list() == wanted["PRICE"].to_list()
        assert cleaned["Size"].to_list() == wanted["SIZE"].to_list()

    def test_quotes_of_one_exchange_without_zeros_and_merged(self, folder):
        """94,422 on N, 46,566 stamps; two of these lie outside 09:30 to 16:00."""
        assert read(source(folder, exchanges=["N"], drop_zeros=True), "l2").height == 94_422
        assert read(source(folder, exchanges=["N"], drop_zeros=True, merge=True), "l2").height == 46_566

    def test_cleaned_quotes_are_the_cleaned_sample(self, folder):
        """46,564 rows, bit for bit; the sample's own outlier rule took none away."""
        cleaned, wanted = read(source(folder, **STANDARD, lot=1.0), "l2"), sample("sampleQData")
        assert cleaned.height == 46_564
        assert cleaned["EventTimestamp"].to_list() == wanted["DT"].to_list()
        for ours, theirs in (
            ("BidPrice1", "BID"),
            ("AskPrice1", "OFR"),
            ("BidQuantity1", "BIDSIZ"),
            ("AskQuantity1", "OFRSIZ"),
        ):
            assert cleaned[ours].to_list() == wanted[theirs].to_list()

    def test_the_order_of_options_and_a_folder_of_parquet_make_no_difference(self, folder, tmp_path):
        for file in folder.glob("trades_*.csv"):
            pl.read_csv(file, schema_overrides={"TIME_M": pl.Time}).write_parquet(tmp_path / f"{file.stem}.parquet")
        assert read(source(tmp_path, **STANDARD), "trades").equals(read(source(folder, **STANDARD), "trades"))


def test_trades_as_wrds_names_them(tmp_path):
    """09:30 in New York is 14:30 UTC in January. O is an opening print, I an odd lot, D a trade report off exchange;
    corrections 01 and 08 are left out by everything that reads trades."""
    found = write(
        tmp_path,
        "trades",
        WRDS,
        "20180102,9:30:00.000000001,N,BRK,B,@O,100,198.5,00,71",
        "2018-01-02,09:30:00.5,D,BRK,B,@  I,3,198.45,00,72",
        "20180102,15:59:59.999999999,N,XXX,,@6 X,10,20.01,01,73",
        "20180102,16:00:00.000,T,XXX,,,10,20.02,08,",
    )
    rows = found.scan("trades", DAY).collect()
    assert rows["ListingId"].to_list() == ["BRK.B.N", "BRK.B.D", "XXX.N", "XXX.T"]
    assert rows["EventTimestamp"].cast(pl.String).to_list() == [
        "2018-01-02 14:30:00.000000001+00:00",
        "2018-01-02 14:30:00.500000000+00:00",
        "2018-01-02 20:59:59.999999999+00:00",
        "2018-01-02 21:00:00.000000000+00:00",
    ]
    assert rows["TradeType"].to_list() == ["Auction", "OffBook", "Auction", "Lit"]
    assert rows["IsOddLot"].to_list() == [False, True, False, False]
    assert rows["IsCancelled"].to_list() == [False, False, True, True]
    assert rows["TradeId"].to_list() == ["71", "72", "73", None]
    assert rows["Venue"].to_list() == ["N", "D", "N", "T"]


def test_stamps_of_one_column_with_and_without_zone(tmp_path):
    """R writes UTC with a Z; without it the stamp is New York's, in summer four hours behind."""
    day = dt.date(2018, 7, 2)
    found = write(
        tmp_path,
        "trades",
        "DT,EX,SYMBOL,PRICE,SIZE",
        "2018-07-02T13:30:00.125Z,N,XXX,1,1",
        "2018-07-02 09:30:00.125,N,XXX,1,1",
        day=day,
    )
    stamps = found.scan("trades", day).collect()["EventTimestamp"]
    assert stamps.to_list() == [dt.datetime(2018, 7, 2, 13, 30, 0, 125_000, tzinfo=dt.UTC)] * 2


def test_stamps_of_parquet_columns(tmp_path):
    """Zoned, naive (New York's) and as a date with a time of day, under names in lower case."""
    naive = pl.Series([dt.datetime(2018, 1, 2, 9, 30, 0, 125_000)])
    rows = pl.DataFrame({"ex": "N", "symbol": "XXX", "price": 1.5, "size": 100})
    stamps = [
        {"dt": naive},
        {"dt": naive.dt.replace_time_zone("America/New_York")},
        {"dt": naive.dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC")},
        {"date": naive.dt.date(), "time_m": naive.dt.time()},
    ]
    for i, columns in enumerate(stamps):
        rows.with_columns(**columns).write_parquet(tmp_path / f"trades_{i}_20180102.parquet")
    found = source(tmp_path).scan("trades", DAY).collect()
    assert found["EventTimestamp"].to_list() == [dt.datetime(2018, 1, 2, 14, 30, 0, 125_000, tzinfo=dt.UTC)] * 4
    assert found.select("ListingId", "Price", "Size").unique().rows() == [("XXX.N", 1.5, 100.0)]


BOOK = ("BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1")


def test_quote_sizes_are_lots_and_a_side_at_zero_is_none(tmp_path):
    found = quotes(tmp_path, ("9:30:00", 9.9, 3, 10.1, 4), ("9:30:01", 0, 0, 10.1, 4))
    assert found.scan("l2", DAY).select(BOOK).collect().rows() == [
        (9.9, 300.0, 10.1, 400.0),
        (None, None, 10.1, 400.0),
    ]
    assert source(tmp_path, lot=1.0).scan("l2", DAY).collect()["BidQuantity1"].to_list() == [3.0, None]
    assert source(tmp_path, drop_zeros=True).scan("l2", DAY).collect().height == 1


def test_each_rule_for_quotes(tmp_path):
    """Spreads .2, .2, 0, −.1, .3 and 20: the third and fourth are crossed. Of the other four the median is .25, and
    20 is 80 times that: out at 50, in at 81."""
    spreads = (0.2, 0.2, 0.0, -0.1, 0.3, 20.0)
    found = quotes(tmp_path, *[(f"9:30:0{i}", 10.0, 1, round(10 + spread, 1), 1) for i, spread in enumerate(spreads)])
    assert found.scan("l2", DAY).collect().height == 6
    assert source(tmp_path, drop_crossed=True).scan("l2", DAY).collect().height == 4
    for most, left in ((50.0, 3), (81.0, 4)):
        assert source(tmp_path, drop_crossed=True, max_spread=most).scan("l2", DAY).collect().height == left


def test_merged_rows_have_medians_and_sums(tmp_path):
    """Prices 10.0, 10.4 and 10.1 → 10.1, sizes 1 + 2 + 3; of two bids the mean, (9.8 + 9.9) / 2 = 9.85. The trade at
    11 was cancelled, and 10.9 is of another exchange."""
    header = "DATE,TIME,EX,SYMBOL,PRICE,SIZE,COND,CORR"
    prices = (("N", 10.0, 1, 0), ("N", 10.4, 2, 0), ("N", 11.0, 9, 8), ("T", 10.9, 7, 0), ("N", 10.1, 3, 0))
    write(tmp_path, "trades", header, *[f"20180102,9:30:00,{ex},XXX,{p},{n},,{corr}" for ex, p, n, corr in prices])
    quotes(tmp_path, ("9:30:00", 9.8, 1, 10.2, 2), ("9:30:00", 9.9, 3, 10.2, 4))
    found = source(tmp_path, merge=True)
    trades = found.scan("trades", DAY).collect()
    assert trades.select("ListingId", "Price", "Size").rows() == [("XXX.N", 10.1, 6.0), ("XXX.T", 10.9, 7.0)]
    assert trades["IsCancelled"].to_list() == [False, False]
    assert found.scan("l2", DAY).select(BOOK).collect().rows() == [(pytest.approx(9.85), 400.0, 10.2, 600.0)]


def test_conditions_keep_trades_of_those_letters_only(tmp_path):
    conditions = ("", "@", "@F I", "FI", "@FTI", "O", "I")
    write(tmp_path, "trades", WRDS, *[f"20180102,9:30:00,N,XXX,,{c},1,{i},00,1" for i, c in enumerate(conditions)])
    kept = source(tmp_path, conditions="@EFI").scan("trades", DAY).collect()["Price"].to_list()
    assert kept == [0.0, 1.0, 2.0, 3.0, 6.0]
    kept = source(tmp_path, conditions="@EFI", drop_zeros=True).scan("trades", DAY).collect()["Price"].to_list()
    assert kept == [1.0, 2.0, 3.0, 6.0]


def test_hours_include_both_ends(tmp_path):
    times = ("9:29:59.999999", "9:30:00", "16:00:00", "16:00:00.000001")
    write(tmp_path, "trades", WRDS, *[f"20180102,{t},N,XXX,,,1,{i},00,1" for i, t in enumerate(times)])
    assert source(tmp_path, hours=["09:30", "16:00"]).scan("trades", DAY).collect()["Price"].to_list() == [1.0, 2.0]


def test_quotes_around_names_and_values_are_taken_off(tmp_path):
    """As R and pandas write them; a quote without its pair swallows no rows."""
    names = ",".join(f'"{name}"' for name in WRDS.split(","))
    row = '"20180102","9:30:00","N","XXX","","@","{}",10.5,"00",""'
    found = write(tmp_path, "trades", names, row.format(1), row.format(2)).scan("trades", DAY).collect()
    assert found.select("ListingId", "Price", "Size").rows() == [("XXX.N", 10.5, 1.0), ("XXX.N", 10.5, 2.0)]
    lines = ['20180102,9:30:00,N,XXX,"",@,1,1,00,"', "20180102,9:30:00,N,XXX,,@,2,1,00,1"]
    assert write(tmp_path, "trades", WRDS, *lines).scan("trades", DAY).collect()["Size"].to_list() == [1.0, 2.0]


def test_patterns_gzip_and_several_files_of_a_date(tmp_path):
    line = "20180102,9:30:00,N,{},,,1,1,00,1\n"
    for symbol in ("AAA", "BBB"):
        text = f"{WRDS}\n{line.format(symbol)}"
        (tmp_path / f"ctm_2018-01-02_{symbol}.csv.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "notes_20180102.txt").touch()
    found = source(tmp_path, trades="ctm_*")
    assert found.scan("trades", DAY).collect()["ListingId"].to_list() == ["AAA.N", "BBB.N"]
    assert found.dates("trades") == found.dates("reference") == [DAY]
    assert found.dates("l2") == []
    with pytest.raises(UserError, match=r"has no l2 for 2018-01-02: .* has no date"):
        found.scan("l2", DAY)
    with pytest.raises(UserError, match=r"is none of \.csv, \.csv\.gz, \.parquet: narrow the pattern"):
        source(tmp_path, trades="*").dates("trades")


def test_bad_options_are_refused_while_planning(tmp_path):
    write(tmp_path, "trades", WRDS)
    for options, said in (
        ({"hours": ["09:30"]}, "hours = .* are no two times"),
        ({"hours": ["9 am", "16:00"]}, "hours = .* are no two times"),
        ({"hours": ["09:30", "16:00+01:00"]}, "hours = .* are no two times"),
        ({"hours": ["16:00", "09:30"]}, "end before they begin"),
        ({"exchanges": ["N", "NYSE"]}, "exchanges has 'NYSE': write them as TAQ's letters"),
        ({"lot": 0.0}, r"lot = 0.0 must be above 0"),
        ({"max_spread": -1.0}, r"max_spread = -1.0 must be above 0"),
        ({"time_zone": "Mars/Base"}, "time_zone = 'Mars/Base' is unknown"),
    ):
        with pytest.raises(UserError, match=said):
            source(tmp_path, **options).tables()
    for options, said in (
        ({"trades": "*2018*", "quotes": "*trade*"}, "matches `trades` and `quotes`"),
        ({"trades": "/x"}, "trades = '/x' is no pattern"),
        ({"trades": "ctm*"}, "holds no file as ctm"),
    ):
        with pytest.raises(UserError, match=said):
            source(tmp_path, **options).dates("trades")
    (tmp_path / "trades_of_xxx.csv").touch()
    with pytest.raises(UserError, match=r"trades_of_xxx.csv has no date in its name: split it by date"):
        source(tmp_path).dates("trades")


def test_options_change_the_fingerprint(tmp_path):
    plain = write(tmp_path, "trades", WRDS)
    for options in ({"merge": True}, {"exchanges": ["N"]}, {"lot": 1.0}, {"time_zone": "UTC"}):
        assert source(tmp_path, **options).fingerprint("trades", DAY) != plain.fingerprint("trades", DAY)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "cannot be read"),
        ("DATE,TIME_M,EX,SYM_ROOT,SIZE\n", "has no column PRICE, it has DATE, TIME_M"),
        ("DATE,EX,SYM_ROOT,PRICE,SIZE\n", "has no column TIME_M or TIME"),
        (f"{WRDS}\n20180102,9:30:00,N,XXX", "ends in the middle of a row"),
        (f"{WRDS}\n20180102,9:30:00,N,XXX,,,1,1,00,1", "has no line end behind its last row, which may be cut short"),
        (f"{WRDS}\n20180103,9:30:00,N,XXX,,,1,1,00,1\n", "has rows of another date than 2018-01-02: split it by date"),
        (f"{WRDS}\n20180102,9:30:00,N,XXX,,,,1,00,1\n", "has 1 rows without SIZE"),
        (f"{WRDS}\n20180102,9:30:00,,XXX,,,1,1,00,1\n", "has 1 rows without EX"),
        (f"{WRDS}\n20180102,9:30:00,N,XXX,,,1,1,,1\n", "has 1 rows without CORR"),
        (f"{WRDS}\n20180102,9:30:00,N,XXX,,,1,inf,00,1\n", "has a PRICE that is no number"),
        (f"{WRDS}\n20180102,9:30:00,N,XXX,,,one,1,00,1\n", "one"),
        (f"{WRDS}\n20180102,half past nine,N,XXX,,,1,1,00,1\n", "half past nine"),
    ],
)
def test_bad_files_are_refused_and_named(tmp_path, content, said):
    (tmp_path / "trades_20180102.csv").write_text(content)
    with pytest.raises((DataError, pl.exceptions.PolarsError), match=said):
        source(tmp_path).scan("trades", DAY).collect()


class TestLaws(SourceLaws):
    """Two dates, two exchanges, everything cleaned."""

    def source(self, folder: Path) -> TaqSource:
        for day in (DAY, NEXT) if not any(folder.iterdir()) else ():
            lines = [f"{day:%Y%m%d},9:30:0{i // 2},{ex},XXX,,@,{i + 1},10.{i},00,{i}" for i in range(6) for ex in "NT"]
            write(folder, "trades", WRDS, *lines, day=day)
            lines = [f"{day:%Y%m%d},9:30:0{i},{ex},9.{i},{i + 1},11,2,R,XXX," for i in range(4) for ex in "NT"]
            write(folder, "quotes", QUOTES, *lines, day=day)
        return source(folder, **{**STANDARD, "exchanges": []})
