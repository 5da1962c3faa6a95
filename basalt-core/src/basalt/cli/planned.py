"""What commands on a pipeline file share: their options, and the plan these lead to."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from basalt.cli.session import registry_of

if TYPE_CHECKING:
    from basalt.planning.plan import Plan

DATE = click.DateTime(["%Y-%m-%d"])
file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
set_option = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key, as passes.bars.every=5m."
)


def date_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--date`, `--from`, `--to`."""
    command = click.option("--to", "last", type=DATE, help="Last date, inclusive.")(command)
    command = click.option("--from", "first", type=DATE, help="First date, inclusive.")(command)
    return click.option("--date", "these", type=DATE, multiple=True, help="This date alone; may be repeated.")(command)


def plan_of(
    ctx: click.Context,
    file: Path,
    overrides: Sequence[str] = (),
    these: Sequence[datetime] = (),
    first: datetime | None = None,
    last: datetime | None = None,
) -> "Plan":
    """The plan of a pipeline file, with the plugins of the session."""
    from basalt.planning.dates import Asked
    from basalt.planning.pipeline_file import plan_file

    if these and (first or last):
        raise click.UsageError("--date names dates alone: give either it or --from and --to")
    dates = Asked(tuple(_day(d) for d in these), first and _day(first), last and _day(last))
    return plan_file(file, overrides, dates, lambda files, prefer: registry_of(ctx, files, prefer))


def _day(moment: datetime) -> date:
    return moment.date()
