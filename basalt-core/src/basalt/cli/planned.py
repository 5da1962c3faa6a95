"""What commands on a pipeline file share: their options, and the plan these lead to."""

import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from basalt.cli.session import registry_of

if TYPE_CHECKING:
    from basalt.planning.plan import Plan

DATE = click.DateTime(["%Y-%m-%d"])
file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
set_option = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key, as passes.bars.every=5m."
)
_OPTIONS = (
    click.option("--date", "these", type=DATE, multiple=True, help="This date alone; may be given again."),
    click.option("--from", "first", type=DATE, help="First date, inclusive."),
    click.option("--to", "last", type=DATE, help="Last date, inclusive."),
    click.option("--universe", "universes", multiple=True, metavar="NAME", help="This one alone; may be given again."),
    set_option,
    click.option("--executor", metavar="NAME", help="How partitions are run: inline, processes, dask, or a plugin's."),
    click.option("--workers", type=click.IntRange(min=1), help="Partitions run at a time."),
)


@attrs.frozen
class Chosen:
    """What the command line says of a run: overrides of the file, dates, universes, and how it is spread."""

    overrides: Sequence[str] = ()
    these: Sequence[date] = ()
    first: date | None = None
    last: date | None = None
    universes: Sequence[str] = ()
    executor: str | None = None
    workers: int | None = None


def choosing(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--date`, `--from`, `--to`, `--universe`, `--set`, `--executor` and `--workers`, as one argument `chosen`."""

    @wraps(command)
    def called(*args: Any, **given: Any) -> Any:
        said = {field.name: given.pop(field.name) for field in attrs.fields(Chosen)}
        if said["these"] and (said["first"] or said["last"]):
            raise click.UsageError("--date names dates alone: give either it or --from and --to")
        said["these"] = tuple(map(datetime.date, said["these"]))
        said["first"], said["last"] = (day and day.date() for day in (said["first"], said["last"]))
        return command(*args, chosen=Chosen(**said), **given)

    for option in reversed(_OPTIONS):
        option(called)
    return called


def plan_of(ctx: click.Context, file: Path, overrides: Sequence[str] = (), chosen: Chosen = Chosen()) -> "Plan":
    """The plan of a pipeline file, with the plugins of the session; what these print is narration."""
    from basalt.planning.dates import Asked
    from basalt.planning.pipeline_file import plan_file

    with redirect_stdout(sys.stderr):
        return plan_file(
            file,
            [*overrides, *chosen.overrides],
            Asked(chosen.these, chosen.first, chosen.last),
            chosen.universes,
            lambda files, prefer: registry_of(ctx, files, prefer),
            chosen.executor,
            chosen.workers,
        )
