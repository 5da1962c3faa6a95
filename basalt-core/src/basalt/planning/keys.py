"""Content keys: a hash that is equal when the same code would compute the same rows from the same inputs.

The code of bucket modules is their expressions; that of frame modules and transforms, which may do anything, is every
`.py` file of the package or single file they come from.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache
from pathlib import Path

import attrs

from basalt.planning.program import Program
from basalt.sources import Source


def content_key(program: Program, source: Source, day: date, earlier: Mapping[str, str]) -> str:
    """Key of one pass on one date: configuration, expressions, code, versions, input fingerprints, upstream keys."""
    parts = {
        "program": _program_digest(program),
        "inputs": {table: source.fingerprint(table, day) for table in program.reads},
        "earlier": {name: earlier[name] for name in program.sources},
    }
    return _digest(json.dumps(parts, sort_keys=True).encode())


@lru_cache(maxsize=256)
def _program_digest(program: Program) -> str:
    parts = {
        "pass": attrs.asdict(program.config),
        "rule": program.rule.describe(),
        "expressions": [[one.column.name, *map(str, one.definition)] for one in program.planned],
        "plugins": sorted({f"{c.distribution} {c.version}" for c in program.result.columns}),
        "steps": [[step.component.name, str(step.transform.config)] for step in program.steps],
        "code": sorted(
            {code_digest(type(use.module).__module__) for use in program.frame_uses}
            | {code_digest(type(step.transform).__module__) for step in program.steps}
        ),
    }
    return _digest(json.dumps(parts, sort_keys=True, default=str).encode())


@cache
def code_digest(module: str) -> str:
    """Digest of the Python files of the package, or the single file, that a component's module belongs to."""
    top = sys.modules.get(module.partition(".")[0])
    folders = [Path(folder) for folder in getattr(top, "__path__", ())]
    files = [file for folder in folders for file in folder.rglob("*.py")]
    alone = getattr(top, "__file__", None)
    files = files or ([Path(alone)] if alone else [])
    return _digest(b"".join(file.read_bytes() for file in sorted(files)))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
