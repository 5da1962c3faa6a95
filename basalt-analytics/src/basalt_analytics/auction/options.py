"""What the module `auction` takes."""

from typing import Annotated, Literal

import attrs

from basalt.config.spellings import Duration, Spelling
from basalt.durations import parse_duration
from basalt.errors import UserError
from basalt.options import option
from basalt.tables import MARKET_STATES
from basalt_analytics.groups import Template, required, without_repeats

WHO = "auction"
AuctionState = Annotated[str, Spelling("a market state", "market states", allowed=MARKET_STATES)]
Measure = Literal[
    "Indicative",
    "IndicativeTWA",
    "Path",
    "Imbalance",
    "ToReference",
    "Final",
    "IndicativeError",
    "Dislocation",
    "Share",
]
CALLS = ("OPENING_AUCTION", "INTRADAY_AUCTION", "UNSCHEDULED_AUCTION", "CLOSING_AUCTION")
PHASES = "market states that are auctions; each unbroken run of one of them is a phase"
OF_MESSAGES = ("Indicative", "IndicativeTWA", "Path", "Imbalance", "ToReference", "IndicativeError")
OF_PRINTS = ("Final", "IndicativeError", "Dislocation", "Share")


@attrs.frozen
class AuctionOptions:
    """Options of `auction`. Nothing configured: indicative prices and imbalances of every call of the day."""

    phases: list[AuctionState] = option(PHASES, factory=lambda: list(CALLS))
    measures: list[Measure] = option(
        "what is measured: the indicative price and its path, what would be left over, and what the auction came to",
        factory=lambda: ["Indicative", "Imbalance"],
    )
    reference: Literal["before", "after", "column"] = option(
        "what Dislocation is against: the mid before the phase, the mid after it, or the last ReferencePrice of its "
        "messages",
        default="before",
    )
    reference_lag: Duration = option("how long before or after the phase that mid stands, as '60s'", default="60s")
    quotes: Literal["l2", "cbbo"] = option(
        "where that mid comes from: the listing's book, or the best over all venues of its instrument", default="l2"
    )
    max_message_age: Duration | None = option(
        "an indication older than this is not in force; default: any age", default=None
    )
    name: str = option("template of the column names", default="Auction{measure}")

    def __attrs_post_init__(self) -> None:
        required({"phases": self.phases, "measures": self.measures}, WHO)
        for name, given in (("phases", self.phases), ("measures", self.measures)):
            twice = next((value for i, value in enumerate(given) if value in given[:i]), None)
            if twice is not None:
                raise UserError(f"{WHO}: {name} lists {twice!r} twice: list each once")
        template = Template.checked(self.name, WHO, ["measure"])
        without_repeats((WHO, template.filled(measure=part)) for part in ("Price", "Volume"))
        _check_durations(self)
        _check_effects(self)

    @property
    def lag(self) -> int:
        """`reference_lag` in nanoseconds."""
        return parse_duration(self.reference_lag)

    @property
    def max_age(self) -> int | None:
        """`max_message_age` in nanoseconds."""
        return None if self.max_message_age is None else parse_duration(self.max_message_age)

    @property
    def reads_messages(self) -> bool:
        """Whether anything asked for comes from indications."""
        return bool(set(self.measures) & set(OF_MESSAGES)) or (self._dislocated and self.reference == "column")

    @property
    def reads_prints(self) -> bool:
        """Whether anything asked for comes from trades."""
        return bool(set(self.measures) & set(OF_PRINTS))

    @property
    def reads_mids(self) -> bool:
        """Whether a mid is looked up."""
        return self._dislocated and self.reference != "column"

    @property
    def _dislocated(self) -> bool:
        return "Dislocation" in self.measures


def _check_durations(own: AuctionOptions) -> None:
    if own.lag < 0:
        raise UserError(f"{WHO}: reference_lag = {own.reference_lag!r} is negative: give a duration from '0s' on")
    if own.max_age is not None and own.max_age <= 0:
        raise UserError(
            f"{WHO}: max_message_age = {own.max_message_age!r} leaves nothing in force: give more than '0s'"
        )


def _check_effects(own: AuctionOptions) -> None:
    """UserError for an option that changes nothing here."""
    defaults = AuctionOptions.__attrs_attrs__
    default = {field.name: field.default for field in defaults}
    idle = {
        "reference": "Dislocation" not in own.measures,
        "reference_lag": not own.reads_mids,
        "quotes": not own.reads_mids,
        "max_message_age": not set(own.measures) & set(OF_MESSAGES),
    }
    for name, nothing in idle.items():
        value = getattr(own, name)
        if nothing and value != default[name]:
            raise UserError(
                f"{WHO}: {name} = {value!r} changes nothing, as no measure asked for reads it: add a measure that does "
                "(Dislocation against a mid, or one of messages), or leave it out"
            )
