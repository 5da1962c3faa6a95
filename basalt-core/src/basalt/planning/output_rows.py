"""What an output asks of the rows it is given: `dedupe`, of rows that repeat their keys the last, and `index`, a column
that numbers them.

`dedupe` is a matter of the pass: what outputs hold, checks see and later passes read are the same rows. `index` is one
of the output alone: wherever its rows are read back, that column is left out.
"""

from collections.abc import Mapping, Sequence

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.config.model import OutputEntry, PassConfig, PipelineConfig
from basalt.documents import PassResult, ResultColumn
from basalt.errors import UserError
from basalt.planning.places import PlannedOutput

INDEX = "RowNumber"


def dedupes(one: PassConfig, config: PipelineConfig) -> bool:
    """Whether the pass keeps the last of rows that repeat their keys; UserError where its outputs differ in that."""
    entries = config.outputs if one.outputs is None else one.outputs
    asked = {entry.dedupe for entry in entries}
    if len(asked) > 1:
        raise UserError(
            f"passes.{one.name} has outputs with dedupe = 'keys' and without, and gives all of them the same rows: set "
            "it on each, or on none"
        )
    return asked == {"keys"}


def index_of(entry: OutputEntry) -> str | None:
    """The name of the column that numbers the rows; None where none is asked."""
    return (INDEX if entry.index is True else entry.index) or None


def described(result: PassResult, index: str) -> PassResult:
    """The result as an output has it that numbers its rows."""
    doc = "Number of the row in its partition, from 0, in the order of the keys and TimeBucket."
    column = ResultColumn(index, Unit.LABEL, doc, pl.Int64)
    return attrs.evolve(result, columns=[*result.columns, column])


def check_indexes(results: Sequence[PassResult], outputs: Mapping[str, Sequence[PlannedOutput]]) -> None:
    """UserError for an index that takes the name of a column, or numbers rows that are added to others."""
    for result in results:
        for one in outputs[result.name]:
            name = index_of(one.entry)
            if name is None:
                continue
            taken = ["Date", "Universe", *result.keys, "TimeBucket", *(column.name for column in result.columns)]
            if name in taken or name.startswith("_"):
                raise UserError(
                    f"passes.{result.name} goes to output {one.name} with index = {name!r}, which is a column of it or "
                    "begins with _: choose another name"
                )
            if not one.output.replaces:
                raise UserError(
                    f"passes.{result.name} goes to output {one.name} with an index, which numbers whole partitions, "
                    "and that output adds to what is there: leave `index` out, or let it replace partitions"
                )
