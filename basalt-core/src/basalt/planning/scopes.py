"""Scopes: how far a pass may be cut, and which previous dates it reads.

*listing*: any run of listings may be a batch. *instrument*: batches are whole instruments, and every listing that
`reference` gives for them is read, in the universe or out of it. *universe*: the partition is computed in one piece.
The scope of a pass is the widest one among its modules and transforms.
"""

from collections.abc import Sequence
from typing import Any

from basalt.errors import PluginError, UserError
from basalt.modules import BucketModule, FrameModule, Scope
from basalt.planning.preprocess import Step
from basalt.planning.uses import Use

WIDTHS: dict[Scope, int] = {"listing": 0, "instrument": 1, "universe": 2}


def scope_of(uses: Sequence[Use], steps: Sequence[Step]) -> Scope:
    """The widest scope of modules and transforms."""
    asked = [_declared(use.module, use.place) for use in uses] + [_declared(s.transform, s.place) for s in steps]
    return max(asked, key=WIDTHS.__getitem__, default="listing")


def _declared(component: Any, place: str) -> Scope:
    scope: Scope = "listing" if isinstance(component, BucketModule) else component.scope
    if scope not in WIDTHS:
        raise PluginError(f"{place}: scope {scope!r} is unknown: make it one of {', '.join(WIDTHS)}")
    return scope


def check_cut(pass_name: str, uses: Sequence[Use]) -> None:
    """A module that needs the whole universe cannot stand beside modules whose tables are read in batches."""
    whole = [use for use in uses if _declared(use.module, use.place) == "universe"]
    cut = [use for use in uses if use not in whole and _reads_tables(use)]
    if whole and cut:
        raise UserError(
            f"passes.{pass_name}: module {whole[0].entry.module} needs the whole universe at once, and module "
            f"{cut[0].entry.module} reads tables in batches of listings: put {whole[0].entry.module} in a pass of its "
            "own, behind this one"
        )


def _reads_tables(use: Use) -> bool:
    return isinstance(use.module, BucketModule) or any(name != "source" for name in use.module.inputs)


def history_of(uses: Sequence[Use]) -> dict[str, int]:
    """By earlier pass, how many previous dates of it some module reads; passes of which none is read are left out."""
    found: dict[str, int] = {}
    for use in uses:
        dates = use.module.history if isinstance(use.module, FrameModule) else 0
        if dates < 0 or (dates and use.entry.source is None):
            raise PluginError(f"{use.place}: {use.title} asks for {dates} previous dates: it must read an earlier pass")
        if dates:
            found[str(use.entry.source)] = max(dates, found.get(str(use.entry.source), 0))
    return found


def check_history(pass_name: str, history: dict[str, int], published: Sequence[str]) -> None:
    """Previous dates are read from where they were published; `published`: passes that have an output."""
    for source in history:
        if source not in published:
            raise UserError(
                f"passes.{pass_name} reads previous dates of passes.{source}, which has no output: add [[outputs]], or "
                "[[passes.outputs]] to it"
            )
