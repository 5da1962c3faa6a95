"""Options become objects strictly, and every mistake is one sentence that names its key path."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import attrs
import pytest

from basalt.config.spellings import Duration, Name, Spelling, State, TimeOfDay, time_of_day
from basalt.config.structure import check_reserved, structure
from basalt.errors import PluginError, UserError
from basalt.options import NoOptions, option

WHERE = "passes.bars.modules[0]"


@attrs.frozen
class Group:
    """A nested table."""

    measures: list[Literal["Volume", "VWAP"]] = option("what is measured", factory=lambda: ["Volume"])
    sides: list[str] = option("by side", factory=list)


@attrs.frozen
class Options:
    """One option of every type there is."""

    levels: int | list[int] = option("book levels", default=10)
    share: float = option("a share", default=0.5)
    on: bool = option("whether", default=True)
    mode: Literal["event", "prev_close"] = option("how", default="event")
    states: str | list[str] | None = option("which", default=None)
    day: date | None = option("when", default=None)
    days: list[date] = option("when", factory=list)
    generic: list[Group] = option("groups", factory=list)
    group: Group = option("a group", factory=Group)
    weights: dict[str, float] = option("weights", factory=dict)
    every: Duration | None = option("how long", default=None)
    names: tuple[Name, ...] = option("names", default=())
    from_: int = option("a word of Python's", default=0)
    free: Any = option("anything", default=None)


def refusals(raw: Any, config_class: type = Options) -> list[str]:
    """The sentences, without their common key path."""
    with pytest.raises(UserError) as caught:
        structure(config_class, raw, WHERE)
    return [line.removeprefix(WHERE) for line in str(caught.value).splitlines()]


def test_left_out_options_take_their_defaults() -> None:
    assert structure(Options, {}, WHERE) == Options()


def test_every_type_takes_its_own_values() -> None:
    made = structure(
        Options,
        {
            "levels": [1, 5],
            "share": 1,
            "on": False,
            "mode": "prev_close",
            "states": ["A", "B"],
            "day": date(2024, 1, 31),
            "days": ["2024-01-02", date(2024, 1, 3)],
            "generic": [{"measures": ["VWAP"]}, {}],
            "group": {"sides": ["Buy"]},
            "weights": {"a": 2, "b": 0.25},
            "every": "5m",
            "names": ["a-b", "c_1"],
            "from": 7,
            "free": {"x": [1]},
        },
        WHERE,
    )
    assert made.levels == [1, 5]
    assert (made.share, type(made.share)) == (1.0, float)
    assert made.states == ["A", "B"]
    assert made.day == date(2024, 1, 31)
    assert made.days == [date(2024, 1, 2), date(2024, 1, 3)]
    assert made.generic == [Group(measures=["VWAP"]), Group()]
    assert made.group == Group(sides=["Buy"])
    assert made.weights == {"a": 2.0, "b": 0.25}
    assert made.names == ("a-b", "c_1")
    assert made.from_ == 7
    assert made.free == {"x": [1]}


def test_a_union_takes_the_other_member_too() -> None:
    assert structure(Options, {"levels": 3, "states": "all"}, WHERE) == Options(levels=3, states="all")


MISTAKES = {
    "an integer is no string": ({"levels": "5"}, ".levels = '5' must be a whole number or a list of whole numbers"),
    "an integer has no point": ({"levels": 5.0}, ".levels = 5.0 must be a whole number or a list of whole numbers"),
    "true is no integer": ({"levels": True}, ".levels = true must be a whole number or a list of whole numbers"),
    "true is no integer in a list": ({"levels": [1, True]}, ".levels[1] = true must be a whole number"),
    "an integer has 64 bits": (
        {"from": 2**63},
        ".from = 9223372036854775808 must be a whole number",
    ),
    "a number is no string": ({"share": "0.5"}, ".share = '0.5' must be a number"),
    "true is no number": ({"share": True}, ".share = true must be a number"),
    "a number is finite": ({"share": float("inf")}, ".share = inf must be a finite number"),
    "a flag is no integer": ({"on": 1}, ".on = 1 must be true or false"),
    "a flag is no string": ({"on": "true"}, ".on = 'true' must be true or false"),
    "one of the choices": (
        {"mode": "evnt"},
        ".mode = 'evnt' must be 'event' or 'prev_close' (did you mean 'event'?)",
    ),
    "a choice is no list": ({"mode": ["event"]}, ".mode = ['event'] must be 'event' or 'prev_close'"),
    "no list from a string": (
        {"generic": [{"sides": "AB"}]},
        ".generic[0].sides = 'AB' must be a list of strings",
    ),
    "no table for a list of tables": ({"generic": {"sides": []}}, ".generic = {…} must be a list of tables"),
    "a list of choices": (
        {"generic": [{}, {"measures": ["Volume", "vwap"]}]},
        ".generic[1].measures[1] = 'vwap' must be 'Volume' or 'VWAP' (did you mean 'VWAP'?)",
    ),
    "no value for a table": ({"group": 5}, ".group = 5 must be a table"),
    "a table of numbers": ({"weights": {"a b": "x"}}, ".weights.'a b' = 'x' must be a number"),
    "no list for a table": ({"weights": [1]}, ".weights = [1] must be a table of numbers"),
    "a date is written in full": ({"day": "20240131"}, ".day = '20240131' must be a date, as 2024-01-31"),
    "a date is in the calendar": (
        {"day": "2024-02-30"},
        ".day = '2024-02-30' must be a date of the calendar (day is out of range for month)",
    ),
    "a date is no stamp": (
        {"days": [datetime(2024, 1, 1)]},
        ".days[0] = 2024-01-01T00:00:00 must be a date, as 2024-01-31",
    ),
    "a date is no number": ({"day": 20240131}, ".day = 20240131 must be a date"),
    "a duration has a unit": (
        {"every": "5"},
        ".every: '5' is not a duration: write a number and one of ns, us, ms, s, m, h, d, as in '5m'",
    ),
    "a duration is a string": ({"every": 5}, ".every = 5 must be a duration, as '5m'"),
    "a name is plain": ({"names": ["a b"]}, ".names[0] = 'a b' must be a name of letters, digits, _ and -"),
    "a name is not empty": ({"names": [""]}, ".names[0] = '' must be a name of letters, digits, _ and -"),
    "nothing is no value": ({"on": None}, ".on = None must be true or false"),
    "a misspelt key": (
        {"generic": [{"side": ["Buy"]}]},
        ".generic[0].side is no known key (did you mean 'sides'?): the keys here are measures, sides",
    ),
    "a key of Python's spelling": (
        {"from_": 1},
        ".from_ is no known key (did you mean 'from'?): the keys here are levels, share, on, mode, states, day, days, "
        "generic, group, weights, every, names, from, free",
    ),
    "options are a table": ([1, 2, 3, 4, 5, 6], " = [1, 2, 3, 4, 5, …] must be a table"),
    "keys are strings": ({3: 4}, " = 3 cannot be a key, keys are strings"),
}


@pytest.mark.parametrize(("raw", "said"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_one_sentence(raw: Any, said: str) -> None:
    assert refusals(raw) == [said]


def test_all_mistakes_are_told_at_once() -> None:
    assert refusals({"on": 1, "generic": [{"sides": 1}, 2], "nosuch": 3}) == [
        ".on = 1 must be true or false",
        ".generic[0].sides = 1 must be a list of strings",
        ".generic[1] = 2 must be a table",
        ".nosuch is no known key: the keys here are levels, share, on, mode, states, day, days, generic, group, "
        "weights, every, names, from, free",
    ]


def test_a_component_without_options_takes_none() -> None:
    assert refusals({"levels": 1}, NoOptions) == [".levels is no known key: there is nothing to set here"]


def test_long_values_are_cut_and_stay_on_one_line() -> None:
    (said,) = refusals({"mode": "x\n" * 100})
    assert said.startswith(r".mode = 'x\nx\n")
    assert len(said) < 120


@attrs.frozen
class Needy:
    """Options that must be set, and fit each other."""

    root: str = option("folder of the data")
    low: int = option("lowest", default=0)
    high: int = option("highest", default=1)

    def __attrs_post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"low = {self.low} is above high = {self.high}")


def test_a_missing_option_says_what_it_must_be() -> None:
    assert refusals({}, Needy) == [".root is missing: it must be a string (folder of the data)"]


def test_a_misspelt_required_option_is_told_from_both_sides() -> None:
    assert refusals({"rot": "x"}, Needy) == [
        ".root is missing (is 'rot' a slip of the pen?): it must be a string (folder of the data)",
        ".rot is no known key (did you mean 'root'?): the keys here are root, low, high",
    ]


def test_what_a_config_checks_itself_becomes_a_sentence() -> None:
    assert refusals({"root": "x", "low": 3}, Needy) == [": low = 3 is above high = 1"]


def test_attrs_validators_become_sentences() -> None:
    @attrs.frozen
    class Checked:
        n: int = attrs.field(default=1, validator=attrs.validators.gt(0))

    assert refusals({"n": -1}, Checked) == [": 'n' must be > 0: -1"]


def test_a_config_that_breaks_is_its_authors_business() -> None:
    @attrs.frozen
    class Broken:
        n: int = 1

        def __attrs_post_init__(self) -> None:
            raise KeyError("oops")

    with pytest.raises(PluginError, match="raised KeyError"):
        structure(Broken, {}, WHERE)


class Colour(str):
    """A subclass of a type that options may have."""


@pytest.mark.parametrize("annotation", [set[int], list, Path, datetime, Colour, tuple[int, str], int | set[int]])
def test_a_type_that_options_cannot_have_is_its_authors_business(annotation: Any) -> None:
    made = attrs.make_class("Odd", {"x": attrs.field(type=annotation, default=None)})
    with pytest.raises(PluginError, match="a Config has an option of type"):
        structure(made, {"x": 1}, WHERE)


def test_a_list_of_two_kinds_is_told_by_the_kinds_it_takes() -> None:
    made = attrs.make_class("Two", {"x": attrs.field(type=list[int] | list[str], default=None)})
    assert structure(made, {"x": ["a"]}, WHERE).x == ["a"]
    assert refusals({"x": [1, "a"]}, made) == [
        ".x = [1, 'a'] must be a list of whole numbers or a list of strings",
    ]


def test_whole_numbers_stay_whole_where_either_is_taken() -> None:
    made = attrs.make_class("Either", {"x": attrs.field(type=int | float, default=None)})
    assert type(structure(made, {"x": 5}, WHERE).x) is int
    assert type(structure(made, {"x": 5.0}, WHERE).x) is float
    assert refusals({"x": True}, made) == [".x = true must be a whole number or a number"]


def test_a_spelling_of_a_plugins_own_is_checked_and_named() -> None:
    grade = Annotated[str, Spelling("a grade", "grades", pattern=r"[A-F]")]
    made = attrs.make_class("Graded", {"x": attrs.field(type=list[grade], factory=list)})
    assert structure(made, {"x": ["A", "F"]}, WHERE).x == ["A", "F"]
    assert refusals({"x": ["A", "G"]}, made) == [".x[1] = 'G' must be a grade"]
    assert refusals({"x": "A"}, made) == [".x = 'A' must be a list of grades"]


def test_a_misspelt_market_state_is_refused() -> None:
    made = attrs.make_class("Stated", {"x": attrs.field(type=State | list[State], default="all")})
    assert structure(made, {"x": ["HALTED", "null"]}, WHERE).x == ["HALTED", "null"]
    (said,) = refusals({"x": ["CONTINUOUS"]}, made)
    assert said.startswith(".x[0] = 'CONTINUOUS' must be 'PRE_OPEN', 'OPENING_AUCTION',")
    assert said.endswith("'all' or 'null' (did you mean 'CONTINUOUS_TRADING'?)")


def test_a_time_of_day_is_nanoseconds_after_midnight() -> None:
    """9 h 30 min = 34,200 s; half a second more is 34,200,500,000,000 ns."""
    assert time_of_day("00:00") == 0
    assert time_of_day("09:30") == 34_200_000_000_000
    assert time_of_day("09:30:00.5") == 34_200_500_000_000
    assert time_of_day("23:59:59.999999") == 86_399_999_999_000


@pytest.mark.parametrize("text", ["24:00", "9:30", "09:60", "09:30:60", "0930", "09:30Z", "", "٠٩:٣٠"])
def test_other_times_of_day_are_refused(text: str) -> None:
    made = attrs.make_class("Timed", {"x": attrs.field(type=TimeOfDay, default="00:00")})
    assert refusals({"x": text}, made) == [f".x: {text!r} is no UTC time of day: write it as '09:30' or '09:30:00.5'"]


def test_a_time_of_day_between_microseconds_is_refused() -> None:
    with pytest.raises(UserError, match="is not a whole number of microseconds"):
        time_of_day("09:30:00.0000005")


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("analytics", "module"),
        ("analytics", "source"),
        ("analytics", "tables"),
        ("analytics", "prefix"),
        ("sources", "type"),
        ("outputs", "name"),
        ("transforms", "transform"),
    ],
)
def test_a_config_may_not_take_a_key_of_the_engine(kind: str, key: str) -> None:
    made = attrs.make_class("Greedy", {key: attrs.field(type=str, default="")})
    with pytest.raises(PluginError) as caught:
        check_reserved(made, kind, "module trade (desk 1.0)")
    assert str(caught.value) == (
        f"module trade (desk 1.0): its Config declares {key!r}, which belongs to the engine: rename that option"
    )


def test_an_ordinary_config_passes_and_a_plain_class_does_not() -> None:
    check_reserved(Options, "analytics", "module trade (desk 1.0)")
    with pytest.raises(PluginError, match=r"its Config dict is no attrs class: decorate it @attrs\.frozen"):
        check_reserved(dict, "analytics", "module trade (desk 1.0)")
