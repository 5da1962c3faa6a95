"""Laws that every output keeps, ours and yours, as tests.

    from basalt.testing import OutputLaws

    class TestDeskStore(OutputLaws):
        def output(self, folder):
            return DeskStore(DeskStoreOptions(), folder)

Rows are compared by their keys, as not every place keeps an order.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from basalt.errors import BasaltError, DataError
from basalt.outputs import Output, Staged, Target
from basalt.testing.partitions import DATES, KEYS, document, rows, spooled, target

MONDAY, TUESDAY, WEDNESDAY = DATES


class OutputLaws:
    """The laws as tests of one output: name the subclass `Test…` and write `output`.

    `output(folder)`: the output over a place of its own, empty at first; called again with the same folder it gives the
    same place, opened anew. Where the place is elsewhere, let the folder's name tell which.
    """

    def output(self, folder: Path) -> Output:
        """The output that is tried."""
        raise NotImplementedError(f"{type(self).__name__} tries no output: write `output(self, folder)`")

    def test_what_is_written_is_read_back(self, tmp_path: Path) -> None:
        self._published(tmp_path, rows(listings=(1, 2)), rows(listings=(3,)))
        self._holds(tmp_path, target(), rows(listings=(1, 2, 3)), every_column=True)

    def test_an_empty_partition_has_its_columns_and_no_row(self, tmp_path: Path) -> None:
        self._published(tmp_path, rows(listings=()))
        self._holds(tmp_path, target(), rows(listings=()), every_column=True)

    def test_naming_a_place_touches_nothing(self, tmp_path: Path) -> None:
        output = self.output(_home(tmp_path))
        before = _files(_home(tmp_path))
        places = [output.place(target(day, universe)) for day in DATES for universe in ("low", "high")]
        output.check(target())
        _expect(_files(_home(tmp_path)) == before, "`place` or `check` left something behind")
        _expect(places == [output.place(target(d, u)) for d in DATES for u in ("low", "high")], "`place` varies")

    def test_what_was_never_published_is_refused(self, tmp_path: Path) -> None:
        self._refuses_to_scan(tmp_path, target())
        self._published(tmp_path, rows())
        self._refuses_to_scan(tmp_path, target(TUESDAY))

    def test_nothing_is_visible_before_it_is_committed(self, tmp_path: Path) -> None:
        output = self.output(_home(tmp_path))
        staged = self._staged(output, tmp_path, rows())
        self._refuses_to_scan(tmp_path, target())
        output.commit(staged, "first")
        self._staged(output, tmp_path, rows(listings=(9,)), key="second")
        self._holds(tmp_path, target(), rows())

    def test_a_partition_is_replaced_and_no_other(self, tmp_path: Path) -> None:
        for day in DATES:
            self._published(tmp_path, rows(day), day=day)
        self._published(tmp_path, rows(TUESDAY, listings=(7,)), day=TUESDAY, key="second")
        for day in (MONDAY, WEDNESDAY):
            self._holds(tmp_path, target(day), rows(day))
        self._holds(tmp_path, target(TUESDAY), rows(TUESDAY, listings=(7,)))

    def test_universes_and_passes_are_kept_apart(self, tmp_path: Path) -> None:
        self._published(tmp_path, rows(universe="low", listings=(1,)), universe="low")
        self._published(tmp_path, rows(universe="high", listings=(2,)), universe="high")
        self._published(tmp_path, rows(listings=(3,)), result="other")
        self._holds(tmp_path, target(universe="low"), rows(universe="low", listings=(1,)))
        self._holds(tmp_path, target(universe="high"), rows(universe="high", listings=(2,)))
        self._holds(tmp_path, target(result="other"), rows(listings=(3,)))

    def test_publishing_the_same_again_changes_nothing(self, tmp_path: Path) -> None:
        for _ in range(2):
            self._published(tmp_path, rows())
        self._holds(tmp_path, target(), rows())

    def test_committing_again_after_a_lost_acknowledgement_changes_nothing(self, tmp_path: Path) -> None:
        output = self.output(_home(tmp_path))
        staged = self._staged(output, tmp_path, rows())
        for _ in range(2):
            output.commit(staged, "first")
        self._holds(tmp_path, target(), rows())

    def test_discarding_keeps_what_was_there(self, tmp_path: Path) -> None:
        output = self.output(_home(tmp_path))
        output.discard(self._staged(output, tmp_path, rows(listings=(9,))))
        self._refuses_to_scan(tmp_path, target())
        self._published(tmp_path, rows())
        output.discard(self._staged(output, tmp_path, rows(listings=(9,)), key="second"))
        self._holds(tmp_path, target(), rows())

    def test_what_a_stopped_run_staged_harms_nobody(self, tmp_path: Path) -> None:
        self._published(tmp_path, rows())
        self._staged(self.output(_home(tmp_path)), tmp_path, rows(listings=(9,)), key="second")
        self._holds(tmp_path, target(), rows())
        self._published(tmp_path, rows(listings=(4,)), key="third")
        self._holds(tmp_path, target(), rows(listings=(4,)))

    def test_batches_that_differ_are_refused_whole(self, tmp_path: Path) -> None:
        whole = rows(listings=(8,))
        for wrong in (whole.drop("Price"), whole.with_columns(Price=pl.lit("text")), whole.rename({"Price": "Cost"})):
            self._published(tmp_path, rows())
            self._refuses(tmp_path, [rows(listings=(7,)), wrong])
            self._holds(tmp_path, target(), rows())

    def test_a_batch_that_cannot_be_read_is_refused_whole(self, tmp_path: Path) -> None:
        self._published(tmp_path, rows())
        self._refuses(tmp_path, [rows(listings=(7,)), rows(listings=(8,))], spoil=True)
        self._holds(tmp_path, target(), rows())

    def test_the_document_is_that_of_what_is_there(self, tmp_path: Path) -> None:
        output = self.output(_home(tmp_path))
        _expect(output.document(target()) in (None, {}), "there is a document where nothing was published")
        for key in ("first", "second"):
            self._published(tmp_path, rows(), key=key)
            held = self.output(_home(tmp_path)).document(target())
            _expect(held in ({}, document(key)), f"the document published under {key!r} comes back as {held}")
        _expect(output.document(target(TUESDAY)) in (None, {}), "another date has a document")

    def _staged(self, output: Output, folder: Path, *batches: pl.DataFrame, key: str = "first") -> Staged:
        return output.stage(target(), spooled(_spool(folder), *batches), document(key))

    def _published(
        self,
        folder: Path,
        *batches: pl.DataFrame,
        day: date = MONDAY,
        universe: str = "all",
        result: str = "bars",
        key: str = "first",
    ) -> None:
        output, to = self.output(_home(folder)), target(day, universe, result)
        staged = output.stage(to, spooled(_spool(folder), *batches), document(key))
        count = sum(batch.height for batch in batches)
        _expect(staged.rows == count, f"{staged.rows} rows are staged of {count}")
        _expect(staged.place == output.place(to), f"staged for {staged.place}, not for {output.place(to)}")
        output.commit(staged, key)

    def _refuses(self, folder: Path, batches: Sequence[pl.DataFrame], spoil: bool = False) -> None:
        """Staging or committing raises; what waits then is discarded, as the engine does."""
        output, files = self.output(_home(folder)), spooled(_spool(folder), *batches)
        if spoil:
            _spoil(files[-1])
        try:
            staged = output.stage(target(), files, document("second"))
            try:
                output.commit(staged, "second")
            except BaseException:
                output.discard(staged)
                raise
        except BasaltError:
            return
        raise AssertionError("batches that are no one table were published")

    def _holds(self, folder: Path, to: Target, wanted: pl.DataFrame, every_column: bool = False) -> None:
        """What a reader finds there now: its keys and prices, or all with the dtypes that were published."""
        found = self.output(_home(folder)).scan(to).collect()
        names = wanted.columns if every_column else [*KEYS, "Price"]
        if every_column:
            _expect(found.columns == names, f"the columns are {found.columns}, published were {names}")
        assert_frame_equal(found.select(names).sort(KEYS), wanted.select(names).sort(KEYS), check_exact=True)

    def _refuses_to_scan(self, folder: Path, to: Target) -> None:
        try:
            self.output(_home(folder)).scan(to)
        except DataError:
            return
        raise AssertionError(f"{to.pass_name} of {to.date} is scanned and was never published: raise DataError")


def _home(folder: Path) -> Path:
    home = folder / "home"
    home.mkdir(exist_ok=True)
    return home


def _spool(folder: Path) -> Path:
    """A new folder each time, as what is staged may be read at commit."""
    return folder / "spool" / str(len(list(folder.glob("spool/*"))))


def _files(folder: Path) -> dict[str, Any]:
    return {str(file): file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}


def _spoil(file: Path) -> None:
    """Its pages overwritten, its footer whole: it can be opened and not read."""
    data = bytearray(file.read_bytes())
    footer = int.from_bytes(data[-8:-4], "little") + 8
    data[4:-footer] = b"\xff" * (len(data) - footer - 4)
    file.write_bytes(data)


def _expect(kept: bool, said: str) -> None:
    if not kept:
        raise AssertionError(said)
