"""The host of runs that may be killed: it has loaded what a run needs, and a run tells each of its events.

A request has the file of the `pipeline`, `dates` and `overrides`. Arguments: more to load, as `outputs:delta`.
"""

import sys
from datetime import date
from pathlib import Path
from typing import Any

import polars  # noqa: F401 - so that no run has to

sys.path.insert(0, str(Path(__file__).parents[1]))
from forked import Tell, serve  # beside the folder of this file

import basalt
import basalt.face
import basalt.running.inline
from basalt.planning.code import distribution_digest
from basalt.plugins.registry import open_registry

COMPONENTS = [
    ("sources", "parquet"),
    ("outputs", "parquet"),
    ("transforms", "market_state"),
    ("analytics", "trade"),
    ("analytics", "l2"),
    ("analytics", "generic"),
]
FACTS = ("name", "date", "batch", "place", "what", "error")


def _warm() -> None:
    """Load what runs load, and read the code that their keys tell of, once for all of them."""
    registry = open_registry()
    for kind, name in (*COMPONENTS, *(one.split(":") for one in sys.argv[3:])):
        component = registry.get(kind, name)
        distribution_digest(component.load(), component.owner.distribution)


def _run(request: dict[str, Any], tell: Tell) -> int:
    def ask(event: object) -> None:
        tell(type(event).__name__, **{name: str(getattr(event, name, "")) for name in FACTS})

    dates = [date.fromisoformat(day) for day in request["dates"]] or None
    watching = [ask] if request["asks"] else []
    result = basalt.run(Path(request["pipeline"]), dates=dates, observers=watching, overrides=request["overrides"])
    for failure in result.failed:
        print(failure, file=sys.stderr)
    return result.exit_code


if __name__ == "__main__":
    _warm()
    serve(_run)
