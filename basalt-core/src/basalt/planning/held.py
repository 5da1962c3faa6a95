"""What outputs hold: whether it is what was published, and whose it is.

The document of a published partition names its pipeline and its content key. Outputs that cannot tell are trusted.
"""

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

from basalt.errors import DataError, UserError
from basalt.outputs import Output, Target
from basalt.planning.output_rows import index_of
from basalt.planning.places import PlannedOutput

if TYPE_CHECKING:
    from basalt.planning.plan import Plan


def changed_since(one: PlannedOutput, target: Target, key: str) -> str:
    """Why the output does not hold what was published under that key, as words that follow on "as"; empty where it
    does."""
    output = one.output
    try:
        document = output.document(target)
    except DataError:
        return f"something else is at {output.place(target)} now"
    if document is None:
        return f"it is no longer at {output.place(target)}"
    made = _provenance(document)
    if made.get("key", key) == key:
        same = not made or made.get("index") == index_of(one.entry)
        return "" if same else f"the index of the rows at {output.place(target)} is another"
    if made.get("pipeline") == target.pipeline:
        return f"other rows are at {output.place(target)} now"
    return f"pipeline {made.get('pipeline')!r} has published to {output.place(target)} since"


def check_owners(plan: "Plan") -> None:
    """Nothing is replaced that another pipeline published, or nobody: UserError for the first such place.

    A partition that the pipeline has a record of is its own.
    """
    for name, partition in product(plan.names, plan.partitions):
        if plan.ledger.path(plan.target(name, partition, "")).exists():
            continue
        for result in plan.results(name):
            for one in plan.outputs[result.name]:
                _check_owner(one.output, plan.target(result.name, partition, one.name))


def _check_owner(output: Output, target: Target) -> None:
    try:
        document = output.document(target)
    except DataError as error:
        owner, why = "no pipeline", f" ({error})"
    else:
        other = _provenance(document or {}).get("pipeline", target.pipeline)
        if other == target.pipeline:
            return
        owner, why = f"pipeline {other!r}", ""
    raise UserError(
        f"passes.{target.pass_name} on {target.date} would replace {output.place(target)}, which {owner} published"
        f"{why}: give the output another root, put {{pipeline}} in its path, or remove what is there"
    )


def _provenance(document: Mapping[str, Any]) -> Mapping[str, Any]:
    found = document.get("provenance")
    return found if isinstance(found, Mapping) else {}
