"""What is asked of lives: the groups of the options as columns and the figures behind them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import attrs
import polars as pl

from basalt.documents import ResultColumn
from basalt.tables import US_UTC
from basalt_analytics.lives.chances import Chance, chances
from basalt_analytics.lives.figures import Figure
from basalt_analytics.lives.fleeting import fleeting
from basalt_analytics.lives.replaced import longest, replaced
from basalt_analytics.lives.resting import counts, resting
from basalt_analytics.lives.standing import depth_age, open_orders, question

if TYPE_CHECKING:
    from basalt_analytics.l3.options import L3Options

Group = TypeVar("Group")


@attrs.frozen(eq=False)
class Limits:
    """The columns of one group of `fill_probability`, and what fills an order."""

    fill: str
    chances: Sequence[Chance]

    @property
    def horizons(self) -> list[int]:
        """In ns, ascending."""
        return sorted({one.horizon for one in self.chances})


@attrs.frozen(eq=False)
class Asked:
    """By group label, figures of facts, of what stands at ends of buckets, and probabilities. `questions`: what the
    replay is asked of ages; `waits`: how long each group waits for a replacement."""

    facts: Mapping[str, Sequence[Figure]]
    standing: Mapping[str, Sequence[Figure]]
    limits: Mapping[str, Limits]
    questions: Sequence[tuple[int, bool]]
    waits: Sequence[int]
    by_insert: bool
    priority: bool
    at_touch: bool
    executes: bool

    def names(self) -> Iterator[tuple[str, str]]:
        """(group, column)."""
        for label, group in (*self.facts.items(), *self.standing.items()):
            yield from ((label, figure.column.name) for figure in group)
        for label, limits in self.limits.items():
            yield from ((label, one.column.name) for one in limits.chances)

    def columns(self) -> list[ResultColumn]:
        """All of them."""
        figures = [figure.column for group in (*self.facts.values(), *self.standing.values()) for figure in group]
        return [*figures, *(one.column for limits in self.limits.values() for one in limits.chances)]

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Dtypes of the rows, but for their key."""
        return dict(pl.Schema({"TimeBucket": US_UTC, **{c.name: c.dtype for c in self.columns()}}))

    @property
    def at_ends(self) -> bool:
        """Whether anything is asked of the ends of buckets."""
        return any(self.standing.values()) or bool(self.limits and not self.by_insert)


def asked(config: "L3Options") -> Asked:
    """What these options ask; UserError for what cannot be."""
    by_insert = config.attribution == "insert"
    rested = {label: list(resting(one, label, by_insert)) for label, one in _labelled(config.resting, "resting")}
    fled = {label: list(fleeting(one, label, by_insert)) for label, one in _labelled(config.fleeting, "fleeting")}
    waiting = list(_labelled(config.replacement, "replacement"))
    answered = {label: list(replaced(one, i, label)) for i, (label, one) in enumerate(waiting)}
    ages = list(_labelled(config.depth_age, "depth_age"))
    aged = {label: list(depth_age(one, i, label)) for i, (label, one) in enumerate(ages)}
    probable = _labelled(config.fill_probability, "fill_probability")
    of_lives = [g.sides for gs in (config.resting, config.fleeting, config.fill_probability) for g in gs]
    sides = list(dict.fromkeys(side for group in of_lives for side in group))
    return Asked(
        {**rested, "l3": list(counts(sides, by_insert)), **fled, **answered},
        {"l3": list(open_orders(sides)), **aged},
        {label: Limits(one.fill, list(chances(one, label, by_insert))) for label, one in probable},
        [question(one, label) for label, one in ages],
        [longest(one, label) for label, one in waiting],
        by_insert,
        config.life == "priority",
        config.at_touch,
        bool(sides or waiting),
    )


def _labelled(groups: Sequence[Group], option: str) -> Iterator[tuple[str, Group]]:
    for i, group in enumerate(groups):
        yield f"l3.{option}[{i}]", group
