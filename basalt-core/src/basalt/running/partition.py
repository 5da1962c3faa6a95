"""One partition: its passes in order, each computed in batches, checked, published and recorded.

A pass whose key is unchanged is left alone; what was published before an error stays.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import attrs
import polars as pl

from basalt.checks.findings import Finding
from basalt.errors import BasaltError, CheckError, DataError, PublishError, one_line
from basalt.modules import FrameModule
from basalt.planning.keys import Key
from basalt.planning.partitions import Partition
from basalt.planning.plan import Plan
from basalt.planning.program import Program
from basalt.planning.standing import keys_of, statuses
from basalt.running import events
from basalt.running.batched import Batched, Total
from basalt.running.earlier import Earlier
from basalt.running.history import Previous
from basalt.running.ledger import Record
from basalt.running.members import Members
from basalt.running.publish import Spooled, publish
from basalt.running.spool import Spool
from basalt.running.tables import Tables
from basalt.sizes import parse_size

Tell = Callable[[events.Event], None]


@attrs.frozen(eq=False)
class PartitionRun:
    """Runs one partition of a plan.

    `only`: these passes; what they read of others must be published. `force`: those that are done too. `memory`: bytes
    the run may take; `share`: the part of it, or of what a pass sets instead, for this partition.
    """

    plan: Plan
    partition: Partition
    spool: Spool
    tell: Tell
    run: str
    only: Sequence[str]
    force: bool
    memory: int
    share: float = 1.0

    def __call__(self) -> None:
        """Compute and publish each pass that is not done."""
        started = time.monotonic()
        self.spool.begin(self.partition)
        try:
            self._passes()
        except OSError as error:
            raise PublishError(f"{self.partition} stopped: {one_line(error)}; run it again") from error
        finally:
            self.spool.clear(self.partition)
        self._say(events.PartitionFinished, round(time.monotonic() - started, 6))

    def _say(self, kind: Callable[..., events.Event], *facts: object, name: str | None = None) -> None:
        head = () if name is None else (name,)
        self.tell(kind(*head, self.partition.date, self.partition.universe, *facts))

    def _passes(self) -> None:
        keys = self._keys()
        done = self._done(keys)
        for name in done:
            self._say(events.PassSkipped, name=name)
        todo = [name for name in self.only if name not in done]
        if not todo:
            return
        again = self._unpublished(todo, done)
        read = {name for program in self.plan.programs for name in program.looks_back_to} - {*done}
        try:
            earlier = Earlier(self.plan, self.partition, self.spool, keys, self._members())
            batched = self._batched(earlier)
            for program in self.plan.programs:
                if program.name in todo or program.name in again:
                    total = self._computed(program, batched, earlier)
                    if program.name in todo:
                        self._publish(program, keys[program.name], total, batched.members, earlier)
                        read.discard(program.name)
        except BasaltError as error:
            error.readable = not read
            raise

    def _keys(self) -> dict[str, Key]:
        try:
            return keys_of(self.plan, self.partition)
        except BasaltError:
            raise
        except (Exception, pl.exceptions.PanicException) as error:
            raise DataError(
                f"source {self.plan.source.name!r} cannot tell what it has for {self.partition}: {one_line(error)}; "
                "run it again once that is mended"
            ) from error

    def _done(self, keys: Mapping[str, Key]) -> list[str]:
        if self.force:
            return []
        found = statuses(self.plan, self.partition, keys)
        return [name for name in self.only if found[name].kind == "done"]

    def _unpublished(self, todo: Sequence[str], done: Sequence[str]) -> list[str]:
        """Passes that are done, have no output to be read back from, and are read by what is to do."""
        found: list[str] = []
        for program in reversed(self.plan.programs):
            if program.name in todo or program.name in found:
                found += [name for name in program.upstream if name in done and not self.plan.readable(name)]
        return found

    def _members(self) -> Members:
        plan, day = self.plan, self.partition.date
        membership = plan.universes[self.partition.universe].membership(plan.source, plan.schemas, day)
        for note in membership.notes:
            self.tell(note)
        return Members(plan, day, membership.listings)

    def _batched(self, earlier: Earlier) -> Batched:
        plan, members = self.plan, earlier.members
        memory, spill = min(map(self._memory, plan.programs)), self.spool.spill(self.partition)
        tables = Tables(plan, self.partition.date, spill, memory, earlier.side, members.reach)
        return Batched(plan, self.partition, self.spool, tables, members, self._memory, self.tell)

    def _memory(self, program: Program) -> int:
        own = program.config.memory
        return max(1, int((self.memory if own is None else parse_size(own)) * self.share))

    def _computed(self, program: Program, batched: Batched, earlier: Earlier) -> Total:
        previous, missing = earlier.previous(program), earlier.missing(program)
        self._check_history(program, previous)
        if missing:
            batched.note(program, "previous dates were never published and are left out", len(missing), missing[-1])
        return batched.compute(program, earlier.inputs(program), previous)

    def _check_history(self, program: Program, previous: Previous) -> None:
        for use in program.frame_uses:
            assert isinstance(use.module, FrameModule)
            there = len(previous.get(use.place, ()))
            if there < use.module.least_history:
                raise DataError(
                    f"{use.place} on {self.partition}: {use.title} needs {use.module.least_history} previous dates of "
                    f"passes.{use.entry.source}, and {there} are published: run it for earlier dates first"
                )

    def _publish(self, program: Program, key: Key, total: Total, members: Members, earlier: Earlier) -> None:
        started = time.monotonic()
        findings = self._checked(program, members, earlier)
        checked = time.monotonic()
        record = Record(
            key=key.digest,
            parts=key.parts,
            definition=self.plan.definitions[program.name],
            run=self.run,
            finished=datetime.now(UTC).isoformat(),
            rows=total.rows,
            rows_in=total.rows_in,
            seconds={**total.seconds, "check": round(checked - started, 6)},
            peak=total.peak,
            batches=total.batches,
            versions={c.distribution: c.version for c in program.result.columns},
            checks=[attrs.asdict(finding) for finding in findings],
            side_outputs=total.sides,
        )
        results = self.plan.results(program.name)
        spooled = [Spooled(result, self.spool.batches(result.name, self.partition)) for result in results]
        places = publish(self.plan, self.partition, spooled, record, self.tell)
        seconds = {**record.seconds, "publish": round(time.monotonic() - checked, 6)}
        self._say(events.PassPublished, total.rows, places, seconds, name=program.name)

    def _checked(self, program: Program, members: Members, earlier: Earlier) -> list[Finding]:
        """CheckError, and nothing of the pass is published, where one fails that must hold."""
        checks = self.plan.checks[program.name]
        beside = {name: earlier.today(name, program.name) for name in checks.reads}
        rows = self.spool.scan(program.name, self.partition)
        expected = members.expected(program.key) if checks.needs_members else None
        found = checks.findings(rows, self.partition.date, expected, beside)
        for one in found:
            self._say(events.Checked, one.check, one.passed, one.said, name=program.name)
        failed = [f"{one.check}: {one.said}" for one in found if one.raises and not one.passed]
        if failed:
            raise CheckError(f"passes.{program.name} on {self.partition} was not published: {'; '.join(failed)}")
        return found
