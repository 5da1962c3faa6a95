"""How soon what was executed is replaced: each group of executions waits for an Insert, whatever else is waiting."""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from order_replay.book import Row, key
from order_replay.flow import known
from order_replay.lives import Scope, skipped
from reference.clock import stretch_of


class Group(NamedTuple):
    """Executions of one stamp and side: their deepest price, and the place of the last among the rows."""

    at: int
    side: str
    price: int
    place: int


class Outcome(NamedTuple):
    """Label of the bucket, and ns from the execution to the Insert; None where there was none in time."""

    label: int
    side: str
    latency: int | None


def traded_at(row: Row) -> int | None:
    """Price key of an execution, or of the order where the execution has none."""
    keys = [key(row[name]) for name in ("ExecutionPrice", "Price", "OldPrice")]
    return next((one for one in keys if one is not None), None)


def groups(rows: Sequence[Row], scope: Scope) -> list[Group]:
    """Those that count and have a price."""
    found: dict[tuple[int, str], list[int]] = {}
    for i, row in enumerate(rows):
        if known(row["ExecutionSize"]) and scope.counts(row["EventTimestamp"]):
            found.setdefault((row["EventTimestamp"], row["Side"]), []).append(i)
    made = []
    for (at, side), places in found.items():
        prices = [price for price in (traded_at(rows[i]) for i in places) if price is not None]
        if prices:
            made.append(Group(at, side, min(prices) if side == "Bid" else max(prices), places[-1]))
    return made


def answers(row: Row, group: Group) -> bool:
    """Whether the row offers what was executed, or better."""
    price = key(row["Price"])
    if row["Action"] != "Insert" or row["Side"] != group.side or skipped(row) or price is None:
        return False
    return price >= group.price if group.side == "Bid" else price <= group.price


def outcome(group: Group, rows: Sequence[Row], scope: Scope, longest: int) -> Outcome:
    """The first answer within `longest`, the stretch and the session."""
    run = stretch_of(scope.runs, group.at)
    for row in rows[group.place + 1 :]:
        at = row["EventTimestamp"]
        inside = scope.session.holds(at) and stretch_of(scope.runs, at) == run
        if inside and at - group.at <= longest and answers(row, group):
            return Outcome(scope.rule.bucket(at), group.side, at - group.at)
    return Outcome(_expired(group, scope, longest), group.side, None)


def _expired(group: Group, scope: Scope, longest: int) -> int:
    """Label of the bucket in which nothing can answer any more."""
    ends = [end for start, end in scope.runs if start <= group.at < end and end < inf]
    at = min([group.at + longest, scope.session.end, *ends])
    over = at in ends or not scope.session.holds(at)
    return scope.rule.bucket(at - 1 if over and scope.rule.closed == "left" else at)


def outcomes(rows: Sequence[Row], scope: Scope, longest: int) -> list[Outcome]:
    """One a group."""
    return [outcome(group, rows, scope, longest) for group in groups(rows, scope)]
