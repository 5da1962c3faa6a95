"""Groups: the tables of a module's list options (`trade.generic[1]`), each emitting columns named by its template.

A *template* is `Trade{side}{measure}`: its fields are the singular of the group's list fields. An *emission* is one
metric of a group with the row expressions it needs.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from string import Formatter

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.durations import parse_duration
from basalt.errors import UserError
from basalt.metrics import SUM, Empty, Known, Metric


@attrs.frozen(eq=False)
class Emission:
    """A metric, the label of the group that emits it, and the derived columns it reads."""

    group: str
    metric: Metric
    derive: Mapping[str, pl.Expr] = attrs.field(factory=dict)


def count_metric(name: str, expr: pl.Expr, doc: str, formula: str, note: str | None = None) -> Metric:
    """A count of rows: it adds up, and is 0 in a bucket without any. `note`: what the run is told of."""
    return Metric(
        name,
        expr,
        Unit.COUNT,
        doc=doc,
        dtype=pl.Int64,
        over_time=SUM,
        over_listings=SUM,
        empty=Empty.ZERO,
        formula=formula,
        note=note,
    )


def hidden_weight(
    of: str, formula: str, reads: Sequence[str] = (), known_after: timedelta | Known = timedelta(0)
) -> ResultColumn:
    """The hidden column that weighs another of a frame module when it is rolled up."""
    return ResultColumn(
        f"{of}Weight",
        Unit.WEIGHT,
        f"Weight of {of} when it is rolled up.",
        over_time=SUM,
        over_listings=SUM,
        empty=Empty.ZERO,
        known_after=known_after,
        formula=formula,
        hidden=True,
        reads=reads,
    )


def derived(emissions: Iterable[Emission]) -> dict[str, pl.Expr]:
    """The derived columns of all emissions, each once."""
    return {name: expr for e in emissions for name, expr in e.derive.items()}


@attrs.frozen
class Template:
    """A checked `name` template of a group."""

    text: str

    @classmethod
    def checked(cls, text: str, group: str, fields: Sequence[str]) -> "Template":
        """The template; UserError where it is malformed or names a field the group does not have."""
        known = ", ".join(f"{{{f}}}" for f in fields)
        try:
            asked = [field for _, field, _, _ in Formatter().parse(text) if field is not None]
        except ValueError as error:
            raise UserError(f"{group}: name = {text!r} is no template ({error}); its fields are {known}") from error
        for field in asked:
            if field not in fields:
                raise UserError(f"{group}: name = {text!r} has an unknown field {{{field}}}; its fields are {known}")
        return cls(text)

    def filled(self, **tokens: object) -> str:
        """The column name for one combination of the group's list values."""
        return self.text.format(**tokens)


def without_repeats(claims: Iterable[tuple[str, str]]) -> None:
    """UserError for the first column that two claims (group, column) share."""
    owners: dict[str, str] = {}
    for group, column in claims:
        if column in owners:
            raise UserError(_claimed(owners[column], group, column))
        owners[column] = group


def _claimed(first: str, second: str, column: str) -> str:
    if first == second:
        return f"{first} emits {column} twice: list each value once, and set `name` so that it tells them apart"
    return f"{first} and {second} both emit {column}: set `name` in one of them"


def distinct(durations: Iterable[str], option: str) -> None:
    """UserError for a list that has one duration twice, in whatever spelling."""
    first: dict[int, str] = {}
    for text in durations:
        duration = parse_duration(text)
        if (other := first.get(duration)) is not None:
            raise UserError(f"{option} has {other!r} and {text!r}, which are the same duration: drop one of them")
        first[duration] = text


def required(lists: Mapping[str, Sequence[object]], group: str) -> None:
    """UserError for a list option of a group that is empty: the group would emit nothing."""
    for option, values in lists.items():
        if not values:
            raise UserError(f"{group}: {option} is empty, so the group emits nothing: list a value or drop the group")
