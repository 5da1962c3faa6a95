"""Run events: typed records of what a run does, for progress displays, run records and plugins.

Observers are called in the process that runs the pipeline, whatever process a partition runs in; one that raises is
reported once and harms no run.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import attrs


@attrs.frozen
class RunStarted:
    """A run begins: `partitions` of these passes, of which some may turn out to be done. `started`: UTC, ISO 8601."""

    run: str
    pipeline: str
    started: str
    passes: Sequence[str]
    partitions: int
    executor: str
    versions: Mapping[str, str]


@attrs.frozen
class PassSkipped:
    """One pass of one partition is done already: same code, configuration and data."""

    name: str
    date: date
    universe: str


@attrs.frozen
class BatchComputed:
    """One batch of a pass is computed and spooled. `listings`: how many; `done`, `of`: rows of input, for progress."""

    name: str
    date: date
    universe: str
    batch: int
    listings: int
    rows: int
    done: int
    of: int
    seconds: float
    peak: int


@attrs.frozen
class PassComputed:
    """One pass of one partition is computed and spooled, whole. `peak`: resident memory of the process in bytes."""

    name: str
    date: date
    universe: str
    batches: int
    rows_in: int
    rows: int
    seconds: float
    peak: int


@attrs.frozen
class Checked:
    """One check of one pass and partition was made. `said`: what was found, in a sentence."""

    name: str
    date: date
    universe: str
    check: str
    passed: bool
    said: str


@attrs.frozen
class Staged:
    """One result of a pass is written beside its place, unseen by readers."""

    name: str
    date: date
    universe: str
    place: str


@attrs.frozen
class Committed:
    """One result of a pass became visible at its place; the ledger does not have it yet."""

    name: str
    date: date
    universe: str
    place: str


@attrs.frozen
class PassPublished:
    """One pass of one partition is visible at these places and written in the ledger. `seconds`: by stage."""

    name: str
    date: date
    universe: str
    rows: int
    places: Sequence[str]
    seconds: Mapping[str, float] = attrs.field(factory=dict)


@attrs.frozen
class Noted:
    """Something of a partition that is no error and that its reader should know.

    `count`: of how many rows or listings it speaks; `example`: one of them.
    """

    date: date
    universe: str
    what: str
    name: str = ""
    module: str = ""
    count: int | None = None
    example: str | None = None


@attrs.frozen
class PartitionFailed:
    """A partition stopped; nothing of the pass that failed was published. `code`: the exit code it stands for.
    `tried`: False where it was given up before it was started, for another one's failure."""

    date: date
    universe: str
    error: str
    code: int = 1
    tried: bool = True


@attrs.frozen
class PartitionFinished:
    """Every pass of a partition is published, or was before."""

    date: date
    universe: str
    seconds: float


@attrs.frozen
class RunFinished:
    """A run ends. `skipped`: partitions in which nothing was left to do; they count among the `done` ones."""

    run: str
    done: int
    skipped: int
    failed: int
    seconds: float


Event = (
    RunStarted
    | PassSkipped
    | BatchComputed
    | PassComputed
    | Checked
    | Staged
    | Committed
    | PassPublished
    | Noted
    | PartitionFailed
    | PartitionFinished
    | RunFinished
)
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
