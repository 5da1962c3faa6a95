"""Group `queue`: what stands in front of orders when they join, execute or are cancelled."""

from collections.abc import Iterator, Mapping

import polars as pl

from basalt.columns import Unit
from basalt.metrics import Metric, mean, ratio
from basalt_analytics.groups import Emission, Template, count_metric, required
from basalt_analytics.l3.effects import emission, rows_of
from basalt_analytics.l3.flow import FLOWS, OF_SIDE
from basalt_analytics.l3.options import QueueGroup

CITATION = "Moallemi & Yuan 2017"
AHEAD: Mapping[str, tuple[str, Unit, str]] = {
    "Size": ("SizeAhead", Unit.SHARES, "shares"),
    "Orders": ("OrdersAhead", Unit.COUNT, "orders"),
}
"""By measure: its column, unit and what it is of."""
JOINED = {"Insert": "inserts", "Fill": "executions", "Cancel": "cancels"}


def fronts(group: QueueGroup, label: str) -> Iterator[Emission]:
    """The mean, and the count of events it is over, of every measure at every event of every side."""
    required({"at": group.at, "measures": group.measures, "sides": group.sides}, label)
    template = Template.checked(group.name, label, ("side", "measure", "at"))
    for side in group.sides:
        for at in group.at:
            for measure in group.measures:
                name = template.filled(side=side, measure=measure, at=at)
                yield from (emission(label, metric) for metric in _both(name, measure, at, side))


def _both(name: str, measure: str, at: str, side: str) -> tuple[Metric, Metric]:
    column, unit, words = AHEAD[measure]
    ahead = pl.col(column).cast(pl.Float64)
    told = rows_of(FLOWS[at].rows & ahead.is_finite() & (ahead >= 0), side)
    count = told.sum().cast(pl.Int64)
    events = f"{JOINED[at]}{OF_SIDE[side]}"
    of_mean = Metric(
        f"{name}Mean",
        ratio(pl.when(told).then(ahead).sum(), count),
        unit,
        doc=f"Mean of the {words} displayed at its price in front of the order before the event, over {events}; events "
        "whose place is not known are left out.",
        over_time=mean(f"{name}Count"),
        over_listings=mean(f"{name}Count"),
        formula=f"Σ {words} in front / n",
        citation=CITATION,
    )
    doc = f"Number of {events}; those whose place in the queue is known, which {name}Mean is over."
    return of_mean, count_metric(f"{name}Count", count, doc, "n of events with a place")
