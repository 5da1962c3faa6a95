"""The columns of module l3 that are of lives: resting, fleeting, fill probability, replacement, age of depth.

Nothing is shared between them but the lives. Each column of each bucket looks through all of these again.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from statistics import mean, median
from typing import Any, NamedTuple

from order_replay import survival
from order_replay.book import Row
from order_replay.lives import Life, Order, Scope, Session, lives, standing, within
from order_replay.replacement import outcomes
from reference.clock import Rule, nanoseconds

SIDES = ("Bid", "Ask", "Total")
ENDS = ("FirstFill", "Cancel", "Life")
AGGS: dict[str, Callable[[Sequence[float]], float]] = {"Mean": mean, "Median": median, "Min": min, "Max": max}
Values = dict[str, Any]
Options = Mapping[str, Any]


class Fact(NamedTuple):
    """Something that became of a life, the bucket that it counts in, and the age at which it did."""

    label: int
    end: str
    life: Life
    age: int


class Cell(NamedTuple):
    """A bucket and a side of it."""

    label: int
    side: str
    scope: Scope
    by_insert: bool

    def of_side(self, side: str) -> bool:
        """Whether that side is in this one."""
        return self.side in (side, "Total")


def columns(
    rows: Sequence[Row],
    snapshots: Sequence[Row],
    rule: Rule,
    runs: Sequence[tuple[float, float]],
    end: tuple[int, bool],
    options: Options,
) -> dict[int, Values]:
    """By label, every column that the options name, and the counts of lives. `end`: of the session, and whether an
    event at that instant is of it."""
    if not rows:
        return {}
    scope = Scope(rule, runs, Session(*end))
    found = {label: dict[str, Any]() for label in scope.labels(rows)}
    every = within(scope.session, lives(rows, snapshots, options.get("life", "order")))
    by_insert = options.get("attribution", "end") == "insert"
    for label, values in found.items():
        for side in SIDES:
            values |= of_lives(Cell(label, side, scope, by_insert), every, options)
    _add_replacements(found, rows, scope, options)
    _add_standing(found, rows, snapshots, scope, options)
    return found


def of_lives(cell: Cell, every: Sequence[Life], options: Options) -> Values:
    """Columns of lives of one bucket and side."""
    mine = [life for life in every if cell.of_side(life.side)]
    known = [life for life in mine if life.start is not None and (life.touch or not options.get("at_touch"))]
    happened = [fact for fact in facts(known, cell) if fact.label == cell.label]
    cohort = [life for life in known if begun_in(cell, life)]
    values = {f"{cell.side}AdoptedCount": sum(life.start is None and seen_in(cell, life) for life in mine)}
    values[f"{cell.side}CensoredCount"] = censored(cell, known)
    for group in _groups("resting", options, cell.side):
        values |= resting(cell.side, group, happened)
    for group in _groups("fleeting", options, cell.side):
        for threshold in group["thresholds"]:
            values |= fleeting(cell, threshold, happened, cohort)
    for group in _groups("fill_probability", options, cell.side):
        values |= fill_probability(cell, group, known)
    return values


def _groups(name: str, options: Options, side: str) -> list[Options]:
    """Those of an option that have the side."""
    return [group for group in options.get(name, ()) if side in group.get("sides", SIDES)]


def seen_in(cell: Cell, life: Life) -> bool:
    """Whether it was first seen in the bucket, while that counts."""
    return cell.scope.counts(life.since) and cell.scope.rule.bucket(life.since) == cell.label


def begun_in(cell: Cell, life: Life) -> bool:
    """Whether the bucket has its start."""
    return life.start is not None and seen_in(cell, life)


def facts(known: Sequence[Life], cell: Cell) -> list[Fact]:
    """Of lives with a start, those that count."""
    found = []
    for life in known:
        for end, at in happenings(life):
            counted = life.start if cell.by_insert else at
            if cell.scope.counts(counted):
                found.append(Fact(cell.scope.rule.bucket(counted), end, life, at - life.start))
    return found


def happenings(life: Life) -> list[tuple[str, Any]]:
    """(what, when); a cancel is of a life without a fill."""
    found = [] if life.first_fill is None else [("FirstFill", life.first_fill)]
    if life.kind == "Cancelled" and life.first_fill is None:
        found.append(("Cancel", life.end))
    return [*found, ("Life", life.end)] if life.kind in ("Filled", "Cancelled") else found


def censored(cell: Cell, known: Sequence[Life]) -> int:
    """Lives still open when the session ends; none where nothing tells when."""
    if cell.scope.session.end == inf:
        return 0
    if cell.by_insert:
        return sum(life.kind == "Open" and begun_in(cell, life) for life in known)
    return sum(life.kind == "Open" for life in known) if cell.label == cell.scope.last() else 0


def resting(side: str, group: Options, happened: Sequence[Fact]) -> Values:
    """Seconds from the Insert."""
    values: Values = {}
    for end in group.get("ends", ENDS):
        ages = [fact.age / 1e9 for fact in happened if fact.end == end]
        values[f"{side}RestingTo{end}Count"] = len(ages)
        for agg in group.get("aggs", AGGS):
            values[f"{side}RestingTo{end}{agg}Seconds"] = AGGS[agg](ages) if ages else None
    return values


def fleeting(cell: Cell, threshold: str, happened: Sequence[Fact], cohort: Sequence[Life]) -> Values:
    """Cancels without a fill after the threshold at the latest."""
    longest, side = nanoseconds(threshold), cell.side
    cancels = [fact for fact in happened if fact.end == "Cancel"]
    quick = [fact.life.removed for fact in cancels if fact.age <= longest]
    whole = [life.size for life in cohort] if cell.by_insert else [fact.life.removed for fact in cancels]
    values = {
        f"{side}FleetingCancelCount{threshold}": len(quick),
        f"{side}FleetingCancelVolume{threshold}": sum(quick),
        f"{side}FleetingShareCount{threshold}": ratio(len(quick), len(whole)),
        f"{side}FleetingShareVolume{threshold}": ratio(sum(quick), sum(whole)),
    }
    if cell.by_insert:
        cut = [life for life in cohort if life.kind == "Open" and cell.scope.session.end - life.since < longest]
        values[f"{side}FleetingUnresolvedCount{threshold}"] = len(cut)
    return values


def ratio(part: float, whole: float) -> float | None:
    """None of nothing."""
    return part / whole if whole else None


def fill_probability(cell: Cell, group: Options, known: Sequence[Life]) -> Values:
    """Product limits of the bucket, and how many lives they rest on."""
    watch = survival.cohort if cell.by_insert else survival.period
    watched = watch(known, group.get("fill", "first"), cell.scope, cell.label)
    values: Values = {}
    for horizon in group["horizons"]:
        age = nanoseconds(horizon)
        for estimator in group.get("estimators", ("AJ", "KM")):
            name = f"{cell.side}FillProb{estimator}{horizon}"
            values[name] = survival.product_limit(watched, age, estimator)
            values[f"{name}AtRisk"] = survival.at_risk(watched, age)
    return values


def _add_replacements(found: dict[int, Values], rows: Sequence[Row], scope: Scope, options: Options) -> None:
    for group in options.get("replacement", ()):
        every = outcomes(rows, scope, nanoseconds(group.get("max_latency", "60s")))
        for label, values in found.items():
            for side in group.get("sides", SIDES):
                mine = [one.latency for one in every if one.label == label and side in (one.side, "Total")]
                latencies = [latency / 1e9 for latency in mine if latency is not None]
                values[f"{side}ReplacementMeanSeconds"] = mean(latencies) if latencies else None
                values[f"{side}ReplacementCount"] = len(latencies)
                values[f"{side}ReplacementExpiredCount"] = len(mine) - len(latencies)


def _add_standing(
    found: dict[int, Values], rows: Sequence[Row], snapshots: Sequence[Row], scope: Scope, options: Options
) -> None:
    for label, edge, orders in standing(rows, snapshots, scope.rule, list(found)):
        for side in SIDES:
            found[label][f"{side}OpenOrderCount"] = sum(side in (order.side, "Total") for order in orders)
            for group in _groups("depth_age", options, side):
                found[label][f"{side}DepthAgeSeconds"] = depth_age(orders, side, edge, group)


def depth_age(orders: Sequence[Order], side: str, at: int, group: Options) -> float | None:
    """Mean age of the shares displayed then, of orders whose age is known."""
    ages = []
    for one in ("Bid", "Ask"):
        if side in (one, "Total"):
            for order in nearest([o for o in orders if o.side == one and o.shown], one, group.get("levels")):
                since = order.joined if group.get("age_from", "insert") == "priority" else order.inserted
                if since is not None:
                    ages.append((order.size, (at - since) / 1e9))
    return ratio(sum(size * age for size, age in ages), sum(size for size, _ in ages))


def nearest(shown: Sequence[Order], side: str, levels: int | None) -> list[Order]:
    """Orders on the best levels that have any."""
    prices = sorted({order.price for order in shown if order.price is not None}, reverse=side == "Bid")[:levels]
    return [order for order in shown if order.price in prices]
