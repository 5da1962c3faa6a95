"""Each law of sources against mutants: small sources that break it, and keep every other law."""

import itertools
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from polars.io.plugins import register_io_source

from basalt.columns import Unit
from basalt.documents import PassResult, ResultColumn, to_json
from basalt.errors import BasaltError, UserError
from basalt.sources import Promises, Size, Source
from basalt.tables import AGGRESSOR, NS_UTC
from basalt.testing import SourceLaws

LAWS = sorted(name for name in vars(SourceLaws) if name.startswith("test_"))
DATES = [date(2026, 1, 5), date(2026, 1, 6)]
SCHEMA = {
    "ListingId": pl.Int64,
    "EventTimestamp": NS_UTC,
    "SequenceNo": pl.Int64,
    "Price": pl.Float64,
    "Size": pl.Float64,
    "AggressorSide": AGGRESSOR,
}
STATES = {"ListingId": pl.Int64, "EventTimestamp": NS_UTC, "ReferencePrice": pl.Float64, "SequenceNo": pl.Int64}
opened = itertools.count()


class Bowl(Source):
    """Trades and imbalances of two dates in memory, one sequence over both: lawful; mutants change one step."""

    name = "bowl"
    promises = Promises(sorted=True, shared_sequence=True)

    def tables(self):
        return ["imbalance", "trades"]

    def dates(self, table):
        return DATES

    def fingerprint(self, table, day):
        return f"{table} {day}"

    def size(self, table, day):
        return Size(4, 100)

    def scan(self, table, day):
        if table not in self.tables() or day not in DATES:
            raise UserError(f"the bowl has no {table} for {day}: it has {', '.join(self.tables())}")
        return self.rows(table, day).lazy()

    def rows(self, table, day):
        """Of listings 1 and 2, two rows each: trades are numbered 1 and 3, imbalances 2 and 4."""
        nine = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
        numbers = [1, 3] if table == "trades" else [2, 4]
        at = [(listing, nine + timedelta(seconds=n), n) for listing in (1, 2) for n in numbers]
        if table == "trades":
            return pl.DataFrame([(k, t, n, 10.0 + n, 5.0, None) for k, t, n in at], SCHEMA, orient="row")
        return pl.DataFrame([(k, t, 10.0 + n, n) for k, t, n in at], STATES, orient="row")


class NamesTwice(Bowl):
    def tables(self):
        return ["imbalance", "trades", "trades"]


class HasNoRow(Bowl):
    def size(self, table, day):
        return None

    def rows(self, table, day):
        return super().rows(table, day).clear()


class CountsDatesDown(Bowl):
    def dates(self, table):
        return DATES[::-1]

    def rows(self, table, day):
        """In the order of its dates, stamps ascend all the same."""
        return super().rows(table, DATES[1 - DATES.index(day)])


class NarrowPrices(Bowl):
    def rows(self, table, day):
        return super().rows(table, day).cast({"Price": pl.Float32} if table == "trades" else {})


class TellsAnotherSchema(Bowl):
    def scan(self, table, day):
        rows = super().scan(table, day)
        return rows.map_batches(
            lambda frame: frame.cast({"Price": pl.Float32}) if "Price" in frame.columns else frame,
            validate_output_schema=False,
        )


class LosesAKey(Bowl):
    def rows(self, table, day):
        rows = super().rows(table, day)
        last = pl.int_range(pl.len()) == 0
        return rows.with_columns(ListingId=pl.when(~last).then("ListingId"))


class CarriesOver(Bowl):
    def size(self, table, day):
        return None

    def rows(self, table, day):
        rows = super().rows(table, day)
        if day == DATES[0] or table == "trades":
            return rows
        late = super().rows(table, DATES[0]).tail(1).with_columns(SequenceNo=pl.lit(0, pl.Int64))
        return pl.concat([late, rows]).sort("ListingId", "EventTimestamp")


class CountsItsOpenings(Bowl):
    def __init__(self, *given):
        super().__init__(*given)
        self.number = next(opened)

    def fingerprint(self, table, day):
        return f"{self.number}"


class IgnoresTheFilter(Bowl):
    def scan(self, table, day):
        rows = super().scan(table, day).collect()

        def batches(with_columns, predicate, n_rows, batch_size):
            yield rows if with_columns is None else rows.select(with_columns)

        return register_io_source(batches, schema=rows.schema)


class WantsTheFirstKeyAlone(Bowl):
    def scan_of(self, table, day, keys):
        return self.scan(table, day).filter(pl.col(keys.name).is_in(keys.head(1).implode()))


class MissesARow(Bowl):
    def size(self, table, day):
        return Size(3, 100)


class DescribesAnother(Bowl):
    def document(self, table, day):
        column = ResultColumn("Price", Unit.PRICE, "Price of the trade.", pl.Float32())
        return to_json(PassResult(table, ("ListingId",), None, (column,), (pl.Int64(),)))


class CountsAListingTwice(Bowl):
    def rows_by_key(self, table, day, key):
        return pl.DataFrame({key: [1, 2], "Rows": [2, 4]})


class IsSilentOnOtherDates(Bowl):
    def scan(self, table, day):
        return super().scan(table, day) if day in DATES else super().scan(table, DATES[0]).clear()


class OutOfOrder(Bowl):
    def rows(self, table, day):
        return super().rows(table, day).reverse()


class TwoSequences(Bowl):
    def rows(self, table, day):
        rows = super().rows(table, day)
        return rows.with_columns(pl.col("SequenceNo") + (10 if table == "trades" else 0))


NAMED = "test_tables_are_named_once_and_have_rows"
ASCEND = "test_dates_ascend"
CONTRACT = "test_columns_are_the_contracts"
TOLD = "test_the_schema_told_is_that_of_the_rows"
KEYED = "test_every_row_has_its_key_and_time"
OVERLAP = "test_dates_do_not_overlap"
AGAIN = "test_opened_again_it_is_the_same"
PARTS = "test_parts_are_those_of_the_whole"
WANTED = "test_wanted_keys_give_their_rows"
SIZE = "test_its_size_is_that_of_its_rows"
DESCRIBED = "test_a_document_describes_what_is_read"
COUNTED = "test_rows_by_key_are_those_of_its_rows"
REFUSED = "test_what_it_does_not_have_is_refused"
ORDER = "test_a_promise_of_order_is_kept"
SEQUENCE = "test_a_promise_of_one_sequence_is_kept"
MUTANTS = {
    NamesTwice: [NAMED, OVERLAP],
    HasNoRow: [NAMED],
    CountsDatesDown: [ASCEND],
    NarrowPrices: [CONTRACT],
    TellsAnotherSchema: [TOLD],
    LosesAKey: [KEYED],
    CarriesOver: [OVERLAP],
    CountsItsOpenings: [AGAIN],
    IgnoresTheFilter: [PARTS],
    WantsTheFirstKeyAlone: [WANTED],
    MissesARow: [SIZE],
    DescribesAnother: [DESCRIBED],
    CountsAListingTwice: [COUNTED],
    IsSilentOnOtherDates: [REFUSED],
    OutOfOrder: [ORDER],
    TwoSequences: [SEQUENCE],
}
"""By mutant the laws it breaks: those, and no other."""


def broken(made, tmp_path):
    """The laws that the source breaks."""

    class Laws(SourceLaws):
        def source(self, folder):
            return made(None, folder)

    found = []
    for law in LAWS:
        try:
            getattr(Laws(), law)(tmp_path)
        except (AssertionError, BasaltError):
            found.append(law)
    return found


def test_a_lawful_source_keeps_all(tmp_path):
    assert broken(Bowl, tmp_path) == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_mutant_breaks_its_laws_and_no_other(tmp_path, mutant):
    assert broken(mutant, tmp_path) == sorted(MUTANTS[mutant])


def test_every_law_has_a_mutant():
    assert {law for laws in MUTANTS.values() for law in laws} == {*LAWS}
