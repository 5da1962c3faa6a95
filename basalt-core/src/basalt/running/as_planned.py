"""Whether a date's table is what the plan was made by: one date's columns must not decide how another is computed.

A column that some pass reads must be there, and of the same dtype. One that is *added* counts where somebody would use
it: frame modules and transforms get every column, and a bucket module may have more metrics for it, as of more levels.
"""

from datetime import date

from basalt.errors import DataError
from basalt.expressions import identity
from basalt.modules import BucketModule, Part
from basalt.planning.grouping import tables_of
from basalt.planning.known import Columns
from basalt.planning.plan import Plan
from basalt.planning.program import Program
from basalt.planning.uses import Use, door

STRUCTURAL = ("SequenceNo", "MarketState", "IsCancelled")


def check_as_planned(plan: Plan, table: str, found: Columns, day: date) -> None:
    """DataError for the first column that is missing, added or of another dtype. `found`: those of that date."""
    planned, schema = plan.columns_of[table], plan.schemas[table]
    read = [column for program in plan.programs for column in program.reads.get(table, ())]
    added = {name: dtype for name, dtype in found.items() if name not in planned and schema.column(name) is not None}
    used = added if any(_would_use(program, table, added) for program in plan.programs) else {}
    for column in dict.fromkeys([*read, *STRUCTURAL, *used]):
        if found.get(column) != planned.get(column):
            now, then = found.get(column) or "absent", planned.get(column) or "absent"
            raise DataError(
                f"table {table!r}: column {column} is {now} on {day} and {then} on {plan.partitions[0].date}, by which "
                f"the pipeline was planned: run that date by itself with --date {day}, or mend its data"
            )


def _would_use(program: Program, table: str, added: Columns) -> bool:
    if not added:
        return False
    whole = any(table in tables_of(use) for use in program.frame_uses)
    whole = whole or any(table in step.inputs for step in program.steps if not step.implied)
    uses = {one.use.place: one.use for one in program.planned}
    columns = {**program.columns_of.get(table, {}), **added}
    return whole or any(_computes_more(use, table, columns) for use in uses.values())


def _computes_more(use: Use, table: str, columns: Columns) -> bool:
    """Whether a bucket module, with these columns of the table, is another than the plan's."""
    module = use.module
    assert isinstance(module, BucketModule)
    if use.entry.tables.get(module.table, module.table) != table:
        return False
    with door(use.place, use.component):
        other = type(module)(module.config, columns, module.rule, module.known_after)
        return [_told(part) for part in other.parts()] != [_told(part) for part in use.parts]


def _told(part: Part) -> list[object]:
    named = [*part.samples.items(), *part.derive.items(), *((metric.name, metric.expr) for metric in part.metrics)]
    filters = [identity(part.valid), identity(part.where)]
    return [part.reads, *filters, [(name, identity(expr)) for name, expr in named]]
