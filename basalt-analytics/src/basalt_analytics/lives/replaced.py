"""Group `replacement`: how soon a price that executions took is offered again."""

from collections.abc import Iterator

import polars as pl

from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.durations import parse_duration
from basalt.errors import UserError
from basalt.metrics import mean
from basalt_analytics.groups import Template, required
from basalt_analytics.l3.flow import OF_SIDE
from basalt_analytics.lives.figures import NOW, PRICES, Figure, counted, mask
from basalt_analytics.lives.options import ReplacementGroup

CITATION = "Large 2007"


def longest(group: ReplacementGroup, label: str) -> int:
    """How long is waited, in ns; UserError where it is no time."""
    found = parse_duration(group.max_latency)
    if found <= 0:
        raise UserError(f"{label}: max_latency = {group.max_latency!r} waits for nothing: give a time above 0")
    return found


def replaced(group: ReplacementGroup, number: int, label: str) -> Iterator[Figure]:
    """Mean, count and what expired, of every side."""
    required({"sides": group.sides}, label)
    template = Template.checked(group.name, label, ("side",))
    for side in group.sides:
        name, wait = template.filled(side=side), group.max_latency
        answered, of = mask("Replaced", side, number), OF_SIDE[side]
        doc = f"Number of executed prices that an insert offers again within {wait}{of}; one insert may answer several."
        yield counted(f"{name}Count", answered, doc, "n", CITATION, NOW)
        yield _mean(name, answered, of)
        doc = (
            f"Number of executed prices that nobody offers again within {wait}, or while the market is open{of}; they "
        )
        doc += f"are in no mean, so that {name}MeanSeconds is of the quicker ones."
        yield counted(f"{name}ExpiredCount", mask("Expired", side, number), doc, "n", CITATION, NOW)


def _mean(name: str, answered: pl.Expr, of: str) -> Figure:
    column = ResultColumn(
        f"{name}MeanSeconds",
        Unit.SECONDS,
        f"Mean time from an execution until an insert offers its price again, or a better one{of}, in the bucket of "
        "the insert; executions that nobody answers in time are left out.",
        over_time=mean(f"{name}Count"),
        over_listings=mean(f"{name}Count"),
        formula="mean of (insert − execution)",
        citation=CITATION,
        reads=PRICES,
    )
    return Figure(column, pl.when(answered).then("Age").mean() / 1e9)
