"""What order events of one listing are like, row by row in plain Python: what `l3_characteristics` must tell."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isfinite
from typing import Any

from order_replay.book import Tracked, key

Row = Mapping[str, Any]
STATES = {
    "ContinuousTrading": "CONTINUOUS_TRADING",
    "OpeningAuction": "OPENING_AUCTION",
    "IntradayAuction": "INTRADAY_AUCTION",
    "ClosingAuction": "CLOSING_AUCTION",
    "Halted": "HALTED",
}


def size(value: Any) -> float:
    """A size that is one, else 0."""
    return value if value is not None and isfinite(value) and value > 0 else 0.0


def of_buckets(rows: Sequence[Row], labels: Sequence[Any]) -> dict[Any, dict[str, Any]]:
    """The facts of each label's rows, in the order in which the engine has them."""
    found: dict[Any, dict[str, Any]] = {}
    told = replayed(rows)
    for label in dict.fromkeys(labels):
        own = [i for i, each in enumerate(labels) if each == label]
        found[label] = {**of_rows([rows[i] for i in own]), **of_books([told[i] for i in own])}
    _ordered(rows, labels, found)
    return found


def of_rows(rows: Sequence[Row]) -> dict[str, Any]:
    """What the rows of a bucket tell by themselves."""
    executed = [size(row["ExecutionSize"]) for row in rows]
    actions, states = Counter(row["Action"] for row in rows), [row["MarketState"] for row in rows]
    idle = [_idle(row) for row in rows]
    return {
        "L3EventCount": len(rows),
        "L3ExecutionCount": sum(x > 0 for x in executed),
        **{f"L3{action}Count": actions[action] for action in ("Insert", "Update", "Remove")},
        "L3HasExecution": any(x > 0 for x in executed),
        "L3HasUpdates": actions["Update"] > 0,
        "L3HasTradeId": any(row.get("TradeId") for row in rows),
        **{f"L3Has{name}": state in states for name, state in STATES.items()},
        "L3HasPreOpenExecution": any(x > 0 and s == "PRE_OPEN" for x, s in zip(executed, states, strict=True)),
        "L3HasPostTradeExecution": any(x > 0 and s == "POST_TRADE" for x, s in zip(executed, states, strict=True)),
        "L3HasMultiRowEvent": any(row["EndOfEvent"] is False for row in rows),
        "L3HasNoOpUpdate": any(idle),
        "L3NoOpUpdateCount": sum(idle),
        "L3HasNegativeSize": any(row["Size"] is not None and row["Size"] < 0 for row in rows),
        "L3HasNullOrderId": any(row["OrderId"] is None for row in rows),
        "L3HasExecutionAboveDisplay": any(map(_above, rows)),
        "L3ExecutedWithOrdersAhead": any(
            x > 0 and (row.get("OrdersAhead") or 0) > 0 for x, row in zip(executed, rows, strict=True)
        ),
        "L3SizeOrdersAheadConsistent": _consistent(rows),
        "L3MaxTimestampTies": max(Counter(row["EventTimestamp"] for row in rows).values()),
    }


def _before(row: Row) -> float:
    return 0.0 if row["Action"] == "Insert" else size(row["OldSize"])


def _idle(row: Row) -> bool:
    same = key(row["Price"]) is not None and key(row["Price"]) == key(row["OldPrice"])
    return row["Action"] == "Update" and size(row["ExecutionSize"]) == 0 and same and size(row["Size"]) == _before(row)


def _above(row: Row) -> bool:
    x, before = size(row["ExecutionSize"]), _before(row)
    return x > 0 and x - before > 1e-9 * before


def _consistent(rows: Sequence[Row]) -> bool | None:
    both = [(row.get("SizeAhead"), row.get("OrdersAhead")) for row in rows]
    known = [(s > 0) == (o > 0) for s, o in both if s is not None and o is not None and isfinite(s)]
    return all(known) if known else None


def replayed(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Of each row, what it raised in the counters of a replay, and the book behind it where its event ends."""
    tracked, found = Tracked({}), []
    for row in rows:
        before = dict(tracked.counts)
        tracked.event(row)
        grown = {name for name, n in tracked.counts.items() if n > before.get(name, 0)}
        state = tracked.state() if row["EndOfEvent"] is not False else ""
        found.append({"grown": grown, "book": state, "state": row["MarketState"]})
    return found


def of_books(told: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the replay tells of a bucket."""
    grown = {name for one in told for name in one["grown"]}
    found: dict[str, Any] = {
        "L3HasDuplicateInsert": "DuplicateInserts" in grown,
        "L3HasUnknownOrder": bool(grown & {"UnknownUpdates", "UnknownRemoves"}),
        "L3ExecutedNotAtTouch": "ExecutionsThroughBook" in grown,
    }
    for name in ("Locked", "Crossed"):
        states = [one["state"] for one in told if one["book"] == name.upper()]
        found[f"L3Has{name}Book"] = bool(states)
        found[f"L3Has{name}BookContinuous"] = "CONTINUOUS_TRADING" in states
        found[f"L3Has{name}BookNonContinuous"] = bool({*states} - {"CONTINUOUS_TRADING", "UNKNOWN", None})
    return found


def _ordered(rows: Sequence[Row], labels: Sequence[Any], found: dict[Any, dict[str, Any]]) -> None:
    """Each row against the one before it: stamps in the file's order, numbers in it too where RowOrder tells."""
    placed = "RowOrder" in rows[0]
    pairs: dict[Any, dict[str, list[float]]] = {label: defaultdict(list) for label in found}
    order = "RowOrder" if placed else "SequenceNo"
    file = sorted((i for i, row in enumerate(rows) if row[order] is not None), key=lambda i: rows[i][order])
    for last, now in pairwise(file):
        pairs[labels[now]]["Timestamp"].append(rows[now]["EventTimestamp"] - rows[last]["EventTimestamp"])
    for last, now in pairwise(file if placed else range(len(rows))):
        numbers = rows[last]["SequenceNo"], rows[now]["SequenceNo"]
        if None not in numbers:
            pairs[labels[now]]["Sequence"].append(numbers[1] - numbers[0])
    gaps: dict[Any, int] = defaultdict(int)
    for last, now in pairwise(range(len(rows))):
        numbers = rows[last]["SequenceNo"], rows[now]["SequenceNo"]
        gaps[labels[now]] += None not in numbers and numbers[1] - numbers[0] > 1
    for label, facts in found.items():
        for name in ("Timestamp", "Sequence"):
            steps = pairs[label][name]
            facts[f"L3{name}NonDecreasing"] = all(step >= 0 for step in steps) if steps else None
            facts[f"L3{name}StrictlyIncreasing"] = all(step > 0 for step in steps) if steps else None
        facts["L3SequenceGapCount"] = gaps[label]
