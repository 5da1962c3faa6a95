"""Content keys: a hash that is equal when the same code would compute the same rows from the same inputs."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date

import attrs

from basalt.planning.program import Program
from basalt.sources import Source


def content_key(program: Program, source: Source, day: date, earlier: Mapping[str, str]) -> str:
    """Key of one pass on one date: configuration, expressions, plugin versions, input fingerprints, upstream keys."""
    parts = {
        "pass": attrs.asdict(program.config),
        "rule": program.rule.describe(),
        "expressions": [[one.column.name, *map(str, one.definition)] for one in program.planned],
        "plugins": sorted({f"{c.distribution} {c.version}" for c in program.result.columns}),
        "steps": [[step.place, step.component.name, str(step.transform.config)] for step in program.steps],
        "inputs": {table: source.fingerprint(table, day) for table in program.reads},
        "earlier": {name: earlier[name] for name in program.sources},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
