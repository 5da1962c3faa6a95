"""Printing rows: the same values in every format, and nothing cut or wrapped where no terminal is."""

import json
from datetime import UTC, date, datetime, timedelta

import click
import pytest
from click.testing import CliRunner

from basalt.cli.output import emit, format_option, narrate
from basalt.columns import Unit

ROWS = [
    {"name": "TradeTotalVolume", "unit": Unit.SHARES, "rows": 390, "value": 613248.0, "day": date(2012, 6, 21)},
    {"name": "long " * 60, "unit": None, "rows": None, "value": 222.64013815, "hidden": True},
]


def test_a_table_has_columns_of_one_width_and_numbers_to_the_right(capsys):
    emit([{"name": "bars", "rows": 390}, {"name": "l", "rows": 1.5}], "table")
    assert capsys.readouterr().out == "name  rows\nbars   390\nl      1.5\n"


def test_a_table_off_a_terminal_is_never_wrapped_or_cut(capsys):
    emit(ROWS, "table")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[2].startswith(("long " * 60).strip())
    assert len(lines[2]) > 290


def test_columns_choose_and_order_what_is_printed(capsys):
    emit(ROWS, "csv", ["day", "rows"])
    assert capsys.readouterr().out == "day,rows\n2012-06-21,390\n,\n"


def test_json_keeps_types_and_nulls(capsys):
    emit(ROWS, "json", ["name", "unit", "rows", "value", "day", "hidden"])
    first, second = json.loads(capsys.readouterr().out)
    assert first == {
        "name": "TradeTotalVolume",
        "unit": "shares",
        "rows": 390,
        "value": 613248.0,
        "day": "2012-06-21",
        "hidden": None,
    }
    assert (second["unit"], second["rows"], second["hidden"]) == (None, None, True)


def test_a_number_that_is_none_is_null_in_json(capsys):
    emit([{"x": float("nan"), "y": float("inf")}], "json")
    assert json.loads(capsys.readouterr().out) == [{"x": None, "y": None}]


def test_csv_keeps_all_digits_and_quotes_what_needs_it(capsys):
    emit([{"a": 0.1 + 0.2, "b": 'say "x", twice', "c": ["l2", "trades"]}], "csv")
    assert capsys.readouterr().out == 'a,b,c\n0.30000000000000004,"say ""x"", twice","l2, trades"\n'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (0.1 + 0.2, "0.3"),
        (datetime(2012, 6, 21, 13, 30, tzinfo=UTC), "2012-06-21T13:30:00+00:00"),
        (timedelta(seconds=5), "5s"),
        (("a", 1), "a, 1"),
        ("two\nlines", "two lines"),
    ],
)
def test_a_cell_of_a_table_is_one_line_of_plain_text(capsys, value, text):
    emit([{"value": value, "end": "|"}], "table")
    assert capsys.readouterr().out.splitlines()[1].split("|")[0].strip() == text


@pytest.mark.parametrize(("format", "text"), [("table", "a  b\n"), ("json", "[]\n"), ("csv", "a,b\n")])
def test_no_rows_are_still_an_answer(capsys, format, text):
    emit([], format, ["a", "b"])
    assert capsys.readouterr().out == text


def test_no_rows_and_no_columns_print_nothing_in_a_table(capsys):
    emit([], "table")
    assert capsys.readouterr().out == ""


def test_narration_goes_to_stderr(capsys):
    narrate("reading trades")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "reading trades\n")


def test_the_format_option_takes_three_formats_and_no_other():
    @click.command()
    @format_option
    def show(format: str) -> None:
        emit([{"a": 1}], format)

    assert CliRunner().invoke(show, []).output == "a\n1\n"
    assert CliRunner().invoke(show, ["--format", "csv"]).output == "a\n1\n"
    assert CliRunner().invoke(show, ["--format", "xml"]).exit_code == 2
