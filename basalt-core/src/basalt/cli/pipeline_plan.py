"""`basalt pipeline plan`: what running a pipeline would do, where its partitions stand, and what it would take.

A table for people is several, one below the other: the passes, what they read, where they stand and what is left to
do costs, and why something is to be done again. CSV has one line a pass; JSON has everything.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from basalt.cli.output import counted, emit, format_option, narrate
from basalt.cli.planned import Chosen, choosing, file_argument, plan_of
from basalt.sizes import format_size

if TYPE_CHECKING:
    from basalt.planning.plan import Plan

MAYBE_BLANK = ("unknown", "listings", "rows in", "batches", "peak memory")
REASONS = 5  # that are told of a pass
KINDS = ("done", "stale", "missing", "unknown")
Tree = Mapping[str, Any]


@click.command("plan")
@file_argument
@choosing
@format_option
@click.pass_context
def plan_command(ctx: click.Context, file: Path, chosen: Chosen, format: str) -> None:
    """Say what running FILE would do: passes, what they read, what is done or stale and why, and what it would take.

    Example: basalt pipeline plan pipeline.toml --from 2026-01-05 --to 2026-01-09
    """
    show(plan_of(ctx, file, chosen=chosen), format)


def show(plan: "Plan", format: str, force: bool = False, only_missing: bool = False) -> None:
    """Print the plan, and what a run of it would do."""
    from basalt.planning.described import describe
    from basalt.running.left import left_of

    with redirect_stdout(sys.stderr):  # what sources and universe functions print is narration
        described = describe(plan, left_of(plan, plan.names, force, only_missing))
    if format == "json":
        click.echo(json.dumps(described, indent=2, ensure_ascii=False))
        return
    narrate(_headline(plan, described))
    if format == "csv":
        emit([_line(one) for one in described["passes"]], format)
    else:
        _print_tables(described["passes"], named=bool(plan.config.universes))
    for note in described["notes"]:
        narrate(f"note: {note}")


def _headline(plan: "Plan", described: Tree) -> str:
    days, total = plan.dates.days, len(plan.partitions)
    span = str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]}"
    universes = f", {counted(len(plan.universes), 'universe')}" if plan.config.universes else ""
    todo, again = described["to_do"], described["to_look_at_again"]
    left = f"{todo} to do with executor {described['executor']}" if todo else "nothing to do"
    left += f", and {again} to look at again, which read them" if again else ""
    return f"{plan.config.name}: {counted(total, 'partition')} ({span}{universes}) of {plan.source.name}, {left}"


def _print_tables(passes: Sequence[Tree], named: bool) -> None:
    emit([_pass_row(one) for one in passes], "table")
    click.echo()
    emit([row for one in passes for row in _read_rows(one)], "table", ["pass", "reads", "columns", "rows", "on disk"])
    click.echo()
    rows = [row for one in passes for row in _cost_rows(one, named)]
    blank = {name for name in MAYBE_BLANK if all(row[name] in (0, None) for row in rows)}
    emit(rows, "table", [name for name in rows[0] if name not in blank])
    reasons = [row for one in passes for row in _reason_rows(one)]
    if reasons:
        click.echo()
        emit(reasons, "table")


def _pass_row(one: Tree) -> dict[str, Any]:
    places = [place for partition in one["outputs"] for place in partition]
    return {
        "pass": one["pass"],
        "rule": one["rule"],
        "timeline": one["timeline"],
        "scope": one["scope"],
        "modules": ", ".join(one["modules"]),
        "columns": one["columns"],
        "first output": places[0] if places else "none",
    }


def _read_rows(one: Tree) -> Iterator[dict[str, Any]]:
    for table, columns in one["reads"].items():
        yield {"pass": one["pass"], "reads": table, "columns": ", ".join(columns), **_on_disk(one, table)}
    for name in one["sources"]:
        before = one["history"].get(name)
        read = f"{name}, and {counted(before, 'date')} before" if before else name
        yield {"pass": one["pass"], "reads": read, "columns": None, **_on_disk(one, name)}


def _on_disk(one: Tree, table: str) -> dict[str, Any]:
    """Nothing where the source does not tell, and for an earlier pass of the pipeline's own."""
    size = one["on_disk"].get(table)
    return {"rows": size["rows"] if size else None, "on disk": format_size(size["bytes"]) if size else None}


def _cost_rows(one: Tree, named: bool) -> Iterator[dict[str, Any]]:
    """One a universe; what stands where is of all of them, and told once."""
    for i, cost in enumerate(one["estimates"]):
        around = cost["listings_read"]
        listings = cost["listings"] if around in (None, cost["listings"]) else f"{cost['listings']} ({around} read)"
        memory = None if cost["memory"] is None else format_size(cost["memory"])
        over = f", over the limit of {format_size(cost['limit'])}" if cost["refused"] else ""
        yield {
            "pass": one["pass"],
            **{kind: one["statuses"].get(kind, 0) if i == 0 else None for kind in KINDS},
            **({"universe": cost["universe"]} if named else {}),
            "to do": cost["partitions"],
            "listings": listings,
            "rows in": cost["rows_in"],
            "batches": cost["batches"],
            "peak memory": f"{memory}{over}" if memory else None,
        }


def _reason_rows(one: Tree) -> Iterator[dict[str, Any]]:
    """The reasons of most partitions first; of many, which name dates or places, only the first."""
    for kind, reasons in one["reasons"].items():
        most = sorted(reasons.items(), key=lambda item: -item[1])
        for reason, count in most[:REASONS]:
            yield {"pass": one["pass"], "status": kind, "partitions": count, "reason": reason}
        if most[REASONS:]:
            rest = sum(count for _, count in most[REASONS:])
            yield {"pass": one["pass"], "status": kind, "partitions": rest, "reason": "… and others like these"}


def _line(one: Tree) -> dict[str, Any]:
    """Everything of a pass in one line, for CSV; `largest` are those of its universes."""
    costs = one["estimates"]
    reads = [f"{table} ({' '.join(columns)})" for table, columns in one["reads"].items()]
    sizes = list(one["on_disk"].values())
    row = _pass_row(one)
    return {
        **{name: row[name] for name in row if name != "first output"},
        "reads": ", ".join(reads + one["sources"]),
        **{kind: one["statuses"].get(kind, 0) for kind in KINDS},
        "to do": sum(cost["partitions"] for cost in costs),
        "bytes on disk": None if None in sizes else sum(size["bytes"] for size in sizes),
        "rows in": _sum(cost["rows_in"] for cost in costs if cost["partitions"]),
        "batches": _sum(cost["batches"] for cost in costs if cost["partitions"]),
        "peak memory": max((cost["memory"] or 0 for cost in costs), default=0) or None,
        "over the limit": any(cost["refused"] for cost in costs),
        "first output": row["first output"],
    }


def _sum(values: Iterator[int | None]) -> int | None:
    found = list(values)
    known = [value for value in found if value is not None]
    return sum(known) if len(known) == len(found) else None
