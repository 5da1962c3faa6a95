"""Pipeline files: what a good one becomes, and the exact sentence for every kind of bad one."""

import re
from datetime import date
from pathlib import Path

import pytest

from basalt.config.model import ModuleEntry, OutputEntry, PipelineConfig, SourceEntry, TransformEntry
from basalt.config.read import read_pipeline
from basalt.errors import UserError

GOOD = """
name = "equities"
executor = "inline"
state = "ledger"
work = "scratch"
[source]
type = "parquet"
root = "data"
columns = { trades = { Price = "px" } }
[[outputs]]
type = "parquet"
name = "lake"
path = "lake/{pass}"
[dates]
from = 2024-01-02
to = "2024-01-05"
[plugins]
files = ["desk.py"]
prefer = { trade = "desk-trade" }
[[passes]]
name = "bars"
every = "1m"
label = "start"
closed = "left"
origin = "09:30"
market_states = ["CONTINUOUS_TRADING", "HALTED"]
weights = true
[[passes.preprocess]]
transform = "market_state"
max_age = "5s"
[[passes.modules]]
module = "trade"
prefix = "A"
generic = [{ measures = ["Volume"] }]
[[passes.modules]]
module = "l2"
levels = [1, 5]
[[passes]]
name = "quarter"
every = "15m"
outputs = []
[[passes.modules]]
module = "generic"
source = "bars"
"""
PLAIN = 'name = "p"\nsource = { type = "parquet" }\n'
ONE = PLAIN + '[[passes]]\nname = "bars"\n'


def read(folder: Path, text: str, *overrides: str) -> PipelineConfig:
    file = folder / "pipeline.toml"
    file.write_text(text, encoding="utf-8")
    return read_pipeline(file, overrides)


def refusals(folder: Path, text: str) -> list[str]:
    """The sentences, without the file's name in front."""
    with pytest.raises(UserError) as caught:
        read(folder, text)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{folder / 'pipeline.toml'}: ") for line in lines)
    return [line.removeprefix(f"{folder / 'pipeline.toml'}: ") for line in lines]


def test_a_good_file_becomes_objects(tmp_path: Path) -> None:
    made = read(tmp_path, GOOD)
    assert (made.name, made.executor, made.state, made.work) == ("equities", "inline", "ledger", "scratch")
    assert made.source == SourceEntry(type="parquet", options={"root": "data", "columns": {"trades": {"Price": "px"}}})
    assert made.outputs == [OutputEntry(type="parquet", name="lake", options={"path": "lake/{pass}"})]
    assert (made.dates.from_, made.dates.to, made.dates.list_) == (date(2024, 1, 2), date(2024, 1, 5), None)
    assert (made.plugins.files, made.plugins.prefer) == (["desk.py"], {"trade": "desk-trade"})
    bars, quarter = made.passes
    assert (bars.name, bars.every, bars.label, bars.closed, bars.origin) == ("bars", "1m", "start", "left", "09:30")
    assert bars.market_states == ["CONTINUOUS_TRADING", "HALTED"]
    assert bars.weights is True
    assert bars.preprocess == [TransformEntry(transform="market_state", options={"max_age": "5s"})]
    assert bars.modules[0] == ModuleEntry(module="trade", prefix="A", options={"generic": [{"measures": ["Volume"]}]})
    assert bars.modules[1].options == {"levels": [1, 5]}
    assert (bars.outputs, quarter.outputs) == (None, [])
    assert quarter.modules == [ModuleEntry(module="generic", source="bars")]


def test_what_is_left_out_takes_its_default(tmp_path: Path) -> None:
    made = read(tmp_path, ONE)
    assert (made.executor, made.state, made.work, made.outputs) == ("inline", ".basalt", ".basalt/work", [])
    (only,) = made.passes
    assert (only.every, only.label, only.closed, only.origin, only.market_states) == (None, None, None, None, None)
    assert (only.modules, only.preprocess, only.weights) == ([], [], False)


def test_dates_may_be_a_list_of_either_spelling(tmp_path: Path) -> None:
    made = read(tmp_path, ONE + '[dates]\nlist = [2024-01-02, "2024-01-03"]\n')
    assert made.dates.list_ == [date(2024, 1, 2), date(2024, 1, 3)]


PASS_KEYS = (
    "name, every, label, closed, origin, keys, timeline, session, calendar, halts, market_states, preprocess, modules, "
    "outputs, side_outputs, weights, memory, quality, expect"
)
TOP_KEYS = (
    "name, source, passes, outputs, dates, universes, plugins, executor, workers, retries, memory, schema_lock, state, "
    "work"
)
MISTAKES = {
    "an unknown key at the top": (
        ONE.replace("name =", "nam =", 1),
        [
            "name is missing (is 'nam' a slip of the pen?): it must be a name of letters, digits, _ and - "
            "(what the pipeline is called)",
            f"nam is no known key (did you mean 'name'?): the keys here are {TOP_KEYS}",
        ],
    ),
    "an unknown key in a pass": (
        ONE + 'evry = "1m"',
        [f"passes.bars.evry is no known key (did you mean 'every'?): the keys here are {PASS_KEYS}"],
    ),
    "a key like no other": (
        ONE + "zzz = 1",
        [f"passes.bars.zzz is no known key: the keys here are {PASS_KEYS}"],
    ),
    "an unknown key in dates": (
        ONE + '[dates]\nform = "2024-01-01"',
        ["dates.form is no known key (did you mean 'from'?): the keys here are from, to, list, calendar"],
    ),
    "an unknown key in plugins": (
        ONE + "[plugins]\nfile = []",
        ["plugins.file is no known key (did you mean 'files'?): the keys here are files, prefer"],
    ),
    "no source, no passes": (
        'name = "p"',
        [
            "source is missing: it must be a table (where tables come from)",
            "passes is missing: it must be a list of tables (the passes, in order)",
        ],
    ),
    "a source without a type": (
        ONE.replace("type", "typ"),
        [
            "source.type is missing (is 'typ' a slip of the pen?): it must be a string "
            "(name of an installed source, as `parquet`)"
        ],
    ),
    "a module entry without a module": (
        ONE + "[[passes.modules]]\nlevels = 1",
        ["passes.bars.modules[0].module is missing: it must be a string (name of an installed module, as `trade`)"],
    ),
    "a number for a string": (ONE + "every = 60", ["passes.bars.every = 60 must be a duration, as '5m'"]),
    "no such choice": (
        ONE + 'label = "ends"',
        ["passes.bars.label = 'ends' must be 'end' or 'start' (did you mean 'end'?)"],
    ),
    "a string for a flag": (ONE + 'weights = "yes"', ["passes.bars.weights = 'yes' must be true or false"]),
    "a table for a list": (
        PLAIN + '[passes]\nname = "bars"',
        ["passes = {…} must be a list of tables"],
    ),
    "a string for a list": (
        ONE + '[plugins]\nfiles = "desk.py"',
        ["plugins.files = 'desk.py' must be a list of strings"],
    ),
    "a value for a table": (ONE.replace('{ type = "parquet" }', "5"), ["source = 5 must be a table"]),
    "own keys of an entry are checked": (
        ONE + '[[passes.modules]]\nmodule = "trade"\nprefix = 5',
        ["passes.bars.modules[0].prefix = 5 must be a string"],
    ),
    "a pass with a name of no use goes by its index": (
        PLAIN + '[[passes]]\nname = "my bars"\nweights = 1',
        [
            "passes[0].name = 'my bars' must be a name of letters, digits, _ and -",
            "passes[0].weights = 1 must be true or false",
        ],
    ),
    "passes of one name go by their index": (
        ONE + '[[passes]]\nname = "bars"\nweights = 1',
        ["passes[1].weights = 1 must be true or false"],
    ),
    "a pass without a name": (
        PLAIN + "[[passes]]\nweights = 1",
        [
            "passes[0].name is missing: it must be a name of letters, digits, _ and - (what the pass is called)",
            "passes[0].weights = 1 must be true or false",
        ],
    ),
    "a name is taken": (
        ONE + '[[passes]]\nname = "bars"',
        ["passes[1].name = 'bars' is taken by passes[0]: rename one of them"],
    ),
    "no passes": (PLAIN + "passes = []", ["passes is empty: add [[passes]] with a name"]),
    "no duration": (
        ONE + 'every = "1 minute"',
        [
            "passes.bars.every: '1 minute' is not a duration: write a number and one of ns, us, ms, s, m, h, d, "
            "as in '5m'"
        ],
    ),
    "a width of nothing": (
        ONE + 'every = "0s"',
        [
            "passes.bars.every = '0s' is no bucket width: it must be a positive whole number of microseconds, "
            "as in '1m' or '250us'"
        ],
    ),
    "a negative width": (
        ONE + 'every = "-1m"',
        [
            "passes.bars.every = '-1m' is no bucket width: it must be a positive whole number of microseconds, "
            "as in '1m' or '250us'"
        ],
    ),
    "a width between microseconds": (
        ONE + 'every = "1500ns"',
        [
            "passes.bars.every = '1500ns' is no bucket width: it must be a positive whole number of microseconds, "
            "as in '1m' or '250us'"
        ],
    ),
    "a duration between nanoseconds": (
        ONE + 'every = "0.5ns"',
        [
            "passes.bars.every: '0.5ns' is not a whole number of nanoseconds: use fewer decimals or a smaller unit",
        ],
    ),
    "no time of day": (
        ONE + 'origin = "25:00"',
        ["passes.bars.origin: '25:00' is no UTC time of day: write it as '09:30' or '09:30:00.5'"],
    ),
    "a time of TOML's own": (
        ONE + "origin = 09:30:00",
        ["passes.bars.origin = 09:30:00 must be a UTC time of day, as '09:30'"],
    ),
    "a time between microseconds": (
        ONE + 'origin = "09:30:00.0000001"',
        ["passes.bars.origin: '09:30:00.0000001' is not a whole number of microseconds: use fewer decimals"],
    ),
    "no states": (
        ONE + "market_states = []",
        ["passes.bars.market_states = [] lets no row count: name a state, or leave the key out"],
    ),
    "an output name that leaves its folder": (
        ONE + '[[outputs]]\ntype = "parquet"\nname = "../x"',
        ["outputs[0].name = '../x' must be a name of letters, digits, _ and -"],
    ),
    "a list of dates beside a range": (
        ONE + "[dates]\nlist = [2024-01-02]\nto = 2024-01-03",
        ["dates.list cannot stand beside dates.to: keep the list, or the range"],
    ),
    "a range that runs backwards": (
        ONE + "[dates]\nfrom = 2024-01-03\nto = 2024-01-02",
        ["dates.to = 2024-01-02 is before dates.from = 2024-01-03: swap them"],
    ),
    "an empty list of dates": (
        ONE + "[dates]\nlist = []",
        ["dates.list = [] names no date: name one, or leave the key out"],
    ),
    "a date named twice": (
        ONE + '[dates]\nlist = [2024-01-02, "2024-01-02"]',
        ["dates.list names 2024-01-02 twice: name it once"],
    ),
    "a stamp for a date": (
        ONE + "[dates]\nfrom = 2024-01-02T00:00:00",
        ["dates.from = 2024-01-02T00:00:00 must be a date, as 2024-01-31"],
    ),
    "a bad date": (
        ONE + '[dates]\nto = "02/01/2024"',
        ["dates.to = '02/01/2024' must be a date, as 2024-01-31"],
    ),
    "many mistakes": (
        ONE + 'label = 1\nclosed = "r"\n[[passes.modules]]\nmodule = 3\n[dates]\nto = 5',
        [
            "passes.bars.label = 1 must be 'end' or 'start'",
            "passes.bars.closed = 'r' must be 'right' or 'left'",
            "passes.bars.modules[0].module = 3 must be a string",
            "dates.to = 5 must be a date",
        ],
    ),
}


@pytest.mark.parametrize(("text", "said"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_one_sentence(tmp_path: Path, text: str, said: list[str]) -> None:
    assert refusals(tmp_path, text) == said


BROKEN = {
    "a value that is missing": ('name = "p"\nsource = \nx = 1', r"line 2, column \d+: no valid TOML: invalid value"),
    "an unclosed string": ('name = "p\n', r"line 1, column 10: no valid TOML: illegal character .*"),
    "a key given twice": ("a = 1\na = 2\n", r"(end of document|line 2, .*): no valid TOML: cannot overwrite a value"),
    "nested too deeply": ("a = " + "[" * 5000, r"no valid TOML: tables or lists are nested too deeply"),
    "a number without end": ("a = " + "1" * 5000, r"no valid TOML: exceeds the limit .*"),
}


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_toml_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (line,) = refusals(tmp_path, text)
    assert re.fullmatch(said, line)


def test_a_file_of_an_editor_that_marks_utf_8_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeff" + ONE).name == "p"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        read_pipeline(tmp_path / "none.toml")
    assert str(caught.value) == f"{tmp_path / 'none.toml'} does not exist: name a .toml or .py file that does"


def test_a_file_of_another_kind_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        read_pipeline(tmp_path / "p.yaml")
    assert str(caught.value) == (
        f"{tmp_path / 'p.yaml'} is no pipeline file: name a .toml file, or a .py file that defines `pipeline`"
    )


@pytest.mark.parametrize("name", ["folder.toml", "latin.toml"])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "latin.toml").write_bytes(b'name = "caf\xe9"')
    with pytest.raises(UserError, match="could not be read as UTF-8 text"):
        read_pipeline(tmp_path / name)
