"""What a worker of a dask cluster does for a run; the client's side is `dask.py`."""

# mypy: allow-untyped-calls
# distributed is typed in part

import importlib.metadata
import pickle
import threading
from collections.abc import Callable, Mapping, Sequence

import attrs

from basalt.errors import BasaltError, PluginError
from basalt.running.attempts import Attempt, Failure, Packed, attempted
from basalt.running.events import Event

_ONE_AT_A_TIME = threading.Lock()  # workers may have several threads; work is for one process, and so is its memory


@attrs.frozen
class Ended:
    """What a task returns: its failure, and its events as bytes. `started_before`: a worker died at it, and nothing
    was done this time."""

    failure: Failure | None = None
    events: Sequence[bytes] = ()
    started_before: bool = False


class Unwanted(BaseException):
    """Nobody waits for the task any more; passes whatever the work catches, and runs what it does finally."""


def task(work: Packed, attempt: Attempt, topic: str, key: str) -> Ended:
    """One attempt. Events go to the topic of the scheduler as they happen; `key`: the task's own."""
    from distributed import Event as Flag

    with _ONE_AT_A_TIME:
        started = Flag(key)
        if started.is_set():
            return Ended(started_before=True)
        started.set()
        events: list[bytes] = []
        try:
            error = _refused(work.versions) or attempted(work, attempt, _teller(topic, key, events))
        except Unwanted:
            return Ended()
        return Ended(None if error is None else Failure.of(error), events)


def _teller(topic: str, key: str, events: list[bytes]) -> Callable[[Event], None]:
    from distributed import get_worker

    worker = get_worker()

    def tell(event: Event) -> None:
        one = worker.state.tasks.get(key)
        if one is None or one.state == "cancelled":
            raise Unwanted
        events.append(pickle.dumps(event))
        worker.log_event(topic, {"key": key, "number": len(events) - 1, "event": events[-1]})

    return tell


def _refused(wanted: Mapping[str, str]) -> BasaltError | None:
    """The error where this process has other code than the run was planned with; files have no version to compare."""
    from distributed import get_worker

    for name, version in wanted.items():
        here = _installed(name)
        if version and here != version:
            return PluginError(
                f"the dask worker at {get_worker().address} has {f'{name} {here}' if here else f'no {name}'} and the "
                f"run was planned with {version}: install {name}=={version} on every worker, or upgrade here"
            )
    return None


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
