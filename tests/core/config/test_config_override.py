"""`--set KEY=VALUE`: what it changes, and what it refuses."""

from pathlib import Path
from typing import Any

import pytest

from basalt.config.model import PipelineConfig
from basalt.config.override import override
from basalt.config.read import read_pipeline
from basalt.errors import UserError

TEXT = """
name = "p"
[source]
type = "parquet"
root = "data"
[[outputs]]
type = "parquet"
[[passes]]
name = "bars"
every = "1m"
[[passes.modules]]
module = "l2"
levels = 3
[[passes.modules]]
module = "trade"
[[passes]]
name = "quarter"
every = "15m"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pipeline.toml"
    path.write_text(TEXT)
    return path


def changed(file: Path, *overrides: str) -> PipelineConfig:
    return read_pipeline(file, overrides)


def refusal(file: Path, *overrides: str) -> str:
    with pytest.raises(UserError) as caught:
        read_pipeline(file, overrides)
    return str(caught.value)


def test_a_pass_goes_by_its_name(file: Path) -> None:
    made = changed(file, "passes.quarter.every=5m")
    assert [p.every for p in made.passes] == ["1m", "5m"]


def test_a_pass_goes_by_its_index(file: Path) -> None:
    assert [p.every for p in changed(file, "passes[0].every=5m").passes] == ["5m", "15m"]


def test_a_module_goes_by_its_index(file: Path) -> None:
    made = changed(file, "passes.bars.modules[0].levels=[1, 5]", "passes.bars.modules[1].prefix=X")
    assert made.passes[0].modules[0].options == {"levels": [1, 5]}
    assert made.passes[0].modules[1].prefix == "X"


def test_options_of_a_source_are_set(file: Path) -> None:
    made = changed(file, "source.root=s3://bucket/a=b", "source.new = 3")
    assert made.source.options == {"root": "s3://bucket/a=b", "new": 3}


def test_a_table_that_is_not_there_is_made(file: Path) -> None:
    assert str(changed(file, "dates.from=2024-01-02").dates.from_) == "2024-01-02"


def test_a_later_override_wins(file: Path) -> None:
    assert changed(file, "name=a", "name=b").name == "b"


VALUES = {
    "5": 5,
    "5m": "5m",
    "true": True,
    "True": "True",
    "[1, 2]": [1, 2],
    '"5"': "5",
    "0.5": 0.5,
    "{ a = 1 }": {"a": 1},
    "09:30:00": "09:30:00",
    "": "",
    "a b": "a b",
    "1\nb = 2": "1\nb = 2",
    "'": "'",
    "#": "#",
}


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_a_value_is_what_toml_says_else_a_string(text: str, value: Any) -> None:
    tree: dict[str, Any] = {}
    override(tree, f"x.y={text}")
    assert tree == {"x": {"y": value}}


def test_a_quoted_key_may_hold_anything() -> None:
    tree: dict[str, Any] = {"a": [{"name": "x y"}, {"name": "z"}]}
    override(tree, 'a."x y"."p.q"=1')
    assert tree == {"a": [{"name": "x y", "p.q": 1}, {"name": "z"}]}


REFUSED = {
    "passes.bar.every=5m": "there is no passes.bar (did you mean 'bars'?): known here: 'bars' and 'quarter'",
    "passes.0.every=5m": "there is no passes.0: known here: 'bars' and 'quarter'",
    "passes[2].every=5m": "passes[2] does not exist, passes has 2 entries, counted from 0",
    "passes.bars.modules[2].x=1": "passes.bars.modules[2] does not exist, passes.bars.modules has 2 entries, "
    "counted from 0",
    "passes.bars.modules.l2.x=1": "the entries of passes.bars.modules have no names, write passes.bars.modules[0] "
    "for the first",
    "name.x=1": "name is 'p', which has no key 'x'",
    "name[0]=1": "name is 'p', which has no [0]",
    "source[0]=1": "source is a table, which has no [0]",
    "passes.bars.every.x=1": "passes.bars.every is '1m', which has no key 'x'",
}


@pytest.mark.parametrize(("text", "said"), REFUSED.items())
def test_a_target_that_is_not_there_is_refused(file: Path, text: str, said: str) -> None:
    assert refusal(file, text) == f"--set {text}: {said}"


@pytest.mark.parametrize("text", ["name", "=1", "a..b=1", ".a=1", "a.=1", "[0]=1", "a[x]=1", "a[-1]=1", "a b=1", ""])
def test_what_is_no_override_is_refused(file: Path, text: str) -> None:
    assert refusal(file, text) == (
        f"--set {text}: write KEY=VALUE, as passes.bars.every=5m or passes.bars.modules[0].levels=[1, 5]"
    )


def test_an_overridden_value_is_checked_like_the_files_and_told_as_the_users(file: Path) -> None:
    assert refusal(file, "passes.bars.every=5") == (
        "--set passes.bars.every=5: passes.bars.every = 5 must be a duration, as '5m'"
    )
    assert refusal(file, "passes[0].evry=5m").startswith(
        "--set passes[0].evry=5m: passes.bars.evry is no known key (did you mean 'every'?): "
    )
    assert refusal(file, "passes.bars.every=0s").startswith(
        "--set passes.bars.every=0s: passes.bars.every = '0s' is no bucket width: "
    )


def test_a_mistake_of_the_files_stays_the_files(file: Path) -> None:
    file.write_text(TEXT + "weights = 1\n")
    assert refusal(file, "passes.bars.every=5m") == f"{file}: passes.quarter.weights = 1 must be true or false"


def test_an_override_on_several_lines_is_told_on_one(file: Path) -> None:
    assert refusal(file, "name=a\nb") == ("--set name=a b: name = 'a\\nb' must be a name of letters, digits, _ and -")


def test_two_passes_of_one_name_are_not_told_apart(file: Path) -> None:
    file.write_text(TEXT.replace('"quarter"', '"bars"'))
    assert refusal(file, "passes.bars.every=5m") == (
        "--set passes.bars.every=5m: there is more than one passes.bars: known here: 'bars' and 'bars'"
    )
