"""Laws that every source keeps, ours and yours, as tests.

    from basalt.testing import SourceLaws

    class TestDeskFeed(SourceLaws):
        def source(self, folder):
            return DeskFeed(DeskFeedOptions(root="samples"), folder)

Everything the source has is read, so let it have little: two dates of each table are enough.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from basalt.conform import conform
from basalt.documents import from_json
from basalt.errors import BasaltError, UserError
from basalt.sources import Source
from basalt.tables import CONTRACTS, US_UTC

_AT = "EventTimestamp"
_SHARING = ("l3", "trades", "l2", "imbalance")


class SourceLaws:
    """The laws as tests of one source: name the subclass `Test…` and write `source`.

    `source(folder)`: the source over the same data each time, opened anew. `folder` is empty at first: write small
    files there once, or leave it alone.
    """

    def source(self, folder: Path) -> Source:
        """The source that is tried."""
        raise NotImplementedError(f"{type(self).__name__} tries no source: write `source(self, folder)`")

    def test_tables_are_named_once_and_have_rows(self, tmp_path: Path) -> None:
        tables = list(self.source(tmp_path).tables())
        _expect(len(set(tables)) == len(tables), f"tables are named twice: {', '.join(tables)}")
        rows = sum(frame.collect().height for _, _, frame in self._frames(tmp_path))
        _expect(rows > 0, "no table has a row, so no law is tried: give the source data")

    def test_dates_ascend(self, tmp_path: Path) -> None:
        source = self.source(tmp_path)
        for table in source.tables():
            days = list(source.dates(table))
            _expect(days == sorted(set(days)), f"dates of {table} do not ascend: {', '.join(map(str, days))}")

    def test_columns_are_the_contracts(self, tmp_path: Path) -> None:
        for table, day, frame in self._frames(tmp_path):
            if table in CONTRACTS:
                found, wanted = frame.collect_schema(), conform(frame, CONTRACTS[table], str(day)).collect_schema()
                other = [
                    f"{name} is {found[name]}, not {wanted[name]}" for name in found if found[name] != wanted[name]
                ]
                _expect(not other, f"{table} of {day}: {'; '.join(other)}")

    def test_the_schema_told_is_that_of_the_rows(self, tmp_path: Path) -> None:
        for table, day, frame in self._frames(tmp_path):
            told, found = frame.collect_schema(), frame.collect().schema
            _expect(told == found, f"{table} of {day} is told to be {dict(told)} and is {dict(found)}")

    def test_every_row_has_its_key_and_time(self, tmp_path: Path) -> None:
        for table, day, frame in self._frames(tmp_path):
            contract = CONTRACTS.get(table)
            names = [contract.key, *([_AT] if contract.events else [])] if contract else []
            nulls = frame.select(pl.col(names).null_count()).collect()
            for name in names:
                _expect(not nulls.item(0, name), f"{table} of {day} has {nulls.item(0, name)} rows without {name}")

    def test_dates_do_not_overlap(self, tmp_path: Path) -> None:
        ended: dict[str, int] = {}
        for table, day, frame in self._frames(tmp_path):
            if table in CONTRACTS and CONTRACTS[table].events:
                at = frame.select(pl.col(_AT).cast(pl.Int64)).collect().to_series()
                if len(at):
                    said = f"{table} of {day} begins before that of an earlier date has ended"
                    _expect(int(at.min()) > ended.get(table, int(at.min()) - 1), said)  # type: ignore[arg-type]
                    ended[table] = int(at.max())  # type: ignore[arg-type]

    def test_opened_again_it_is_the_same(self, tmp_path: Path) -> None:
        again = self.source(tmp_path)
        for table, day, frame in self._frames(tmp_path):
            told = again.fingerprint(table, day)
            _expect(self.source(tmp_path).fingerprint(table, day) == told, f"{table} of {day}: its fingerprint varies")
            assert_frame_equal(frame.collect(), again.scan(table, day).collect(), check_exact=True)

    def test_parts_are_those_of_the_whole(self, tmp_path: Path) -> None:
        """A column beside those that order rows, and a listing, are what they are where everything is read."""
        for table, _, frame in self._frames(tmp_path):
            whole, contract = frame.collect(), CONTRACTS.get(table)
            key = contract.key if contract else ""
            order = [name for name in (key, *(contract.order if contract else ())) if name in whole.columns]
            for name in whole.columns:
                names = list(dict.fromkeys([*order, name]))
                assert_frame_equal(frame.select(names).collect(), whole.select(names), check_exact=True)
            for value in whole[key].drop_nulls().unique().sort().head(3) if key in order else ():
                one = pl.col(key) == value
                assert_frame_equal(frame.filter(one).collect(), whole.filter(one), check_exact=True)

    def test_wanted_keys_give_their_rows(self, tmp_path: Path) -> None:
        """`scan_of` has the rows of these keys and of none that `scan` has, in its order, whatever else comes along."""
        source = self.source(tmp_path)
        for table, day, frame in self._frames(tmp_path):
            whole, contract = frame.collect(), CONTRACTS.get(table)
            if contract is None or contract.key not in whole.columns:
                continue
            there = whole[contract.key].drop_nulls().unique().sort()
            for keys in (there, there.gather_every(2), there.tail(1), there.clear()):
                wanted = pl.col(contract.key).is_in(keys.implode()) | pl.col(contract.key).is_null()
                found = source.scan_of(table, day, keys).collect()
                assert_frame_equal(found.filter(wanted), whole.filter(wanted), check_exact=True)

    def test_its_size_is_that_of_its_rows(self, tmp_path: Path) -> None:
        source = self.source(tmp_path)
        for table, day, frame in self._frames(tmp_path):
            size, rows = source.size(table, day), frame.select(pl.len()).collect().item()
            _expect(size is None or size.rows == rows, f"{table} of {day} has {rows} rows, its size says {size}")

    def test_a_document_describes_what_is_read(self, tmp_path: Path) -> None:
        """Where a pipeline published the table: its keys and columns are there, in the dtypes that are told."""
        source = self.source(tmp_path)
        for table, day, frame in self._frames(tmp_path):
            document = source.document(table, day)
            if document is not None:
                result, found = from_json(document), frame.collect_schema()
                told = {column.name: column.dtype for column in result.columns}
                told |= dict(zip(result.keys, result.key_dtypes, strict=True))
                told |= {"Date": pl.Date(), "Universe": pl.String(), "TimeBucket": US_UTC}
                other = [
                    f"{name} {dtype} ({found.get(name)})" for name, dtype in told.items() if found.get(name) != dtype
                ]
                _expect(not other, f"{table} of {day} is described with other columns than it has: {', '.join(other)}")

    def test_rows_by_key_are_those_of_its_rows(self, tmp_path: Path) -> None:
        source = self.source(tmp_path)
        for table, day, frame in self._frames(tmp_path):
            key = CONTRACTS[table].key if table in CONTRACTS else ""
            told = source.rows_by_key(table, day, key) if key in frame.collect_schema() else None
            if told is not None:
                rows = frame.group_by(key).agg(pl.len().cast(pl.Int64).alias("Rows")).sort(key).collect()
                _expect(told.equals(rows), f"{table} of {day} has other rows by {key} than it says")

    def test_what_it_does_not_have_is_refused(self, tmp_path: Path) -> None:
        source = self.source(tmp_path)
        _refuses(source, "no_such_table", date(2026, 1, 5))
        for table in source.tables():
            days = source.dates(table)
            if days:
                _refuses(source, table, days[-1] + timedelta(days=3650))

    def test_a_promise_of_order_is_kept(self, tmp_path: Path) -> None:
        promised = self.source(tmp_path).promises.sorted
        for table, day, frame in self._frames(tmp_path):
            contract = CONTRACTS.get(table)
            if promised and contract is not None and contract.events:
                there = [name for name in contract.order if name in frame.collect_schema()]
                rows = frame.select(contract.key, *there).unique(maintain_order=True).collect()
                ordered = rows.sort(contract.key, *there, maintain_order=True)
                _expect(rows.equals(ordered), f"{table} of {day} is not in the order that is promised")

    def test_a_promise_of_one_sequence_is_kept(self, tmp_path: Path) -> None:
        """In the order of SequenceNo, time does not go back, whatever table a row is of."""
        if self.source(tmp_path).promises.shared_sequence:
            by_day: dict[date, list[pl.LazyFrame]] = {}
            names = ["ListingId", "SequenceNo", _AT]
            for table, day, frame in self._frames(tmp_path):
                if table in _SHARING and "SequenceNo" in frame.collect_schema():
                    by_day.setdefault(day, []).append(frame.select(names))
            for day, frames in by_day.items():
                rows = pl.concat(frames).sort("ListingId", "SequenceNo", _AT).collect()
                back = rows.select(pl.col(_AT).diff().over("ListingId").dt.total_nanoseconds() < 0).to_series().sum()
                _expect(not back, f"on {day} time goes back {back} times in the order of the shared sequence")

    def _frames(self, folder: Path) -> Iterator[tuple[str, date, pl.LazyFrame]]:
        """Every table and date; a table that does not depend on the date, of some date."""
        source = self.source(folder)
        some = next((day for table in source.tables() for day in source.dates(table)), date(2026, 1, 5))
        for table in source.tables():
            for day in source.dates(table) or [some]:
                yield table, day, source.scan(table, day)


def _refuses(source: Source, table: str, day: date) -> None:
    try:
        source.scan(table, day).collect()
    except UserError:
        return
    except BasaltError as error:
        raise AssertionError(f"{table} of {day} is refused by {type(error).__name__}: raise UserError") from error
    raise AssertionError(f"{table} of {day}, which is not there, is scanned: raise UserError")


def _expect(kept: bool, said: str) -> None:
    if not kept:
        raise AssertionError(said)
