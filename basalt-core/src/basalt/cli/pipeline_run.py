"""`basalt pipeline run`: do what is left to do, print what was published, and tell how it ended."""

import sys
import traceback
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from basalt.cli.output import counted, emit, format_option, narrate
from basalt.cli.planned import Chosen, choosing, file_argument, plan_of
from basalt.cli.session import session_of
from basalt.errors import BasaltError

if TYPE_CHECKING:
    from basalt.running.events import Observer
    from basalt.running.run import RunResult

NAMED = 5  # partitions or dates, of those that are to be told


@click.command()
@file_argument
@choosing
@click.option("--dry-run", is_flag=True, help="Say what would be done, as `basalt pipeline plan` does, and do nothing.")
@click.option("--force", is_flag=True, help="Run what is done, too.")
@click.option("--only-missing", is_flag=True, help="Leave alone what was ever published, stale or not.")
@click.option("--fail-fast", is_flag=True, help="Start nothing more after a failure.")
@format_option
@click.pass_context
def run(
    ctx: click.Context,
    file: Path,
    chosen: Chosen,
    dry_run: bool,
    force: bool,
    only_missing: bool,
    fail_fast: bool,
    format: str,
) -> None:
    """Run what is not done of FILE: compute its passes and publish them. Prints what was published.

    Example: basalt pipeline run pipeline.toml --from 2026-01-05 --to 2026-01-09 --executor processes
    """
    if force and only_missing:
        raise click.UsageError("--force runs what is done, and --only-missing leaves it alone: give one of them")
    plan = plan_of(ctx, file, chosen=chosen)
    if dry_run:
        from basalt.cli.pipeline_plan import show

        show(plan, format, force, only_missing)
        return
    from basalt.cli.progress import progress
    from basalt.running.run import run_plan

    try:
        with redirect_stdout(sys.stderr), progress(plan.notes) as told:
            watching: list[Observer] = [told, *plan.registry.observers()]
            result = run_plan(plan, watching, force=force, only_missing=only_missing, fail_fast=fail_fast)
    except KeyboardInterrupt:
        narrate(f"{plan.config.name} was stopped: what is published stays, and the same command does the rest")
        raise
    emit_published(result, format)
    narrate(_counts(result, only_missing))
    if result.failed:
        _narrate_failures(result, told.buried, session_of(ctx).debug)
        narrate(_cure(result, force))
    ctx.exit(result.exit_code)


def emit_published(result: "RunResult", format: str) -> None:
    """What was published, in the order of the plan, however partitions were spread."""
    named = bool(result.plan.config.universes)
    columns = ["pass", "date", *(["universe"] if named else []), "rows", "places"]
    rows = _rows(result)
    if rows or format != "table":
        emit(rows, format, columns)


def _rows(result: "RunResult") -> list[dict[str, Any]]:
    universes, names = list(result.plan.universes), result.plan.names
    ordered = sorted(result.published, key=lambda p: (p.date, universes.index(p.universe), names.index(p.name)))
    return [
        {"pass": p.name, "date": p.date, "universe": p.universe, "rows": p.rows, "places": list(p.places)}
        for p in ordered
    ]


def _narrate_failures(result: "RunResult", again: bool, debug: bool) -> None:
    """Why each partition failed that was tried, where that is to be said `again`, and which were not.

    `debug`: with traces.
    """
    from basalt.cli.progress import failure
    from basalt.planning.partitions import Partition

    tried = {Partition(f.date, f.universe): f.error for f in result.failed if f.tried}
    for partition, said in tried.items() if again or debug else ():
        narrate(failure(partition, said))
        if debug:
            narrate(trace(result.errors[partition]))
    others = [str(at) for at in result.errors if at not in tried]
    if others:
        some = ", ".join(others[:NAMED]) + (", …" if len(others) > NAMED else "")
        narrate(f"not started, for reading or following what failed: {some}")


def _cure(result: "RunResult", forced: bool) -> str:
    """What is to be done about the failures. What was forced may be done as it stands, so that it is to be named."""
    what = "this one" if len(result.failed) == 1 else "these"
    if not forced:
        return f"what is published stays; once that is mended, the same command does just {what} again"
    days = dict.fromkeys(f"--date {failure.date}" for failure in result.failed)
    named = f" and {' '.join(days)}" if len(days) <= NAMED else " and their dates"
    return f"what was published stays; once that is mended, run {what} again with --force{named}"


def _counts(result: "RunResult", only_missing: bool) -> str:
    name, failed, total = result.plan.config.name, len(result.errors), len(result.plan.partitions)
    ran = {(p.date, p.universe) for p in result.published} - {(p.date, p.universe) for p in result.errors}
    before = total - failed - len(ran)
    if before == total:
        whole = "its partition" if total == 1 else f"all {total} partitions"
        verb = "is" if total == 1 else "are"
        return f"{name}: nothing to do, {whole} {verb} {'published' if only_missing else 'done'}"
    said = f"{name}: {total - failed} of {counted(total, 'partition')} done in {result.seconds:.1f} s"
    tried = sum(failure.tried for failure in result.failed)
    ended = [f"{tried} failed"] * (tried > 0) + [f"{failed - tried} not started"] * (failed > tried)
    return said + (f", {before} of them before" if before else "") + (f"; {', '.join(ended)}" if ended else "")


def trace(error: BasaltError) -> str:
    """How the error came about; of one in another process, the trace of that."""
    from basalt.running.attempts import Trace

    if isinstance(error.__cause__, Trace):
        return str(error.__cause__.args[0]).rstrip()
    return "".join(traceback.format_exception(error)).rstrip()
