"""Group `fill_probability`: its columns; what they are is worked out in `probabilities`."""

from collections.abc import Iterator

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.durations import parse_duration
from basalt.errors import UserError
from basalt.metrics import SUM, Empty
from basalt_analytics.groups import Template, distinct, required
from basalt_analytics.l3.flow import OF_SIDE
from basalt_analytics.lives.figures import EXECUTIONS, NOW, Later, whole_microseconds
from basalt_analytics.lives.options import FillProbabilityGroup

CITATIONS = {
    "AJ": "Lo, MacKinlay & Zhang 2002; Aalen & Johansen 1978",
    "KM": "Lo, MacKinlay & Zhang 2002; Kaplan & Meier 1958",
}
HOW = {"AJ": "with cancels as a risk that competes", "KM": "as if no order were ever cancelled"}
FORMULAS = {"AJ": "F̂ = Σ S·d/n, S = Π (1 − (d + c)/n)", "KM": "1 − Π (1 − d/n)"}


@attrs.frozen(eq=False)
class Chance:
    """A column of a side and horizon: the estimator's figure, or with None the number at risk."""

    column: ResultColumn
    side: str
    horizon: int
    estimator: str | None


def chances(group: FillProbabilityGroup, label: str, by_insert: bool) -> Iterator[Chance]:
    """Every estimator's probability and number at risk, at every horizon of every side."""
    required({"horizons": group.horizons, "estimators": group.estimators, "sides": group.sides}, label)
    distinct(group.horizons, f"{label}: horizons")
    template = Template.checked(group.name, label, ("side", "estimator", "horizon"))
    for side in group.sides:
        for horizon in group.horizons:
            for estimator in group.estimators:
                age = parse_duration(horizon)
                if age < 0:
                    raise UserError(f"{label}: horizons has {horizon!r}, and no order is that old: give 0 or above")
                name = template.filled(side=side, estimator=estimator, horizon=horizon)
                later: Later = whole_microseconds(age) if by_insert else NOW
                yield Chance(_probability(name, side, horizon, estimator, group, later), side, age, estimator)
                yield Chance(_at_risk(name, side, horizon, later), side, age, None)


def _probability(
    name: str, side: str, horizon: str, estimator: str, group: FillProbabilityGroup, later: Later
) -> ResultColumn:
    what = "executes" if group.fill == "first" else "is filled whole"
    return ResultColumn(
        name,
        Unit.RATIO,
        f"Probability that an order {what} within {horizon} of its insert, {HOW[estimator]}{OF_SIDE[side]}; where "
        f"{name}AtRisk is small it rests on few orders.",
        known_after=later,
        formula=FORMULAS[estimator],
        citation=CITATIONS[estimator],
        reads=EXECUTIONS,
    )


def _at_risk(name: str, side: str, horizon: str, later: Later) -> ResultColumn:
    return ResultColumn(
        f"{name}AtRisk",
        Unit.COUNT,
        f"Number of orders that are still observed at the age of {horizon}{OF_SIDE[side]}; with 0, {name} is that of "
        "an earlier age.",
        dtype=pl.Int64,
        over_time=SUM,
        over_listings=SUM,
        empty=Empty.ZERO,
        known_after=later,
        formula="n with entry < h ≤ exit",
        citation="Kaplan & Meier 1958",
        reads=EXECUTIONS,
    )
