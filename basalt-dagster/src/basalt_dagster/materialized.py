"""Materialising an asset: one pass of one date is run in every universe, planned afresh; what it reads of earlier
passes is read back."""

from datetime import date

import dagster as dg

from basalt.errors import BasaltError
from basalt.planning.dates import Asked
from basalt.planning.plan import Plan, make_plan
from basalt.running.run import run_plan
from basalt_dagster.described import outcome


def materialized(context: dg.AssetExecutionContext, plan: Plan, name: str) -> dg.MaterializeResult[None]:
    """Run the pass on the context's date; Failure with the sentence that `basalt pipeline run` would say of each
    universe that failed."""
    day = date.fromisoformat(context.partition_key)
    try:
        dated = make_plan(plan.config, plan.registry, plan.folder, Asked((day,)))
        for note in dated.notes:
            context.log.info(note)
        result = run_plan(dated, plan.registry.observers(), only=[name])
    except BasaltError as error:
        raise dg.Failure(str(error)) from error
    if result.failed:
        raise dg.Failure("\n".join(failure.error for failure in result.failed))
    return dg.MaterializeResult(metadata=outcome(dated, name))
