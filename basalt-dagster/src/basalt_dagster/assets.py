"""A pipeline as Dagster definitions: one asset a pass, one external asset a raw table, one partition a date, whatever
its universes.

Keys are [pipeline, pass], and [pipeline, "source", table] for what the source delivers. Partitions are the dates the
source has, as a static list: a weekend or a holiday is no partition, so it is neither missing nor runnable, and no
clock hides the date that is still running. A date that arrives later appears when the definitions are loaded again.
"""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from basalt.errors import UserError
from basalt.planning.pipeline_file import plan_file
from basalt.planning.places import unread
from basalt.planning.plan import Plan
from basalt.planning.program import Program
from basalt_dagster.described import column_schema
from basalt_dagster.materialized import materialized


def build_definitions(pipeline: str | Path, overrides: Sequence[str] = ()) -> dg.Definitions:
    """The definitions of a pipeline file. `overrides`: as `passes.bars.every=5m`. Reads no rows.

    UserError or PluginError, in one sentence, for what could not run, or not pass by pass.
    """
    return definitions_of(plan_file(Path(pipeline), overrides))


def definitions_of(plan: Plan) -> dg.Definitions:
    """The definitions of a plan: its passes, on the dates it has."""
    _check_outputs(plan)
    _check_names(plan)
    dates = dg.StaticPartitionsDefinition([str(day) for day in plan.dates.days])
    return dg.Definitions(assets=[*_tables(plan), *(_asset(plan, program, dates) for program in plan.programs)])


def keys(plan: Plan) -> list[dg.AssetKey]:
    """Keys of the tables and passes, each after what it depends on."""
    return [*(_table_key(plan, name) for name in _tables_read(plan)), *(_pass_key(plan, name) for name in plan.names)]


def _check_outputs(plan: Plan) -> None:
    """Each pass is a run of its own, so what a later one reads must have been published."""
    for program in plan.programs:
        for source in program.upstream:
            if not plan.readable(source):
                raise UserError(
                    f"passes.{program.name} reads passes.{source}, which {unread(plan.outputs[source])}: as Dagster "
                    "assets they run one by one, so add [[outputs]], or [[passes.outputs]] to it"
                )


def _check_names(plan: Plan) -> None:
    taken: dict[str, str] = {}
    for name in plan.names:
        other = taken.setdefault(_word(name), name)
        if other != name:
            raise UserError(f"passes.{other} and passes.{name} are one name to Dagster, which has no '-': rename one")


def _tables_read(plan: Plan) -> list[str]:
    return list(dict.fromkeys(table for program in plan.programs for table in _tables_of(program)))


def _tables_of(program: Program) -> list[str]:
    """Tables of the source that the pass reads, those that another pipeline published included."""
    return [*(table for table in program.reads if ":" not in table), *program.published]


def _tables(plan: Plan) -> list[dg.AssetSpec]:
    """What the source delivers and some pass reads; Dagster shows it and never runs it."""
    return [
        dg.AssetSpec(
            _table_key(plan, name),
            description=plan.schemas[name].doc if name in plan.schemas else "Results that another pipeline published.",
            group_name=_word(plan.config.name),
            kinds={_word(plan.config.source.type)},
        )
        for name in _tables_read(plan)
    ]


def _asset(plan: Plan, program: Program, dates: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    modules = ", ".join(entry.module for entry in program.config.modules)
    earlier = [_pass_key(plan, name) for name in program.upstream]
    spec = dg.AssetSpec(
        _pass_key(plan, program.name),
        deps=[*(_table_key(plan, table) for table in _tables_of(program)), *earlier],
        description=f"{modules}: {program.rule.describe()}",
        group_name=_word(plan.config.name),
        kinds={"basalt"},
        metadata=column_schema(program.result),
    )

    @dg.multi_asset(name=f"{_word(plan.config.name)}__{_word(program.name)}", specs=[spec], partitions_def=dates)
    def run_pass(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        return materialized(context, plan, program.name)

    return run_pass


def _pass_key(plan: Plan, name: str) -> dg.AssetKey:
    return dg.AssetKey([plan.config.name, name])


def _table_key(plan: Plan, table: str) -> dg.AssetKey:
    return dg.AssetKey([plan.config.name, "source", table])


def _word(name: str) -> str:
    """A name as Dagster's groups and steps take it."""
    return name.replace("-", "_")
