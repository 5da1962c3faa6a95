"""What the module `iceberg` takes, and what it shares with the transform `iceberg_tags`."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Literal

import attrs

from basalt.columns import Unit
from basalt.config.spellings import Duration, State
from basalt.durations import parse_duration
from basalt.errors import UserError
from basalt.options import option
from basalt_analytics.execution.options import RestingSide
from basalt_analytics.groups import Template, required, without_repeats

WHO = "iceberg"
Link = Literal["excess", "refill", "synthetic"]
Fits = Literal["any", "equal", "not_larger"]
Kind = Literal["All", "Native", "Synthetic"]
Measure = Literal[
    "ExecutedVolume",
    "ExecutedCount",
    "HiddenVolume",
    "HiddenShare",
    "TrancheCount",
    "MeanPeak",
    "ConfirmedCount",
    "Imbalance",
    "VolumeShare",
    "SizeSurvival",
]
LINKS: tuple[Link, ...] = ("excess", "refill", "synthetic")
BY_DEFAULT: tuple[Measure, ...] = (
    "ExecutedVolume",
    "ExecutedCount",
    "HiddenVolume",
    "HiddenShare",
    "TrancheCount",
    "MeanPeak",
    "ConfirmedCount",
    "Imbalance",
)
FIELDS = ("kind", "side", "measure")


@attrs.frozen
class DetectionOptions:
    """What makes an order an iceberg."""

    detect: list[Link] = option(
        "what tells of one: an execution of more than the display shrinks by, a renewal under the same id, or several "
        "ids that take each other's place",
        factory=lambda: list(LINKS),
    )
    refill_within: Duration = option(
        "how long behind the execution that emptied its display an order of the same id may be renewed", default="100ms"
    )
    synthetic_within: Duration = option(
        "how long behind a full fill another id may take its place; set it to what the venue needs", default="500us"
    )
    synthetic_size: Fits = option(
        "what that id may display, against the peak of the tranche that was filled", default="not_larger"
    )
    min_tranches: int = option("how many tranches under several ids make an iceberg", default=3)
    min_hidden: float = option(
        "how much an execution must exceed what the display shrinks by, to tell of hidden size",
        default=0.0,
        unit=Unit.SHARES,
    )
    market_states: State | list[State] | None = option(
        "states whose events count, a state, a list, or 'all'; events of others are replayed, and confirm nothing",
        default=None,
    )

    def __attrs_post_init__(self) -> None:
        self._check()

    @property
    def refilled_within(self) -> int:
        """`refill_within` in nanoseconds."""
        return parse_duration(self.refill_within)

    @property
    def replaced_within(self) -> int:
        """`synthetic_within` in nanoseconds."""
        return parse_duration(self.synthetic_within)

    def _check(self) -> None:
        """UserError for what makes no sense."""
        required({"detect": self.detect}, self._who)
        once("detect", self.detect, self._who)
        for name in ("refill_within", "synthetic_within"):
            if parse_duration(getattr(self, name)) < 0:
                raise UserError(
                    f"{self._who}: {name} = {getattr(self, name)!r} is negative: give a duration from '0s' on"
                )
        if self.min_tranches < 2:
            raise UserError(
                f"{self._who}: min_tranches = {self.min_tranches} would make every order an iceberg: give 2 or more"
            )
        if not (isfinite(self.min_hidden) and self.min_hidden >= 0):
            raise UserError(f"{self._who}: min_hidden = {self.min_hidden} is no size: give a number from 0 on")
        read_by = {
            "refill_within": ("refill",),
            "synthetic_within": ("synthetic",),
            "synthetic_size": ("synthetic",),
            "min_tranches": ("synthetic",),
            "min_hidden": ("excess",),
        }
        self._check_read({name: bool(set(links) & set(self.detect)) for name, links in read_by.items()}, "detect")

    def _check_read(self, read: Mapping[str, bool], by: str) -> None:
        """UserError for an option that is set, and that nothing of the option `by` reads."""
        defaults = {field.name: field.default for field in attrs.fields(type(self))}
        for name, there in read.items():
            value = getattr(self, name)
            if not there and value != defaults[name]:
                raise UserError(
                    f"{self._who}: {name} = {value!r} changes nothing with {by} = {getattr(self, by)!r}: leave it out, "
                    f"or list in {by} what reads it"
                )

    @property
    def _who(self) -> str:
        return "iceberg_tags"


@attrs.frozen
class IcebergOptions(DetectionOptions):
    """Options of `iceberg`. Nothing configured: volumes, tranches and hidden size of each side and of both."""

    sides: list[RestingSide] = option(
        "side the icebergs rest on; 'Total' is both", factory=lambda: ["Bid", "Ask", "Total"]
    )
    kinds: list[Kind] = option(
        "icebergs under one id, which are 'Native', or under several; 'All' is both", factory=lambda: ["All"]
    )
    measures: list[Measure] = option("what is measured of icebergs", factory=lambda: list(BY_DEFAULT))
    imbalance_source: Literal["ExecutedVolume", "HiddenVolume"] = option(
        "of which volume Imbalance is", default="ExecutedVolume"
    )
    survival_sizes: list[float] = option("sizes, each of one column of SizeSurvival", factory=list, unit=Unit.SHARES)
    attribution: Literal["confirm", "execution"] = option(
        "whether what an iceberg did before its confirmation counts in the bucket of that, or at its own time, known "
        "when the date is over",
        default="confirm",
    )
    name: str = option("template of the column names", default="Iceberg{kind}{side}{measure}")

    @property
    def lag(self) -> int:
        """How long (ns) an order that was filled may still go on."""
        return max(self.refilled_within, self.replaced_within)

    @property
    def in_hindsight(self) -> bool:
        """Whether what an iceberg did before its confirmation counts at its own time."""
        return self.attribution == "execution"

    def column(self, kind: str, side: str, measure: str) -> str:
        """The column's name."""
        return Template(self.name).filled(kind="" if kind == "All" else kind, side=side, measure=measure)

    @property
    def _who(self) -> str:
        return WHO

    def _check(self) -> None:
        super()._check()
        lists: dict[str, Sequence[Any]] = {"sides": self.sides, "kinds": self.kinds, "measures": self.measures}
        required(lists, WHO)
        for name, given in {**lists, "survival_sizes": self.survival_sizes}.items():
            once(name, given, WHO)
        Template.checked(self.name, WHO, FIELDS)
        _check_kinds(self)
        _check_measures(self)
        without_repeats((WHO, self.column(kind, side, measure)) for kind, side, measure in combinations(self))


def combinations(config: IcebergOptions) -> list[tuple[str, str, str]]:
    """(kind, side, what the template calls the measure) of each column, in order; an imbalance has no side."""
    found = [
        (kind, side, token)
        for kind in config.kinds
        for side in config.sides
        for measure in config.measures
        for token in tokens(measure, config)
        if measure != "Imbalance"
    ]
    return found + [(kind, "", "Imbalance") for kind in config.kinds if "Imbalance" in config.measures]


def tokens(measure: str, config: IcebergOptions) -> list[str]:
    """The measure as names write it, once for each of its columns."""
    if measure != "SizeSurvival":
        return [measure]
    return [f"{measure}{size:.12g}" for size in config.survival_sizes]


def once(name: str, given: Sequence[object], who: str) -> None:
    """UserError where a list names something twice."""
    twice = next((value for i, value in enumerate(given) if value in given[:i]), None)
    if twice is not None:
        raise UserError(f"{who}: {name} lists {twice!r} twice: list each once")


def _check_kinds(own: IcebergOptions) -> None:
    links = {"Native": {"excess", "refill"}, "Synthetic": {"synthetic"}}
    for kind in own.kinds:
        if kind in links and not links[kind] & set(own.detect):
            raise UserError(
                f"{WHO}: kinds lists {kind!r}, of which detect = {own.detect!r} finds none: add "
                f"{' or '.join(map(repr, sorted(links[kind])))} to detect, or leave {kind!r} out"
            )


def _check_measures(own: IcebergOptions) -> None:
    if "VolumeShare" in own.measures and not own.in_hindsight:
        raise UserError(
            f"{WHO}: VolumeShare is of executions in the bucket of each, and with attribution = {own.attribution!r} "
            "some count later: set attribution = 'execution', or leave VolumeShare out"
        )
    if "SizeSurvival" in own.measures and not own.survival_sizes:
        raise UserError(f"{WHO}: SizeSurvival needs sizes: name them in survival_sizes, as [1000, 5000]")
    if own.survival_sizes and "SizeSurvival" not in own.measures:
        raise UserError(
            f"{WHO}: survival_sizes = {own.survival_sizes!r} are read by SizeSurvival alone: add it to measures, or "
            "leave them out"
        )
    for size in own.survival_sizes:
        if not (isfinite(size) and size >= 0):
            raise UserError(f"{WHO}: survival_sizes has {size}, which is no size: give numbers from 0 on")
    own._check_read({"imbalance_source": "Imbalance" in own.measures}, "measures")
