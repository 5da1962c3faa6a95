"""Each law of outputs against mutants: small outputs that break it, and keep every other law."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from basalt.errors import BasaltError, DataError, PublishError
from basalt.outputs import Output, Staged
from basalt.testing import OutputLaws

LAWS = sorted(name for name in vars(OutputLaws) if name.startswith("test_"))


class Shelf(Output):
    """A folder a partition, replaced by renaming: lawful; mutants change one step."""

    name = "shelf"

    def place(self, target):
        return str(self.folder / f"{target.pass_name}-{target.date}-{target.universe}")

    def check(self, target):
        return self.place(target)

    def stage(self, target, batches, document):
        place = Path(self.place(target))
        waiting = place.with_name(f"waiting-{place.name}")
        shutil.rmtree(waiting, ignore_errors=True)
        rows = self.written(batches, waiting)
        (waiting / "document.json").write_text(json.dumps(document))
        return Staged(target, str(place), waiting, rows)

    def written(self, batches, waiting):
        try:
            rows = pl.concat([pl.read_parquet(file) for file in batches])
        except pl.exceptions.PolarsError as error:
            raise PublishError(f"the batches are no one table: {error}") from error
        waiting.mkdir(parents=True)
        rows.write_parquet(waiting / "rows.parquet")
        return rows.height

    def commit(self, staged, run_key):
        if staged.waiting.exists():
            shutil.rmtree(staged.place, ignore_errors=True)
            staged.waiting.rename(staged.place)

    def discard(self, staged):
        shutil.rmtree(staged.waiting, ignore_errors=True)

    def document(self, target):
        file = Path(self.place(target)) / "document.json"
        return json.loads(file.read_text()) if file.exists() else None

    def scan(self, target):
        file = Path(self.place(target)) / "rows.parquet"
        if not file.exists():
            raise DataError(f"{file} is not there: run the pipeline first")
        return pl.scan_parquet(file)


class RoundsStamps(Shelf):
    def scan(self, target):
        return super().scan(target).with_columns(pl.col("LastAt").dt.truncate("1us"))


class ForgetsEmptyPartitions(Shelf):
    def commit(self, staged, run_key):
        if staged.rows:
            super().commit(staged, run_key)


class LeavesATrial(Shelf):
    def check(self, target):
        (self.folder / "trial").write_text("")
        return self.place(target)


class ScansNothing(Shelf):
    def scan(self, target):
        place = Path(self.place(target))
        return super().scan(target) if place.exists() else pl.LazyFrame({"ListingId": []})


class ShowsWhatIsStaged(Shelf):
    def scan(self, target):
        place = Path(self.place(target))
        waiting = place.with_name(f"waiting-{place.name}") / "rows.parquet"
        return pl.scan_parquet(waiting) if waiting.exists() else super().scan(target)


class AppendsAlways(Shelf):
    def written(self, batches, waiting):
        place = Path(str(waiting).replace("waiting-", "")) / "rows.parquet"
        super().written([*([place] if place.exists() else []), *batches], waiting)
        return sum(pl.read_parquet(file).height for file in batches)


class ClearsTheShelf(Shelf):
    def commit(self, staged, run_key):
        if Path(staged.place).exists() and staged.waiting.exists():
            for other in self.folder.glob(f"{staged.target.pass_name}-*-{staged.target.universe}"):
                shutil.rmtree(other)
        super().commit(staged, run_key)


class MixesUniverses(Shelf):
    def place(self, target):
        return str(self.folder / f"{target.pass_name}-{target.date}")


class CommitsOnce(Shelf):
    def commit(self, staged, run_key):
        if not staged.waiting.exists():
            raise PublishError("it was committed before")
        super().commit(staged, run_key)


class KeepsWhatIsDiscarded(Shelf):
    def discard(self, staged):
        self.commit(staged, "")


class TakesWhatWaits(Shelf):
    """What another run staged and never committed is taken along."""

    def written(self, batches, waiting):
        left = waiting.with_name(f"left-{waiting.name}")
        rows = super().written([*left.glob("*.parquet"), *batches], waiting)
        shutil.rmtree(left, ignore_errors=True)
        shutil.copytree(waiting, left)
        return rows - max(0, rows - sum(pl.read_parquet(file).height for file in batches))

    def commit(self, staged, run_key):
        super().commit(staged, run_key)
        shutil.rmtree(staged.waiting.with_name(f"left-{staged.waiting.name}"), ignore_errors=True)

    def discard(self, staged):
        super().discard(staged)
        shutil.rmtree(staged.waiting.with_name(f"left-{staged.waiting.name}"), ignore_errors=True)


class FillsWhatIsMissing(Shelf):
    def written(self, batches, waiting):
        try:
            rows = pl.concat([pl.read_parquet(file) for file in batches], how="diagonal_relaxed")
        except pl.exceptions.PolarsError as error:
            raise PublishError(f"a batch cannot be read: {error}") from error
        waiting.mkdir(parents=True)
        rows.write_parquet(waiting / "rows.parquet")
        return rows.height


class SkipsWhatCannotBeRead(Shelf):
    def written(self, batches, waiting):
        readable = []
        for file in batches:
            try:
                readable.append(pl.read_parquet(file))
            except pl.exceptions.PolarsError:
                continue
        try:
            rows = pl.concat(readable)
        except pl.exceptions.PolarsError as error:
            raise PublishError(f"the batches are no one table: {error}") from error
        waiting.mkdir(parents=True)
        rows.write_parquet(waiting / "rows.parquet")
        return rows.height


class KeepsTheFirstDocument(Shelf):
    def stage(self, target, batches, document):
        return super().stage(target, batches, self.document(target) or document)


READ_BACK = "test_what_is_written_is_read_back"
EMPTY = "test_an_empty_partition_has_its_columns_and_no_row"
NAMING = "test_naming_a_place_touches_nothing"
NEVER = "test_what_was_never_published_is_refused"
VISIBLE = "test_nothing_is_visible_before_it_is_committed"
NO_OTHER = "test_a_partition_is_replaced_and_no_other"
APART = "test_universes_and_passes_are_kept_apart"
SAME = "test_publishing_the_same_again_changes_nothing"
LOST = "test_committing_again_after_a_lost_acknowledgement_changes_nothing"
DISCARDED = "test_discarding_keeps_what_was_there"
STOPPED = "test_what_a_stopped_run_staged_harms_nobody"
DIFFERING = "test_batches_that_differ_are_refused_whole"
UNREADABLE = "test_a_batch_that_cannot_be_read_is_refused_whole"
DOCUMENT = "test_the_document_is_that_of_what_is_there"
MUTANTS = {
    RoundsStamps: [READ_BACK],
    ForgetsEmptyPartitions: [EMPTY],
    LeavesATrial: [NAMING],
    ScansNothing: [DISCARDED, VISIBLE, NEVER],
    ShowsWhatIsStaged: [VISIBLE, STOPPED],
    ClearsTheShelf: [NO_OTHER],
    MixesUniverses: [APART],
    AppendsAlways: [NO_OTHER, DIFFERING, SAME, STOPPED],
    CommitsOnce: [LOST],
    KeepsWhatIsDiscarded: [DISCARDED],
    TakesWhatWaits: [STOPPED],
    FillsWhatIsMissing: [DIFFERING],
    SkipsWhatCannotBeRead: [UNREADABLE],
    KeepsTheFirstDocument: [DOCUMENT],
}
"""By mutant the laws it breaks: those, and no other."""


def broken(made, tmp_path):
    """The laws that the output breaks."""

    class Laws(OutputLaws):
        def output(self, folder):
            return made(None, folder)

    found = []
    for law in LAWS:
        folder = tmp_path / law
        folder.mkdir()
        try:
            getattr(Laws(), law)(folder)
        except (AssertionError, BasaltError):
            found.append(law)
    return found


def test_a_lawful_output_keeps_all(tmp_path):
    assert broken(Shelf, tmp_path) == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_mutant_breaks_its_laws_and_no_other(tmp_path, mutant):
    assert broken(mutant, tmp_path) == sorted(MUTANTS[mutant])


def test_every_law_has_a_mutant():
    assert {law for laws in MUTANTS.values() for law in laws} == {*LAWS}
