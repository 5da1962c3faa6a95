"""What order events add, withdraw and execute, one event after another in plain Python: what module l3 must sum."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from order_replay.book import key

Row = Mapping[str, Any]


def known(size: float | None) -> float:
    """The size where it is one, else 0."""
    return size if size is not None and isfinite(size) and size > 0 else 0.0


def states(row: Row) -> tuple[float, float, float]:
    """Displayed after and before the event, and executed by it."""
    after = 0.0 if row["Action"] == "Remove" else known(row["Size"])
    before = 0.0 if row["Action"] == "Insert" else known(row["OldSize"])
    return after, before, known(row["ExecutionSize"])


def less(size: float, other: float) -> float:
    """The difference, without rounding of equal ones."""
    found = size - other
    return 0.0 if abs(found) <= 1e-9 * (size + other) else found


def repriced(row: Row) -> bool:
    """Whether both prices are known and differ."""
    prices = [key(row[name]) for name in ("Price", "OldPrice")]
    return None not in prices and prices[0] != prices[1]


def split(row: Row) -> tuple[float, float, float]:
    """Added, withdrawn, and displayed size executed."""
    after, before, executed = states(row)
    left = max(less(before, executed), 0.0)
    if row["Action"] == "Insert":
        return after, 0.0, 0.0
    if row["Action"] == "Remove":
        return 0.0, left, min(executed, before)
    if executed:
        over = less(after, left)
        return max(over, 0.0), max(-over, 0.0), min(executed, before)
    if repriced(row):
        return after, before, 0.0
    return max(after - before, 0.0), max(before - after, 0.0), 0.0


def moves(row: Row) -> dict[str, tuple[int, float]]:
    """By action: events and shares of this one."""
    after, before, executed = states(row)
    added, withdrawn, _ = split(row)
    action, fill, change = row["Action"], executed > 0, abs(after - before)
    found = {"Added": (int(added > 0), added), "Withdrawn": (int(withdrawn > 0), withdrawn)}
    if fill:
        found["Fill"] = (1, executed)
    if action == "Insert":
        return found | {"Insert": (1, after)}
    if action == "Remove":
        whole = {"FullFill": (1, executed)} if fill else {}
        return found | whole | {"Remove": (1, before), "Cancel": (int(not fill), withdrawn)}
    found["Update"] = (1, change)
    if fill:
        parts = {"Refill": (int(added > 0), added), "UpdateDecrease": (int(withdrawn > 0), withdrawn)}
        return found | parts | {"PartialFill": (1, executed)}
    found["Amend"] = (1, change)
    if repriced(row):
        return found | {"Reprice": (1, change), "RepriceIn": (1, after), "RepriceOut": (1, before)}
    found |= {"UpdateIncrease": (int(added > 0), added), "UpdateDecrease": (int(withdrawn > 0), withdrawn)}
    same = key(row["Price"]) is not None and key(row["Price"]) == key(row["OldPrice"]) and after == before
    return found | ({"NoOp": (1, 0.0)} if same else {})
