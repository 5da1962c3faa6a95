"""Scopes: how far a pass may be cut, and which previous dates it reads.

*listing*: any run of listings may be a batch. *instrument*: batches are whole instruments, and every listing that
`reference` gives for them is read, in the universe or out of it. *universe*: the partition is computed in one piece.
The scope of a pass is the widest one among its modules and transforms.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from basalt.errors import PluginError, UserError
from basalt.modules import FrameModule, Scope
from basalt.planning.instruments import check_instruments
from basalt.planning.known import Columns
from basalt.planning.places import PlannedOutput, read_from, unread
from basalt.planning.preprocess import Step
from basalt.planning.uses import Use
from basalt.tables import TableSchema

if TYPE_CHECKING:
    from basalt.planning.program import Program

WIDTHS: dict[Scope, int] = {"listing": 0, "instrument": 1, "universe": 2}


def scope_of(frame_uses: Sequence[Use], steps: Sequence[Step]) -> Scope:
    """The widest scope of frame modules and transforms; the rows of a bucket module are of one listing."""
    asked = [_declared(use.module, use.place) for use in frame_uses]
    asked += [_declared(step.transform, step.place) for step in steps]
    return max(asked, key=WIDTHS.__getitem__, default="listing")


def _declared(component: Any, place: str) -> Scope:
    scope: Scope = component.scope
    if scope not in WIDTHS:
        raise PluginError(f"{place}: scope {scope!r} is unknown: make it one of {', '.join(WIDTHS)}")
    return scope


def history_of(frame_uses: Sequence[Use]) -> dict[str, int]:
    """By earlier pass, how many previous dates of it some module reads; passes of which none is read are left out."""
    found: dict[str, int] = {}
    for use in frame_uses:
        assert isinstance(use.module, FrameModule)
        dates, source = use.module.history, use.entry.source
        if dates and source is not None:
            found[source] = max(dates, found.get(source, 0))
    return found


def check_cut(program: "Program") -> None:
    """A module that needs the whole universe cannot stand beside modules whose tables are read in batches, and no
    module reads previous dates of tables."""
    whole = [use for use in program.frame_uses if _declared(use.module, use.place) == "universe"]
    tabular = [use for use in program.frame_uses if use not in whole and set(use.inputs) != {"source"}]
    cut = [one.use for one in program.planned] + tabular
    if whole and cut:
        name = whole[0].entry.module
        raise UserError(
            f"passes.{program.name}: module {name} needs the whole universe at once, and module {cut[0].entry.module} "
            f"reads tables in batches of listings: put {name} in a pass of its own, behind this one"
        )
    for use in program.frame_uses:
        dates = getattr(use.module, "history", 0)
        if dates < 0 or (dates and "source" not in use.inputs):
            raise PluginError(
                f"{use.place}: {use.title} asks for {dates} previous dates: only a module with the input 'source' has "
                "any, of the pass it reads"
            )


def check_universes(
    program: "Program", columns_of: Mapping[str, Columns], schemas: Mapping[str, TableSchema], named: bool
) -> None:
    """Whole instruments, and events by instrument in universes of listings, need to know which listings are one."""
    if program.scope == "instrument":
        check_instruments(columns_of, f"passes.{program.name}")
    events = [schemas[table] for table in program.reads if schemas[table].events] if named else []
    for schema in events:
        if schema.key == "InstrumentId":
            who = f"passes.{program.name}, which reads table {schema.name} in universes of listings,"
            check_instruments(columns_of, who)
        elif schema.key != "ListingId":
            raise UserError(
                f"passes.{program.name} reads table {schema.name}, whose rows are by {schema.key}, and [universes] are "
                "of listings: run it in a pipeline of its own, without universes"
            )
    if refers(program, columns_of, schemas, named):
        _check_instrument_dtypes(program, columns_of, schemas)


def _check_instrument_dtypes(
    program: "Program", columns_of: Mapping[str, Columns], schemas: Mapping[str, TableSchema]
) -> None:
    wanted = columns_of["reference"].get("InstrumentId")
    for table in program.reads:
        found = columns_of[table].get("InstrumentId")
        if schemas[table].key == "InstrumentId" and wanted is not None and found != wanted:
            raise UserError(
                f"InstrumentId is {found} in table {table!r} and {wanted} in table 'reference', by which "
                f"passes.{program.name} works: the tables of a run have one dtype of InstrumentId"
            )


def check_coverage(program: "Program", columns_of: Mapping[str, Columns], named: bool) -> None:
    """A share of the universe's members needs to know them."""
    known = {"ListingId"} if named else set()
    if program.config.expect.coverage is not None and program.key not in {*columns_of.get("reference", {}), *known}:
        raise UserError(
            f"passes.{program.name}.expect.coverage counts values of {program.key}, and nothing tells which there "
            "should be: add table reference to the source, or [universes] of listings"
        )


def refers(
    program: "Program", columns_of: Mapping[str, Columns], schemas: Mapping[str, TableSchema], named: bool
) -> bool:
    """Whether reference decides which rows the pass reads, keeps or should have, whatever its modules read."""
    reads = [schemas[table].key for table in program.reads if schemas[table].events]
    by_instrument = "InstrumentId" in (program.key, *reads) and (named or program.key == "ListingId")
    covering = program.config.expect.coverage is not None and not (named and program.key == "ListingId")
    return "reference" in columns_of and (program.scope == "instrument" or by_instrument or covering)


def check_history(program: "Program", outputs: Mapping[str, Sequence[PlannedOutput]]) -> None:
    """Previous dates are read from where they were published."""
    for source in program.history:
        if source not in program.published and read_from(outputs[source]) is None:
            raise UserError(
                f"passes.{program.name} reads previous dates of passes.{source}, which {unread(outputs[source])}: add "
                "[[outputs]], or [[passes.outputs]] to it"
            )
