"""The ledger: one JSON record for each (pipeline, pass, date, universe) that was published.

`{state}/ledger/{pipeline}/{pass}/{date}/{universe}.json`, written beside and renamed after the last output of the
partition is committed: no server, no lock. A partition without its record is not done, whatever files there are.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from basalt.outputs import Target


@attrs.frozen
class Ledger:
    """The records under one state folder."""

    state: Path

    def path(self, target: Target) -> Path:
        """Where the record of that partition stands."""
        folder = self.state / "ledger" / target.pipeline / target.pass_name / str(target.date)
        return folder / f"{target.universe}.json"

    def write(self, target: Target, record: Mapping[str, Any]) -> None:
        """Replace the record in one step."""
        path = self.path(target)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
        os.replace(beside, path)

    def read(self, target: Target) -> dict[str, Any] | None:
        """The record, or None where the partition was never published."""
        path = self.path(target)
        if not path.exists():
            return None
        record: dict[str, Any] = json.loads(path.read_text())
        return record
