"""Requirements: every column a pass names must be there, or the plan is refused with metric, column and table."""

from collections.abc import Mapping
from difflib import get_close_matches

from basalt.errors import UserError
from basalt.planning.emitted import Planned, frame_columns, read_columns
from basalt.planning.known import Columns


def check_columns(planned: Planned, columns: Columns, source: str) -> None:
    """UserError for the first column the metric reads that its table lacks."""
    table = planned.part.reads.table
    for name in read_columns(planned.emitted.expr, planned.part):
        if name not in columns and name not in frame_columns(planned.part.reads):
            raise UserError(
                f"{planned.use.place}: metric {planned.column.name} of module {planned.use.entry.module} needs column "
                f"{name!r} of table {table!r}, which source {source!r} does not have{_near(name, columns)}"
            )


def _near(name: str, columns: Mapping[str, object]) -> str:
    near = get_close_matches(name, list(columns), n=3)
    return f"; near it: {', '.join(near)}" if near else f"; it has: {', '.join(columns)}"
