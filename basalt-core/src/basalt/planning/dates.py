"""Dates of a run: what was asked for, out of what the source has."""

from collections.abc import Sequence
from datetime import date

import attrs

from basalt.config.model import DatesConfig
from basalt.errors import UserError


@attrs.frozen
class Asked:
    """Dates as asked: these alone, or an inclusive range; neither: all the source has."""

    these: Sequence[date] = ()
    first: date | None = None
    last: date | None = None


def asked(config: DatesConfig, override: Asked) -> Asked:
    """The command line's dates where it names any, else the configuration's."""
    if override != Asked():
        return override
    return Asked(tuple(config.list_ or ()), config.from_, config.to)


def _count(days: Sequence[date]) -> str:
    number = len(set(days))
    return f"{number} date{'s' * (number != 1)}"


def chosen(wanted: Asked, available: Sequence[date], source: str) -> list[date]:
    """The dates to run, ascending; UserError where the source has none of them, or lacks one asked for by name."""
    if not available:
        raise UserError(f"source {source!r} has no dates at all: check its root and layout")
    span = f"it has {_count(available)} from {min(available)} to {max(available)}"
    if wanted.these:
        missing = sorted(set(wanted.these) - set(available))
        if missing:
            listed = ", ".join(str(d) for d in missing)
            raise UserError(f"source {source!r} has no data for {listed}; {span}")
        return sorted(set(wanted.these))
    first, last = wanted.first or min(available), wanted.last or max(available)
    found = sorted({d for d in available if first <= d <= last})
    if not found:
        since, until = wanted.first or "the first date", wanted.last or "the last"
        raise UserError(f"source {source!r} has no data from {since} to {until}; {span}")
    return found
