"""One partition of three replaced in a store, again and again: what must hold of it at any moment.

It is *whole* where a reader who knows nothing of basalt, the output's own `scan` and its document all tell of the same
version, the bytes are those that an undisturbed writer leaves, and the other two partitions are as they were, byte for
byte or row for row.
"""

from pathlib import Path
from typing import Any

import attrs
import pytest
from polars.testing import assert_frame_equal
from stores import Store
from writer_child import publish
from writers import Writers, request

from basalt.errors import DataError
from basalt.outputs import Target
from basalt.running.ledger import Ledger, Record
from basalt.testing.partitions import DATES, KEYS, document, rows, spooled, target

MONDAY, TUESDAY, WEDNESDAY = DATES
FRAMES = {"old": rows(TUESDAY, listings=range(100)), "new": rows(TUESDAY, listings=range(50, 170))}


def told_of(version: str) -> dict[str, Any]:
    """The document of a version; a sentence differs, which Delta keeps with the table."""
    found = document(version)
    found["columns"][0]["doc"] = f"The {version} one."
    return found


@attrs.define
class Trial:
    """A store that holds the old version of Tuesday. `versions`: what is seen of each; `others`: of the other dates."""

    store: Store
    writers: Writers
    result: str = "bars"
    versions: dict[str, Any] = attrs.field(factory=dict)
    others: Any = None

    @classmethod
    def begun(cls, store: Store, writers: Writers, result: str = "bars") -> "Trial":
        """With Monday and Wednesday published, and both versions of Tuesday, one after the other."""
        made = cls(store, writers, result)
        for day in (MONDAY, WEDNESDAY):
            batches = spooled(store.folder / "spool" / str(day), rows(day))
            publish(store.output(), target(day, result=result), batches, told_of("old"), made.state)
        for version in ("new", "old"):
            made.publish(version)
            made.versions[version], made.others = made.seen()
        return made

    @property
    def state(self) -> Path:
        """The folder of the ledger."""
        return self.store.folder / "state"

    @property
    def target(self) -> Target:
        """The partition that is replaced."""
        return target(TUESDAY, result=self.result)

    def asked(self, version: str = "new", **more: Any) -> dict[str, Any]:
        """What a writer of that version is asked for."""
        folder, frame = self.store.folder / "spool" / version, FRAMES[version]
        half = frame.height // 2
        batches = sorted(folder.glob("*.parquet")) or spooled(folder, frame[:half], frame[half:])
        return {**request(self.store, self.result, TUESDAY, told_of(version), batches), **more}

    def publish(self, version: str) -> None:
        """In this process, which nobody disturbs."""
        batches = map(Path, self.asked(version)["batches"])
        publish(self.store.output(), self.target, batches, told_of(version), self.state)

    def version(self) -> str | None:
        """The version that is there now, whole; None where nothing is."""
        self.store.settled()
        output, (seen, others) = self.store.output(), self.seen()
        if not self.versions and seen is None:
            assert output.document(self.target) is None
            with pytest.raises(DataError, match="is not published"):
                output.scan(self.target)
            return None
        found = output.document(self.target)["provenance"]["key"]
        assert output.document(self.target) == told_of(found)
        assert_frame_equal(output.scan(self.target).collect().sort(KEYS), FRAMES[found])
        assert others == (self.others or {})
        assert seen == self.versions.setdefault(found, seen)
        return found

    def assert_mended(self, version: str) -> None:
        """The next writer publishes that version as if nobody had been disturbed, and leaves nothing else."""
        self.publish(version)
        assert self.version() == version
        assert not self.store.is_swept or self.store.rest(self.result) == []
        assert [str(file) for file in self.state.rglob(".*")] == []
        record = Ledger(self.state).read(self.target)
        assert isinstance(record, Record)
        assert record.key == version

    def assert_tidy(self) -> None:
        """Nothing is left, and the partition is there still."""
        before = self.version()
        self.store.tidy(self.result)
        assert self.store.rest(self.result) == []
        assert self.version() == before

    def seen(self) -> tuple[Any, Any]:
        """Tuesday, by rows and bytes, wherever they are; and the other dates, where they are too."""
        found = self.store.seen(self.result)
        if found is None:
            return None, None
        held = found.held.pop(TUESDAY)
        return (found.rows, sorted(held.values()) if self.store.kind != "sql" else len(held)), found.held
