"""Materialising an asset: one pass of one date is run, planned afresh; what it reads of earlier passes is read back."""

from datetime import date

import dagster as dg

from basalt.errors import BasaltError, DataError
from basalt.planning.dates import Asked
from basalt.planning.keys import content_key
from basalt.planning.plan import Partition, Plan, make_plan
from basalt.running.ledger import Ledger
from basalt.running.run import run_plan
from basalt_dagster.described import outcome


def materialized(context: dg.AssetExecutionContext, plan: Plan, name: str) -> dg.MaterializeResult[None]:
    """Run the pass on the context's date; Failure with the one sentence that `basalt pipeline run` would say."""
    day = date.fromisoformat(context.partition_key)
    try:
        dated = make_plan(plan.config, plan.registry, plan.folder, Asked((day,)))
        for note in dated.notes:
            context.log.info(note)
        partition = dated.partitions[0]
        _check_earlier(dated, name, partition)
        result = run_plan(dated, plan.registry.observers(), only=[name])
    except BasaltError as error:
        raise dg.Failure(str(error)) from error
    if result.failed:
        raise dg.Failure(result.failed[0].error)
    return dg.MaterializeResult(metadata=outcome(dated, name, partition))


def _check_earlier(plan: Plan, name: str, partition: Partition) -> None:
    """What is read back is what the plan would compute now: rows of another configuration, other code or other data
    would pass for it otherwise, in the result and in the ledger."""
    keys: dict[str, str] = {}
    for program in plan.programs:
        keys[program.name] = content_key(program, plan.source, partition.date, keys)
    for source in plan.program(name).sources:
        record = Ledger(plan.folder / plan.config.state).read(plan.target(source, partition, ""))
        if record is None or record["key"] != keys[source]:
            what = "is not published" if record is None else "was published from other code, configuration or data"
            raise DataError(
                f"passes.{name} on {partition.date} reads passes.{source}, which {what} for that date: materialise "
                f"{plan.config.name}/{source} first"
            )
