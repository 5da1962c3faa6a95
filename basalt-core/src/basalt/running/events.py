"""Run events: typed records of what a run does, for progress displays, run records and plugins.

Observers are called in the process that runs the partition; one that raises is reported once and harms no run.
"""

from collections.abc import Callable, Sequence
from datetime import date

import attrs


@attrs.frozen
class RunStarted:
    """A run begins. `total` partitions, each of these passes."""

    pipeline: str
    run: str
    passes: Sequence[str]
    total: int


@attrs.frozen
class PassComputed:
    """One pass of one partition is computed and spooled."""

    name: str
    date: date
    universe: str
    rows: int
    seconds: float


@attrs.frozen
class PassPublished:
    """One pass of one partition is visible at these places and written in the ledger."""

    name: str
    date: date
    universe: str
    rows: int
    places: Sequence[str]


@attrs.frozen
class Noted:
    """Something of a partition that is no error and that its reader should know."""

    date: date
    universe: str
    what: str


@attrs.frozen
class PartitionFailed:
    """A partition stopped; nothing of the pass that failed was published."""

    date: date
    universe: str
    error: str


@attrs.frozen
class RunFinished:
    """A run ends."""

    run: str
    done: int
    failed: int
    seconds: float


Event = RunStarted | PassComputed | PassPublished | Noted | PartitionFailed | RunFinished
Observer = Callable[[Event], None]


class Observers:
    """Whoever watches a run. `complain` gets one sentence for each observer that raised, once."""

    def __init__(self, observers: Sequence[Observer], complain: Callable[[str], None]) -> None:
        self._observers = list(observers)
        self._complain = complain

    def emit(self, event: Event) -> None:
        """Tell everyone; drop an observer that raises."""
        for observer in list(self._observers):
            try:
                observer(event)
            except Exception as error:  # noqa: BLE001 - a plugin's door
                self._observers.remove(observer)
                where = getattr(observer, "__module__", "unknown")
                self._complain(f"observer {where} raised {type(error).__name__}: {error}; it sees no more of this run")
