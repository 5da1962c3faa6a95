"""Group `resting`: how long orders rest before they execute, are cancelled, or end; and how many do not end at all."""

from collections.abc import Iterable, Iterator

import polars as pl

from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.metrics import MAX, MIN, NONE, Known, mean
from basalt_analytics.groups import Template, required
from basalt_analytics.l3.flow import OF_SIDE
from basalt_analytics.lives.figures import EXECUTIONS, NOW, Figure, Later, counted, mask
from basalt_analytics.lives.options import RestingGroup

CITATION = "Hasbrouck & Saar 2009"
UNTIL = {
    "FirstFill": "their first execution",
    "Cancel": "their cancel, of orders that never executed",
    "Life": "what removes them, be it an execution or a cancel",
}
EXTREMES = {"Min": MIN, "Max": MAX}
WORDS = {"Mean": "Mean time", "Median": "Median time", "Min": "Shortest time", "Max": "Longest time"}


def resting(group: RestingGroup, label: str, by_insert: bool) -> Iterator[Figure]:
    """Every aggregation, and the count behind them, of every end of every side."""
    required({"ends": group.ends, "sides": group.sides, "aggs": group.aggs}, label)
    template = Template.checked(group.name, label, ("side", "end"))
    later: Later = Known.END_OF_DATE if by_insert else NOW
    for side in group.sides:
        for end in group.ends:
            name = template.filled(side=side, end=end)
            doc = f"Number of orders that rest until {UNTIL[end]}{OF_SIDE[side]}; those still open are not among them."
            yield counted(f"{name}Count", mask(end, side), doc, "n", CITATION, later)
            for agg in dict.fromkeys(group.aggs):
                yield _aggregated(name, end, side, agg, later)


def _aggregated(name: str, end: str, side: str, agg: str, later: Later) -> Figure:
    age = pl.when(mask(end, side)).then("Age")
    rollup = mean(f"{name}Count") if agg == "Mean" else EXTREMES.get(agg, NONE)
    column = ResultColumn(
        f"{name}{agg}Seconds",
        Unit.SECONDS,
        f"{WORDS[agg]} orders rest from their insert until {UNTIL[end]}{OF_SIDE[side]}; orders that are open at the "
        "session's end are left out, so that what lasts long counts too little.",
        over_time=rollup,
        over_listings=rollup,
        known_after=later,
        formula=f"{agg.lower()} of (end − insert)",
        citation=CITATION,
        reads=EXECUTIONS,
    )
    return Figure(column, getattr(age, agg.lower())() / 1e9)


def counts(sides: Iterable[str], by_insert: bool) -> Iterator[Figure]:
    """Lives that are open at the session's end, and those whose beginning is not known, of these sides."""
    later: Later = Known.END_OF_DATE if by_insert else NOW
    for side in sides:
        yield counted(
            f"{side}CensoredCount",
            mask("Censored", side),
            f"Number of orders still open when the session ends{OF_SIDE[side]}; how long they would have rested is not "
            "known, and no average has them.",
            "n of lives that are open at the session's end",
            CITATION,
            later,
        )
        yield counted(
            f"{side}AdoptedCount",
            mask("Adopted", side),
            f"Number of orders first seen without an insert{OF_SIDE[side]}; how long they rest is not known, so that "
            "durations leave them out.",
            "n of lives without an insert",
            CITATION,
            NOW,
        )
