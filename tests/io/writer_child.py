"""The host of writers that may be killed: each publishes one partition and tells every step of it.

A request has the `kind` of output, its `options` and `folder`, the `day` and the `batches` of the partition, its
`document`, and the folder of the ledger, `state`. Told are `Begun`, `Staged`, `Committed` and `Recorded`; and, where it
is `watched`, each `Change` of files or tables, when it is made; of objects, their server's proxy tells.
"""

import os
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
import polars as pl
import psycopg  # noqa: F401 - so that no writer has to
import sqlalchemy as sa
import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite.pysqlite
from deltalake import DeltaTable
from deltalake.table import TableAlterer
from forked import Tell, serve  # beside the folder of this file
from s3_server import SECRET
from stores import opened

from basalt.errors import PublishError
from basalt.outputs import Output, Target
from basalt.running.ledger import Ledger, Record
from basalt.testing.partitions import target
from basalt_io.outputs.sql_load import load

CHANGES = (
    *(os.mkdir, os.unlink, os.rmdir, os.replace, Path.touch, pl.LazyFrame.sink_parquet, load),
    *(DeltaTable.create, DeltaTable.create_write_transaction, TableAlterer.set_table_properties),
)


def main(request: dict[str, Any], tell: Tell) -> int:
    """1 where it is refused, which is told as `Refused`."""
    os.environ.update(DESK_ID="desk", DESK_SECRET=SECRET)
    output = opened(request["kind"], request["options"], request["folder"])
    to = target(date.fromisoformat(request["day"]), result=request["result"])
    if request["asks"] and request["watched"] and not request["options"].get("storage"):
        watch(tell)
    tell("Begun")
    try:
        publish(output, to, map(Path, request["batches"]), request["document"], request["state"], tell)
    except PublishError as error:
        tell("Refused", why=str(error))
        return 1
    return 0


def publish(
    output: Output,
    to: Target,
    batches: Iterable[Path],
    document: dict[str, Any],
    state: Path | str,
    tell: Tell = lambda _: None,
) -> None:
    """As the engine does."""
    output.sweep(to)
    key, staged = document["provenance"]["key"], output.stage(to, list(batches), document)
    tell("Staged")
    try:
        output.commit(staged, key)
    except BaseException:
        output.discard(staged)
        raise
    tell("Committed")
    facts = {"parts": {}, "definition": "", "run": "", "finished": ""}
    Ledger(Path(state)).write(to, Record(key=key, rows=staged.rows, **facts))
    tell("Recorded")


def watch(tell: Tell) -> None:
    """Tell each change from now on."""
    codes = {getattr(_innermost(call), "__code__", call): call.__name__ for call in CHANGES}

    def on_return(frame: FrameType, event: str, value: Any) -> None:
        made = value if event == "c_return" else frame.f_code if event == "return" else None
        if made in codes:
            tell("Change", name=codes[made])

    def on_statement(_: Any, __: Any, statement: str, *___: Any) -> None:
        if not statement.lstrip().startswith(("SELECT", "PRAGMA", "BEGIN", "SET")):
            verb, of, *_ = statement.split()
            tell("Change", name=verb if of.startswith('"') else f"{verb} {of}")

    sa.event.listen(sa.Engine, "after_cursor_execute", on_statement)
    sa.event.listen(sa.Engine, "commit", lambda _: tell("Change", name="before COMMIT"))
    sys.setprofile(on_return)


def _innermost(call: Any) -> Any:
    while hasattr(call, "__wrapped__"):
        call = call.__wrapped__
    return call


if __name__ == "__main__":
    serve(main)
