"""Side outputs: tables that a pass gives beside its rows, made by a module or a transform.

A later pass reads one as `pass:side` in a table's place; outputs keep it under the name `pass.side`. The table that a
transform of a pass puts in a table's place is one too. It is *made* where somebody asks for it: `side_outputs` of the
pass or of an output, or a later pass that reads it.
"""

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.config.model import PassConfig, PipelineConfig
from basalt.config.words import did_you_mean
from basalt.documents import PassResult, ResultColumn
from basalt.errors import UserError
from basalt.modules import FrameModule, Lag
from basalt.planning.known import Columns
from basalt.planning.places import PlannedOutput
from basalt.planning.program import Program
from basalt.tables import TableSchema


@attrs.frozen(eq=False)
class Side:
    """A side output of a pass. `schema`: of its rows, named as later passes name it; `columns`: its real dtypes."""

    pass_name: str
    side: str
    schema: TableSchema
    columns: Mapping[str, pl.DataType]

    @property
    def name(self) -> str:
        """As later passes name it: `pass:side`."""
        return self.schema.name

    @property
    def result(self) -> PassResult:
        """What outputs keep: described columns, under the name `pass.side`."""
        columns = [self._described(name, dtype) for name, dtype in self.columns.items() if name != self.schema.key]
        dtype = self.columns[self.schema.key]
        return PassResult(f"{self.pass_name}.{self.side}", [self.schema.key], None, columns, [dtype])

    def outputs_of(self, outputs: Sequence[PlannedOutput]) -> list[PlannedOutput]:
        """Those of the pass's outputs that take it."""
        return [one for one in outputs if one.entry.side_outputs is None or self.side in one.entry.side_outputs]

    def _described(self, name: str, dtype: pl.DataType) -> ResultColumn:
        column = self.schema.column(name)
        unit, doc = (column.unit, column.doc) if column else (None, "")
        return ResultColumn(name, unit or Unit.LABEL, doc, dtype=dtype)


def offered(program: Program, schemas: Mapping[str, TableSchema]) -> dict[str, TableSchema]:
    """The side outputs the pass could make, by name; UserError where two of its components make one."""
    found: dict[str, tuple[str, TableSchema]] = {}
    for place, schema in _offers(program, schemas):
        other = found.setdefault(schema.name, (place, schema))
        if other[0] != place:
            raise UserError(
                f"{other[0]} and {place} both make the side output {schema.name!r}: put one in a pass of its own"
            )
    return {name: schema for name, (_, schema) in found.items()}


def _offers(program: Program, schemas: Mapping[str, TableSchema]) -> Iterator[tuple[str, TableSchema]]:
    for use in program.frame_uses:
        assert isinstance(use.module, FrameModule)
        for schema in use.module.sides:
            yield use.place, schema
    last = {step.transform.output: step for step in program.steps if not step.implied}
    for step in last.values():
        yield step.place, schemas[step.transform.output]
    for step in program.steps:
        for schema in step.transform.sides:
            yield step.place, schema


def sides_of(
    program: Program, schemas: Mapping[str, TableSchema], columns: Mapping[str, Mapping[str, pl.DataType]]
) -> list[Side]:
    """The side outputs the pass could make; `columns`: by name, the dtypes they have on frames without rows."""
    return [
        Side(program.name, name, attrs.evolve(schema, name=f"{program.name}:{name}"), columns[name])
        for name, schema in offered(program, schemas).items()
    ]


def lags_of_sides(program: Program, sides: Iterable[Side]) -> dict[str, dict[str, Lag]]:
    """By side output and column, how much later than its row one is known that a transform says so of."""
    late: dict[str, Lag] = {}
    for step in program.steps:
        late |= step.transform.known_after
    found = {side.name: {name: late[name] for name in side.columns if name in late} for side in sides}
    return {name: lags for name, lags in found.items() if lags}


def with_sides(
    schemas: Mapping[str, TableSchema], columns_of: Mapping[str, Columns], sides: Mapping[str, Sequence[Side]]
) -> tuple[dict[str, TableSchema], Mapping[str, Columns]]:
    """Tables of the source and side outputs, by the names that passes read them under."""
    every = [side for several in sides.values() for side in several]
    found = {side.name: side.columns for side in every}
    return {**schemas, **{side.name: side.schema for side in every}}, ChainMap(found, cast(Any, columns_of))


def sides_made(
    config: PipelineConfig, programs: Sequence[Program], sides: Mapping[str, Sequence[Side]]
) -> dict[str, list[Side]]:
    """By pass, the side outputs that are made; UserError for one that is read and never made, or that nobody makes."""
    read = {table: program.name for program in programs for table in program.side_sources}
    everywhere = sorted({side.side for several in sides.values() for side in several})
    for i, entry in enumerate(config.outputs):
        for name in entry.side_outputs or ():
            _refuse_unknown(name, everywhere, f"outputs[{i}].side_outputs")
    found: dict[str, list[Side]] = {}
    for one in config.passes:
        _check_known(one, [side.side for side in sides[one.name]])
        found[one.name] = [side for side in sides[one.name] if _is_made(side, one, config, read)]
    return found


def _is_made(side: Side, one: PassConfig, config: PipelineConfig, read: Mapping[str, str]) -> bool:
    asked = one.side_outputs.get(side.side, "auto")
    entries = config.outputs if one.outputs is None else one.outputs
    named = any(side.side in (entry.side_outputs or ()) for entry in entries)
    if asked == "never" and (named or side.name in read):
        who = f"passes.{read[side.name]} reads it" if side.name in read else "an output names it"
        raise UserError(f"passes.{one.name}.side_outputs says {side.side} = 'never', and {who}: make it 'auto'")
    return asked == "always" or named or side.name in read


def _check_known(one: PassConfig, names: Sequence[str]) -> None:
    """A run's output may name side outputs that some passes have and others lack; a pass's own may not."""
    for name in one.side_outputs:
        _refuse_unknown(name, names, f"passes.{one.name}.side_outputs")
    for i, entry in enumerate(one.outputs or ()):
        for name in entry.side_outputs or ():
            _refuse_unknown(name, names, f"passes.{one.name}.outputs[{i}].side_outputs")


def _refuse_unknown(name: str, names: Sequence[str], place: str) -> None:
    if name not in names:
        have = ", ".join(names) or "none"
        raise UserError(f"{place} names {name!r}{did_you_mean(name, names)}; side outputs there are: {have}")
