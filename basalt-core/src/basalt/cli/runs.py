"""`basalt runs`: what runs did, from their records. Reads no data, and of a TOML file only where its records are."""

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from basalt.cli.output import counted, emit, format_option, narrate
from basalt.errors import UserError
from basalt.sizes import format_size

if TYPE_CHECKING:
    from basalt.running.recorded import PassSeen, RunDetail, RunSeen

LATEST = "latest"
SHOWN = ("run", "pipeline", "started", "state", "partitions", "failed", "seconds", "peak")


@attrs.frozen
class _Place:
    """Where records are looked for: a state folder, and of which pipeline; None: of every one."""

    folder: Path
    pipeline: str | None = None

    def runs(self) -> Iterator[tuple[str, Path, "RunSeen"]]:
        """Its runs, the newest first."""
        from basalt.running.record import recorded
        from basalt.running.recorded import glance

        for run, file in recorded(self.folder).items():
            seen = glance(run, file)
            if self.pipeline in (None, seen.pipeline):
                yield run, file, seen

    def detail(self, run: str) -> "RunDetail":
        """All of one run, or of the newest; UserError where there is none."""
        from basalt.running.recorded import detail

        found = {name: file for name, file, _ in self._looked_at(run)}
        if run == LATEST and found:
            run = next(iter(found))
        if run not in found:
            raise UserError(self._unknown(run))
        return detail(run, found[run])

    def _looked_at(self, run: str) -> Iterator[tuple[str, Path, "RunSeen"]]:
        for each in self.runs():
            yield each
            if run in (LATEST, each[0]):
                return

    @property
    def none(self) -> str:
        """What to say where there is no run."""
        whose = f" of pipeline {self.pipeline!r}" if self.pipeline else ""
        cure = "" if self.pipeline else ": name a pipeline file, or a state folder with --state"
        return f"no run{whose} is recorded in {self.folder}{cure}"

    def _unknown(self, run: str) -> str:
        names = [name for name, *_ in self.runs()]
        if not names:
            return self.none
        near = get_close_matches(run, names, 3, 0.5) or [name for name in names if run in name][:3]
        there = f"near it: {', '.join(near)}" if near else f"the latest is {names[0]}"
        return f"no run {run!r} is recorded in {self.folder}; {there}; basalt runs list shows them all"


def _place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """FILE and `--state`."""
    command = click.option(
        "--state",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="The state folder, instead of FILE's; default: .basalt here.",
    )(command)
    return click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))(command)


@click.group()
def runs() -> None:
    """List what ran, and show what a run did."""


@runs.command("list")
@_place_options
@format_option
def list_(file: Path | None, state: Path | None, format: str) -> None:
    """List the runs of pipeline FILE, the newest first.

    Example: basalt runs list pipeline.toml
    """
    from basalt.running.recorded import RunSeen

    place = _place(file, state)
    found = [seen for _, _, seen in place.runs()]
    if not found:
        narrate(place.none)
    if format == "table":
        emit([_seen_row(seen) for seen in found], format, SHOWN if found else [])
    else:
        names = [f.name for f in attrs.fields(RunSeen) if format == "json" or f.name != "versions"]
        emit([attrs.asdict(seen) for seen in found], format, names)


@runs.command()
@click.argument("run")
@_place_options
@format_option
def show(run: str, file: Path | None, state: Path | None, format: str) -> None:
    """Show what RUN did, or the latest one: each pass of each partition, then notes and errors.

    Example: basalt runs show latest pipeline.toml
    """
    found = _place(file, state).detail(run)
    if format == "json":
        click.echo(json.dumps(_document(found), indent=2, ensure_ascii=False, default=str))
        return
    narrate(_told(found.run))
    rows = [_pass_row(one, format == "table") for one in found.passes]
    emit(rows, format, _columns(rows))
    _narrate_rest(found)


def _place(file: Path | None, state: Path | None) -> _Place:
    if file is not None and state is not None:
        raise click.UsageError("give either FILE, whose state folder it is, or --state")
    if file is None:
        return _Place(state or Path(".basalt"))
    config = _config(file)
    return _Place(file.parent / str(config.get("state", ".basalt")), str(config["name"]))


def _config(file: Path) -> Mapping[str, Any]:
    """`name` and `state` of a pipeline file; one that could not run any more still has runs to show."""
    if file.suffix == ".toml":
        try:
            tree = tomllib.loads(file.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, RecursionError):
            tree = {}
        if isinstance(tree.get("name"), str) and isinstance(tree.get("state", ""), str):
            return tree
    from basalt.config.read import read_pipeline

    config = read_pipeline(file)
    return {"name": config.name, "state": config.state}


def _seen_row(seen: "RunSeen") -> dict[str, Any]:
    started = (seen.started or "")[:19].replace("T", " ")
    counts = {"partitions": seen.partitions, "failed": seen.failed, "seconds": round(seen.seconds, 1)}
    told = {"run": seen.run, "pipeline": seen.pipeline, "started": started, "state": seen.state}
    return {**told, **counts, "peak": format_size(seen.peak) if seen.peak else None}


def _pass_row(one: "PassSeen", for_people: bool) -> dict[str, Any]:
    stages = {f"{stage} s": round(seconds, 3) for stage, seconds in one.seconds.items()}
    peak: Any = one.peak or None
    return {
        "date": one.date,
        "universe": one.universe,
        "pass": one.name,
        "status": one.status,
        "rows in": one.rows_in,
        "rows": one.rows,
        **stages,
        "peak": format_size(peak) if for_people and peak else peak,
        "checks failed": sum(not check.passed for check in one.checks),
    }


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every stage some pass went through, in order, between the rows and what comes behind."""
    before = ["date", "universe", "pass", "status", "rows in", "rows"]
    behind = ["peak", "checks failed"]
    stages = dict.fromkeys(name for row in rows for name in row if name not in (*before, *behind))
    return [*before, *stages, *behind]


def _told(seen: "RunSeen") -> str:
    done = f"{seen.done} of {counted(seen.partitions, 'partition')} done"
    skipped = f" ({seen.skipped} of them before)" if seen.skipped else ""
    failed = f", {seen.failed} failed" if seen.failed else ""
    started = f", started {seen.started}" if seen.started else ""
    return f"{seen.run} of {seen.pipeline or 'an unknown pipeline'}: {seen.state}{started}; {done}{skipped}{failed}"


def _narrate_rest(found: "RunDetail") -> None:
    for one in found.passes:
        for check in one.checks:
            if not check.passed:
                narrate(f"{check.date} {check.universe} {check.name}, {check.check}: {check.said}")
    for note in found.notes:
        count = "" if note.count is None else f" ({note.count})"
        narrate(f"{note.date} {note.universe} note: {note.what}{count}")
    for error in found.errors:
        narrate(f"{error.date} {error.universe} failed: {error.error}")


def _document(found: "RunDetail") -> dict[str, Any]:
    run = attrs.asdict(found.run)
    passes = [attrs.asdict(one) for one in found.passes]
    for one in passes:
        one["pass"] = one.pop("name")
        one["checks"] = [{key: check[key] for key in ("check", "passed", "said")} for check in one["checks"]]
    notes, errors = [attrs.asdict(n) for n in found.notes], [attrs.asdict(e) for e in found.errors]
    return {**run, "passes": passes, "notes": notes, "errors": errors}
