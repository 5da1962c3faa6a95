"""Group `fleeting`: orders cancelled within a threshold, having executed nothing."""

from collections.abc import Iterator

import polars as pl

from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.durations import parse_duration
from basalt.errors import UserError
from basalt.metrics import mean, ratio
from basalt_analytics.groups import Template, distinct, hidden_weight, required
from basalt_analytics.l3.flow import OF_SIDE
from basalt_analytics.lives.figures import NOW, SIZES, Figure, Later, counted, mask, summed, whole_microseconds
from basalt_analytics.lives.options import FleetingGroup

CITATION = "Hasbrouck & Saar 2009"


def fleeting(group: FleetingGroup, label: str, by_insert: bool) -> Iterator[Figure]:
    """Counts, shares and their volumes of every threshold of every side."""
    required({"thresholds": group.thresholds, "sides": group.sides}, label)
    distinct(group.thresholds, f"{label}: thresholds")
    template = Template.checked(group.name, label, ("side", "measure", "threshold"))
    for side in group.sides:
        for threshold in group.thresholds:
            yield from _of(side, threshold, template, label, by_insert)


def _of(side: str, threshold: str, template: Template, label: str, by_insert: bool) -> Iterator[Figure]:
    longest = parse_duration(threshold)
    if longest <= 0:
        raise UserError(f"{label}: thresholds has {threshold!r}, within which nothing is cancelled: give one above 0")
    names = {m: template.filled(side=side, measure=m, threshold=threshold) for m in _MEASURES}
    later: Later = whole_microseconds(longest) if by_insert else NOW
    gone = mask("Cancel", side) & (pl.col("Age") <= longest)
    all_of = mask("Inserted" if by_insert else "Cancel", side)
    what = f"cancelled within {threshold} of their insert without an execution{OF_SIDE[side]}"
    yield counted(names["CancelCount"], gone, f"Number of orders {what}.", "n", CITATION, later)
    yield summed(names["CancelVolume"], gone, f"Shares of orders {what}; as displayed last.", "Σ O", CITATION, later)
    over = "of those inserted in the bucket" if by_insert else "of all that are cancelled without an execution"
    yield from _share(names["ShareCount"], gone, all_of, pl.lit(1.0), f"{what}, {over}", later)
    yield from _share(names["ShareVolume"], gone, all_of, pl.col("Shares"), f"{what}, {over}, by shares", later)
    if by_insert:
        cut = mask("Inserted", side) & (pl.col("Age") < longest)
        doc = f"Number of orders that the session's end cuts before they are {threshold} old{OF_SIDE[side]}; whether "
        doc += "they would have been fleeting is not known."
        yield counted(names["UnresolvedCount"], cut, doc, "n", CITATION, later)


_MEASURES = ("CancelCount", "CancelVolume", "ShareCount", "ShareVolume", "UnresolvedCount")


def _share(name: str, gone: pl.Expr, all_of: pl.Expr, value: pl.Expr, what: str, later: Later) -> Iterator[Figure]:
    part, whole = (pl.when(rows).then(value).sum() for rows in (gone, all_of))
    column = ResultColumn(
        name,
        Unit.RATIO,
        f"Share of orders {what}; a share of few orders says little.",
        over_time=mean(f"{name}Weight"),
        over_listings=mean(f"{name}Weight"),
        known_after=later,
        formula="fleeting / all",
        citation=CITATION,
        reads=SIZES,
    )
    yield Figure(column, ratio(part, whole))
    yield Figure(hidden_weight(name, "what it is a share of", SIZES, later), whole.cast(pl.Float64))
