"""The JSON schema accepts what reading accepts and refuses what it refuses; option rows say it in words."""

import json
import re
import tomllib
from datetime import date
from typing import Any, Literal

import attrs
import jsonschema
import pytest

from basalt.columns import Unit
from basalt.config.json_schema import json_schema, option_rows
from basalt.config.model import PipelineConfig
from basalt.config.spellings import Duration, State
from basalt.config.structure import structure
from basalt.errors import PluginError, UserError
from basalt.options import NoOptions, option

GOOD = """
name = "equities"
[source]
type = "parquet"
root = "data"
[dates]
from = "2024-01-02"
[[outputs]]
type = "parquet"
name = "lake"
[[passes]]
name = "bars"
every = "1m"
origin = "09:30:00.5"
market_states = ["HALTED", "all"]
[[passes.preprocess]]
transform = "market_state"
[[passes.modules]]
module = "trade"
prefix = "X"
clip = 5
generic = [{ measures = ["Volume"], horizon = "5s" }]
[[passes.modules]]
module = "other"
"""


@attrs.frozen
class Group:
    """A group of measures."""

    measures: list[Literal["Volume", "VWAP"]] = option("what is measured", factory=lambda: ["Volume"])
    horizon: Duration | None = option("how far", default=None)


@attrs.frozen
class TradeOptions:
    """What `trade` takes."""

    clip: float = option("largest size that counts", default=100.0, unit=Unit.SHARES)
    generic: list[Group] = option("groups", factory=list)
    levels: int | list[int] | None = option("book levels", default=None)
    states: State | list[State] = option("states", default="all")
    folders: dict[str, str] = option("folders", factory=dict)
    day: date | None = option("a date", default=None)


@attrs.frozen
class ParquetOptions:
    """What `parquet` takes."""

    root: str = option("folder of the tables")


@attrs.frozen
class Offered:
    """A component as a registry lists it."""

    name: str
    summary: str
    Config: type | None

    def load(self) -> Any:
        if self.Config is None:
            raise PluginError(f"{self.name} does not load")
        return self


class Registry:
    """Components by kind; `broken` does not load, `twice` is offered by two."""

    def components(self, kind: str) -> list[Offered]:
        return {
            "sources": [Offered("parquet", "tables in Parquet", ParquetOptions)],
            "outputs": [Offered("parquet", "tables to Parquet", NoOptions)],
            "executors": [Offered("inline", "one after another", NoOptions)],
            "transforms": [Offered("market_state", "the state in force", NoOptions)],
            "analytics": [
                Offered("broken", "broken", None),
                Offered("other", "another", NoOptions),
                Offered("trade", "trades", TradeOptions),
                Offered("twice", "one", NoOptions),
                Offered("twice", "two", ParquetOptions),
            ],
        }[kind]


def accepts(tree: Any, registry: Registry | None = None) -> bool:
    schema = json.loads(json.dumps(json_schema(registry)))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema).is_valid(tree)


def tree(*changes: tuple[str, str]) -> Any:
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return tomllib.loads(text)


@pytest.mark.parametrize("registry", [None, Registry()], ids=["alone", "with a registry"])
def test_a_good_file_is_accepted(registry: Registry | None) -> None:
    assert accepts(tree(), registry)
    assert structure(PipelineConfig, tree(), "").name == "equities"


BAD_ANYWHERE = {
    "an unknown key": ('name = "equities"', 'name = "equities"\nnosuch = 1'),
    "an unknown key of a pass": ('every = "1m"', 'evry = "1m"'),
    "a missing key": ('name = "bars"', ""),
    "a type": ('every = "1m"', "every = 1"),
    "a duration": ('every = "1m"', 'every = "1 m"'),
    "a time of day": ("09:30:00.5", "9:30"),
    "a choice": ('every = "1m"', 'label = "ends"'),
    "a state": ("HALTED", "HALTING"),
    "a name": ('name = "lake"', 'name = "../x"'),
    "a source without a type": ('type = "parquet"\nroot', "root"),
}
BAD_OPTIONS = {
    "an option that must be set": ('root = "data"', ""),
    "an unknown option": ("clip = 5", "clap = 5"),
    "an option's type": ("clip = 5", 'clip = "5"'),
    "a nested choice": ('"Volume"', '"volume"'),
    "a nested key": ("horizon", "horizons"),
    "a nested duration": ('"5s"', '"s"'),
    "an option of a module without": ('module = "other"', 'module = "other"\nx = 1'),
    "a component that is not installed": ('module = "other"', 'module = "nosuch"'),
}


@pytest.mark.parametrize("change", BAD_ANYWHERE.values(), ids=BAD_ANYWHERE.keys())
def test_what_reading_refuses_the_schema_refuses(change: tuple[str, str]) -> None:
    with pytest.raises(UserError):
        structure(PipelineConfig, tree(change), "")
    assert not accepts(tree(change))
    assert not accepts(tree(change), Registry())


@pytest.mark.parametrize("change", BAD_OPTIONS.values(), ids=BAD_OPTIONS.keys())
def test_with_a_registry_the_options_are_checked_too(change: tuple[str, str]) -> None:
    assert accepts(tree(change))
    assert not accepts(tree(change), Registry())


@pytest.mark.parametrize("name", ["broken", "twice"])
def test_a_component_that_cannot_be_asked_takes_any_option(name: str) -> None:
    assert accepts(tree(('module = "other"', f'module = "{name}"\nx = 1')), Registry())


def test_every_key_is_described() -> None:
    schema = json_schema(Registry())
    tables = [schema, *schema["definitions"].values()]
    for table in tables:
        for key, option_schema in table["properties"].items():
            assert option_schema.get("description"), f"{table['description']}: {key}"
    assert schema["properties"]["state"]["default"] == ".basalt"


def test_option_rows_say_what_an_option_takes() -> None:
    rows = {row.pop("name"): row for row in option_rows(TradeOptions)}
    assert list(rows) == [
        "clip",
        "generic",
        "generic[].measures",
        "generic[].horizon",
        "levels",
        "states",
        "folders",
        "day",
    ]
    assert rows["clip"] == {
        "type": "a number",
        "default": "100.0",
        "allowed": [],
        "unit": "shares",
        "doc": "largest size that counts",
    }
    assert rows["generic"]["type"] == "a list of tables"
    assert rows["generic[].measures"]["type"] == "a list of 'Volume' or 'VWAP'"
    assert rows["generic[].measures"]["allowed"] == ["Volume", "VWAP"]
    assert rows["generic[].measures"]["default"] == "['Volume']"
    assert (rows["generic[].horizon"]["type"], rows["generic[].horizon"]["default"]) == (
        "a duration, as '5m'",
        "none",
    )
    assert rows["levels"]["type"] == "a whole number or a list of whole numbers"
    assert rows["states"]["allowed"][:2] == ["PRE_OPEN", "OPENING_AUCTION"]
    assert (rows["folders"]["type"], rows["folders"]["default"]) == ("a table of strings", "{}")
    assert rows["day"]["type"] == "a date"


def test_an_option_that_must_be_set_says_so() -> None:
    (row,) = option_rows(ParquetOptions)
    assert row["default"] == "required"


def test_a_default_that_depends_on_others_says_so() -> None:
    @attrs.define
    class Odd:
        x: int = attrs.field(default=1)
        y: int = attrs.field()

        @y.default
        def _(self) -> int:
            return self.x

    assert [row["default"] for row in option_rows(Odd)] == ["1", "computed"]


def test_a_component_without_options_has_no_rows() -> None:
    assert option_rows(NoOptions) == []


def test_patterns_are_those_of_reading() -> None:
    schema = json_schema()
    pattern = schema["definitions"]["basalt.config.model.PassConfig"]["properties"]["every"]["pattern"]
    assert all(re.search(pattern, text) for text in ("1m", "-2.5s", "250us"))
    assert not any(re.search(pattern, text) for text in ("1", "m", "1 m", "1m\n2m", "+1m"))
