"""A writer that is killed: each line it reads names a statement, at which a fork of it kills itself with SIGKILL.

Told are the exit codes. Arguments: the store as JSON, and the batches to publish. Counted are the statements that
change anything, after each, from the first of `stage` to the last of `commit`, and each transaction before it ends.
"""

import datetime as dt
import json
import os
import signal
import sys
from pathlib import Path

import sqlalchemy as sa

from basalt.outputs import Target
from basalt_io.outputs.sql import SqlOutput, SqlOutputOptions

DOCUMENT = {"format": 1, "keys": ["ListingId"], "provenance": {"pipeline": "equities", "key": "second"}}


def publish(store: dict[str, str], batches: list[Path], step: int) -> None:
    left = iter(range(step, 0, -1))

    def count(*_: object) -> None:
        if next(left, 0) == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    def count_changes(_: object, __: object, statement: str, *___: object) -> None:
        if not statement.lstrip().startswith(("SELECT", "PRAGMA", "BEGIN")):
            count()

    sa.event.listen(sa.Engine, "after_cursor_execute", count_changes)
    sa.event.listen(sa.Engine, "commit", count)
    target = Target("equities", "bars", dt.date(2024, 3, 8), "xlon", "parquet")
    output = SqlOutput(SqlOutputOptions(url=store["url"], schema=store["schema"]), Path(store["folder"]))
    output.commit(output.stage(target, batches, DOCUMENT), "second")


def main() -> None:
    store, batches = json.loads(sys.argv[1]), [Path(file) for file in sys.argv[2:]]
    for line in sys.stdin:
        process = os.fork()
        if not process:
            publish(store, batches, int(line))
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


main()
