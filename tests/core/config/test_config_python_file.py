"""Pipelines written in Python: the same objects, checked by the same rules."""

from pathlib import Path

import pytest

from basalt.config.model import ModuleEntry, PipelineConfig
from basalt.config.read import read_pipeline
from basalt.errors import UserError

HEAD = "from basalt.config.model import *\n"
BODY = """PipelineConfig(
    name="p",
    source=SourceEntry(type="parquet", options={"root": "data"}),
    passes=[
        PassConfig(name=f"bars{n}", every=f"{n}m", modules=(ModuleEntry(module="l2", options={"levels": n}),))
        for n in (1, 5)
    ],
    dates=DatesConfig(list_=["2024-01-02"]),
)
"""


def read(folder: Path, text: str, *overrides: str) -> PipelineConfig:
    file = folder / "pipeline.py"
    file.write_text(HEAD + text)
    return read_pipeline(file, overrides)


def refusal(folder: Path, text: str, *overrides: str) -> str:
    with pytest.raises(UserError) as caught:
        read(folder, text, *overrides)
    return str(caught.value).removeprefix(f"{folder / 'pipeline.py'}: ")


@pytest.mark.parametrize("text", [f"pipeline = {BODY}", f"def pipeline():\n    return {BODY}"])
def test_a_pipeline_or_a_function_that_returns_one(tmp_path: Path, text: str) -> None:
    made = read(tmp_path, text)
    assert [(p.name, p.every) for p in made.passes] == [("bars1", "1m"), ("bars5", "5m")]
    assert made.passes[1].modules == [ModuleEntry(module="l2", options={"levels": 5})]
    assert str(made.dates.list_) == "[datetime.date(2024, 1, 2)]"
    assert made.source.options == {"root": "data"}


def test_python_and_toml_give_equal_pipelines(tmp_path: Path) -> None:
    toml = tmp_path / "pipeline.toml"
    toml.write_text(
        'name = "p"\nsource = { type = "parquet", root = "data" }\ndates.list = [2024-01-02]\n'
        '[[passes]]\nname = "bars1"\nevery = "1m"\nmodules = [{ module = "l2", levels = 1 }]\n'
        '[[passes]]\nname = "bars5"\nevery = "5m"\nmodules = [{ module = "l2", levels = 5 }]\n'
    )
    assert read(tmp_path, f"pipeline = {BODY}") == read_pipeline(toml)


def test_overrides_change_it_too(tmp_path: Path) -> None:
    made = read(tmp_path, f"pipeline = {BODY}", "passes.bars5.modules[0].levels=9", "source.root=x")
    assert made.passes[1].modules[0].options == {"levels": 9}
    assert made.source.options == {"root": "x"}


def test_its_objects_are_checked_like_toml(tmp_path: Path) -> None:
    said = refusal(tmp_path, f"pipeline = {BODY}".replace('f"{n}m"', "n").replace('name="p"', "name=None"))
    assert said.splitlines()[0].startswith("name is missing: it must be a name")
    assert said.endswith(": passes.bars5.every = 5 must be a duration, as '5m'")


def test_an_option_may_not_hide_a_key_of_the_engine(tmp_path: Path) -> None:
    said = refusal(tmp_path, f"pipeline = {BODY}".replace('{"levels": n}', '{"prefix": "X"}'))
    assert said == "ModuleEntry has 'prefix' among its options: give it as an argument"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "pipelin = 1",
            "{file} defines no `pipeline` (did you mean 'pipelin'?): assign it a PipelineConfig, or a function "
            "returning one",
        ),
        ("pipeline = {}", "`pipeline` is of type dict: make it a PipelineConfig of basalt.config.model"),
        ("def pipeline(): pass", "`pipeline` is of type NoneType: make it a PipelineConfig of basalt.config.model"),
        ("\nx = 1 / 0", "line 3: raised ZeroDivisionError: division by zero"),
        ("def pipeline():\n    return nosuch", "line 3: raised NameError: name 'nosuch' is not defined"),
        ("x = (", "line 2: raised SyntaxError: '(' was never closed"),
        ("import sys; sys.exit(0)", "line 2: raised SystemExit: 0"),
        ("import nosuchmodule", "line 2: raised ModuleNotFoundError: No module named 'nosuchmodule'"),
        ("def pipeline(x): pass", "raised TypeError: pipeline() missing 1 required positional argument: 'x'"),
    ],
)
def test_a_file_that_gives_no_pipeline_is_told(tmp_path: Path, text: str, said: str) -> None:
    assert refusal(tmp_path, text) == said.format(file=tmp_path / "pipeline.py")


def test_classes_of_the_file_keep_their_annotations(tmp_path: Path) -> None:
    text = (
        "from __future__ import annotations\nfrom typing import get_type_hints\n"
        "class A:\n    x: A\nassert get_type_hints(A)\n" + HEAD + f"pipeline = {BODY}"
    )
    file = tmp_path / "annotated.py"
    file.write_text(text)
    assert read_pipeline(file).name == "p"
