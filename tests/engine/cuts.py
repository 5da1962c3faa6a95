"""Ways to cut a run: into batches, by executor, by dates, and by being stopped on its way.

A *way* runs a desk's pipeline until nothing is left to do, and tells the events it saw.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import market
import polars as pl

from basalt.planning.batches import Batches, Factor
from basalt.planning.dates import Asked
from basalt.planning.partitions import Partition
from basalt.planning.pipeline_file import plan_file
from basalt.planning.plan import Plan
from basalt.planning.program import Program
from basalt.planning.sizing import Input, sizes, table_inputs
from basalt.planning.widths import row_bytes
from basalt.running.events import BatchComputed, Committed, Event
from basalt.running.members import Members
from basalt.running.run import run_plan
from basalt.running.tables import Tables

if TYPE_CHECKING:
    from conftest import Desk

EXECUTORS = {
    "inline": "",
    "processes": 'executor = "processes"\nworkers = 2',
    "dask": 'executor = "dask"\nworkers = 2',
}
KILLED = """
import os, signal, sys
from pathlib import Path
import basalt
from basalt.running.events import BatchComputed

left = int(sys.argv[2])

def watch(event):
    global left
    left -= isinstance(event, BatchComputed)
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    basalt.run(Path(sys.argv[1]), observers=[watch])
"""


def whole(desk: "Desk") -> list[Event]:
    """All dates in one run."""
    return _of_dates(desk, [None])


def date_by_date(desk: "Desk") -> list[Event]:
    """One run a date, ascending."""
    return _of_dates(desk, [[day] for day in market.DATES])


def halves(desk: "Desk") -> list[Event]:
    """Three dates, then the other two."""
    return _of_dates(desk, [market.DATES[:3], market.DATES[3:]])


def descending(desk: "Desk") -> list[Event]:
    """One run a date, the last one first, so that readers of previous dates find none; then all dates."""
    return [*_of_dates(desk, [[day] for day in reversed(market.DATES)]), *whole(desk)]


def interrupted(desk: "Desk") -> list[Event]:
    """Ctrl-C at a batch, and in the next run between the commit and the ledger entry; then to the end."""
    told: list[Event] = []
    for kind, count in ((BatchComputed, 8), (Committed, 7)):
        stopped = False
        try:
            desk.run(observers=[told.append, _interrupt(kind, count)])
        except KeyboardInterrupt:
            stopped = True
        assert stopped
    return [*told, *whole(desk)]


def killed(desk: "Desk") -> list[Event]:
    """SIGKILL at the ninth batch; then to the end."""
    script = desk.folder / "killed.py"
    script.write_text(KILLED)
    child = subprocess.run([sys.executable, str(script), str(desk.pipeline), "9"], check=False, capture_output=True)
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()
    script.unlink()
    return whole(desk)


def failed(desk: "Desk") -> list[Event]:
    """The third date's trades cannot be read, and the run stops at the first failure; mended, then to the end."""
    file = desk.own_data() / "trades" / f"date={market.DATES[2]}" / "part-0.parquet"
    rows = file.read_bytes()
    file.write_bytes(rows[: len(rows) // 2])
    told: list[Event] = []
    result = run_plan(plan_file(desk.pipeline, (), Asked()), [told.append], fail_fast=True)
    assert any(str(file) in each.error for each in result.failed)
    file.write_bytes(rows)
    return [*told, *whole(desk)]


WAYS: dict[str, Callable[["Desk"], list[Event]]] = {
    way.__name__: way for way in (whole, date_by_date, halves, descending, interrupted, killed, failed)
}


def _of_dates(desk: "Desk", runs: Sequence[Any]) -> list[Event]:
    told: list[Event] = []
    for dates in runs:
        assert [each.error for each in desk.run(dates=dates, observers=[told.append]).failed] == []
    return told


def _interrupt(kind: type, count: int) -> Callable[[Event], None]:
    left = [count]

    def stop(event: Event) -> None:
        left[0] -= isinstance(event, kind)
        if not left[0]:
            left[0] = -1
            raise KeyboardInterrupt

    return stop


def memory_for(plan: Plan, batches: int, published: Mapping[str, pl.DataFrame]) -> dict[str, int]:
    """Bytes by pass with which the largest date of each has so many batches; `published`: what earlier passes have."""
    tables = {p: Tables(plan, p.date) for p in plan.partitions}
    return {
        program.name: max(_least(program, p, plan, tables[p], published, batches) for p in plan.partitions)
        for program in plan.programs
        if program.scope != "universe"
    }


def _least(
    program: Program,
    partition: Partition,
    plan: Plan,
    tables: Tables,
    published: Mapping[str, pl.DataFrame],
    batches: int,
) -> int:
    inputs = list(_inputs(program, partition, plan, tables, published))
    units = Members(plan, partition.date, None).units(program, inputs)
    sized = sizes(program, units, inputs)
    low, high = 0, 10**12
    while high - low > 1:
        budget = (low + high) // 2
        few = sum(1 for _ in Batches(units, sized, budget, Factor.of(program))) <= batches
        low, high = (low, budget) if few else (budget, high)
    return high


def _inputs(
    program: Program, partition: Partition, plan: Plan, tables: Tables, published: Mapping[str, pl.DataFrame]
) -> Iterator[Input]:
    events = [name for name in program.reads if plan.schemas[name].events]
    yield from table_inputs(program, plan.columns_of, {name: tables.rows_by_key(name) for name in events})
    for name in program.sources:
        days = [*plan.previous(partition.date, program.history.get(name, 0)), partition.date]
        rows = published[name].filter(pl.col("Date").is_in(days))
        counted = rows.group_by("ListingId").agg(Rows=pl.len().cast(pl.Int64)).sort("ListingId")
        yield Input(counted, row_bytes(rows.schema, rows.schema))


def pairwise(*axes: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Few combinations in which each value of an axis meets each value of every other one."""
    places = list(combinations(range(len(axes)), 2))
    everything = list(product(*axes))

    def pairs(one: tuple[Any, ...]) -> set[Any]:
        return {(i, j, one[i], one[j]) for i, j in places}

    left = set().union(*map(pairs, everything))
    found = []
    while left:
        best = max(everything, key=lambda one: len(pairs(one) & left))
        found.append(best)
        left -= pairs(best)
    return found


def every_combination() -> bool:
    """Whether this is a long run, of a nox session."""
    return os.environ.get("BASALT_CUTS") is not None
