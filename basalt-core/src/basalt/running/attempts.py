"""Attempts: one try at one partition, wherever it is made, and what crosses between processes about it.

A *failure* is an error as text: it pickles whatever was raised, and becomes an error of the same type again, with the
trace of where it happened as its cause. *Packed* work is work as bytes, unpacked once in each process that runs it.
"""

import pickle
import sys
import traceback
from collections.abc import Mapping
from contextlib import redirect_stdout
from functools import lru_cache

import attrs
import polars as pl

from basalt import errors
from basalt.errors import BasaltError, UserError, one_line
from basalt.planning.partitions import Partition
from basalt.running.events import BatchComputed, Event, PassComputed
from basalt.running.executors import Tell, Work


@attrs.frozen
class Attempt:
    """One try at a partition: the `number`th. `share`: of the run's memory.

    `failures`, `losses`: earlier tries that failed, and that lost their worker.
    """

    partition: Partition
    share: float = 1.0
    number: int = 1
    failures: int = 0
    losses: int = 0


class WorkerLost(BasaltError):
    """The process that ran a partition is gone: killed by the system, most often for want of memory."""


class Trace(Exception):
    """The trace of an error in another process, as its cause here."""

    def __str__(self) -> str:
        return "\n" + str(self.args[0])


@attrs.frozen
class Failure:
    """An error on its way between processes. `kind`: its name in `basalt.errors`."""

    kind: str
    said: str
    exit_code: int
    readable: bool
    trace: str

    @classmethod
    def of(cls, error: BasaltError) -> "Failure":
        """What can be said of it elsewhere; a type of a plugin's own is told as the one of ours it derives from."""
        kind = next(k for k in type(error).__mro__ if getattr(errors, k.__name__, None) is k)
        trace = "".join(traceback.format_exception(error))
        return cls(kind.__name__, str(error), error.exit_code, error.readable, trace)

    def error(self) -> BasaltError:
        """The error again."""
        error: BasaltError = getattr(errors, self.kind)(self.said)
        error.exit_code, error.readable = self.exit_code, self.readable
        error.__cause__ = Trace(self.trace)
        return error


@attrs.frozen
class Packed:
    """Work as bytes; itself work, that unpacks on the first call."""

    data: bytes
    versions: Mapping[str, str]

    @classmethod
    def of(cls, work: Work, executor: str) -> "Packed":
        """UserError for work that does not pickle."""
        try:
            return cls(pickle.dumps(work), work.versions)
        except Exception as error:
            why = str(error) if isinstance(error, BasaltError) else f"{one_line(error)}; keep to what pickles"
            raise UserError(
                f'executor {executor!r} cannot send this run to another process: {why}, or set executor = "inline"'
            ) from error

    def __call__(self, partition: Partition, tell: Tell, share: float = 1.0) -> None:
        """The work, for one partition."""
        _unpacked(self.data)(partition, tell, share)


@lru_cache(maxsize=1)
def _unpacked(data: bytes) -> Work:
    work: Work = pickle.loads(data)
    return work


def attempted(work: Work, attempt: Attempt, tell: Tell) -> BasaltError | None:
    """Do the work; the error it stopped with, whatever it was. What modules print is narration."""
    try:
        with redirect_stdout(sys.stderr):
            work(attempt.partition, tell, attempt.share)
    except BasaltError as error:
        return error
    except (Exception, SystemExit, pl.exceptions.PanicException) as error:  # noqa: BLE001 - it stops no other partition
        broke = BasaltError(f"{attempt.partition} broke with {one_line(error)}; see the trace with --debug")
        broke.__cause__ = error
        return broke
    return None


def lost(attempt: Attempt, how: str, last: Event | None) -> WorkerLost:
    """The error for a worker that is gone. `last`: what it told last of a batch or a pass."""
    if isinstance(last, BatchComputed):
        where = f"after batch {last.batch} of pass {last.name!r}"
    elif isinstance(last, PassComputed):
        where = f"after pass {last.name!r} was computed"
    else:
        where = "before a batch was computed"
    return WorkerLost(f"{attempt.partition} lost its worker {where}: {how}")
