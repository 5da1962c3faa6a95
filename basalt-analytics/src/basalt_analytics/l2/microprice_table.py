"""The table of adjustments that the microprice is made from: a small JSON file, by spread and class of imbalance.

```json
{"tick": 0.01, "classes": 2, "through": "2026-01-05T16:30:00+00:00",
 "adjustments": [{"spread": 1, "ticks": [-0.12, 0.12]}, {"spread": 2, "ticks": [-0.3, 0.3]}]}
```
"""

import json
from datetime import datetime
from math import inf
from pathlib import Path

import attrs

from basalt.config.structure import structure
from basalt.errors import UserError
from basalt.options import option


@attrs.frozen
class Adjustments:
    """G* of books with one spread."""

    spread: int = option("best ask minus best bid, in ticks")
    ticks: list[float | None] = option("G* in ticks of each class, from all on the ask to all on the bid; null: none")


@attrs.frozen
class MicropriceTable:
    """Adjustments fitted on the rows of earlier dates."""

    tick: float = option("the least change of a price")
    classes: int = option("into how many equal classes b/(b+a) is cut")
    adjustments: list[Adjustments] = option("G* by spread")
    through: str | None = option("stamp of the last row it was fitted on; null: not known", default=None)

    def __attrs_post_init__(self) -> None:
        if not 0 < self.tick < inf:
            raise UserError(f"tick = {self.tick} is no size of a tick: give a number above 0")
        if self.classes < 2:
            raise UserError(f"classes = {self.classes} tells no bid-heavy book from another: give 2 or more")
        if not self.adjustments:
            raise UserError("adjustments is empty, so that no book has a microprice: give a spread's")
        spreads = [one.spread for one in self.adjustments]
        if min(spreads) < 1 or len(set(spreads)) < len(spreads):
            raise UserError(f"adjustments are of the spreads {spreads}: give each once, in whole ticks from 1 on")
        for one in self.adjustments:
            if len(one.ticks) != self.classes:
                raise UserError(
                    f"the adjustments of spread {one.spread} are {len(one.ticks)}, classes are {self.classes}: give "
                    "each class one"
                )
        self._check_stamp()

    def _check_stamp(self) -> None:
        if self.through is None:
            return
        try:
            zone = datetime.fromisoformat(self.through).tzinfo
        except ValueError:
            zone = None
        if zone is None:
            raise UserError(f"through = {self.through!r} is no stamp with a zone: write 2026-01-05T16:30:00+00:00")

    def write(self, path: str | Path) -> None:
        """Write it to the file, for the option `microprice_table`."""
        Path(path).write_text(json.dumps(attrs.asdict(self), indent=1) + "\n", encoding="utf-8")


def read(path: str, label: str) -> MicropriceTable:
    """The table of a file; UserError, which names the option `label`, where there is none."""
    try:
        tree = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"{label} = {path!r} cannot be read ({error.strerror}): give a file that fit(…).write made"
        ) from error
    except ValueError as error:
        raise UserError(f"{label} = {path!r} is no JSON ({error}): give a file that fit(…).write made") from error
    if not isinstance(tree, dict):
        raise UserError(f"{label} = {path!r} holds no table of adjustments: give a file that fit(…).write made")
    try:
        return structure(MicropriceTable, tree, path)
    except UserError as error:
        raise UserError(f"{label} = {path!r} holds no table of adjustments: {error}") from error
