"""Universe functions: what they may return, and whose fault it is where they fail."""

import sys
from datetime import date

import polars as pl
import pytest

from basalt.errors import PluginError
from basalt.tables import BUILT_IN

DAY, NEXT = date(2026, 1, 5), date(2026, 1, 6)
SCHEMAS = {table.name: table for table in BUILT_IN}


@pytest.mark.parametrize(
    "body",
    [
        "return [30, 10, 30]",
        "return (30, 10)",
        "return {30, 10}",
        "yield 30; yield 10",
        "return (i for i in (30, 10))",
        "return {30: 1, 10: 2}.keys()",
        "return reference.filter(MIC='XLON')",
        "return reference.lazy().filter(MIC='XLON')",
        "return reference.filter(MIC='XLON')['ListingId']",
        "return pl.Series([30, 10], dtype=pl.UInt16)",
        "return ['30', '10']",
    ],
)
def test_what_a_function_may_return(market, body):
    found = market.one(python=market.function(body)).members(market.source, SCHEMAS, DAY)
    assert (found.to_list(), found.dtype) == ([10, 30], pl.Int64)


@pytest.mark.parametrize("body", ["return []", "yield from ()", "return reference.clear()"])
def test_a_function_may_return_no_listing(market, body):
    found = market.one(python=market.function(body)).members(market.source, SCHEMAS, DAY)
    assert (found.to_list(), found.dtype) == ([], pl.Int64)


def test_a_function_gets_the_date_and_every_column_of_reference(market):
    body = "return [date.day * 10 + len(reference.columns), reference.height]"
    assert market.members(python=market.function(body)) == [4, 53]


def test_members_of_a_function_that_reference_lacks_and_nulls_are_noted(market):
    keys = {"python": market.function("return [10, None, 99]")}
    assert market.members(**keys) == [10, 99]
    assert market.notes(**keys) == [
        ("rows without a ListingId name no member", 1, None),
        ("members that table reference does not have; they are computed all the same", 1, "99"),
    ]


@pytest.mark.parametrize(
    ("body", "returned"),
    [
        ("pass", "nothing"),
        ("return 10", "a value of type int"),
        ("return 'XLON'", "a value of type str"),
        ("return {10: True}", "a value of type dict"),
        ("return reference.select('MIC')", "a DataFrame of MIC"),
        ("return [10, 'VOD']", "a list of values of several types"),
    ],
)
def test_a_function_that_returns_no_listings_is_at_fault(market, body, returned):
    assert market.failure(python=market.function(body)) == (
        f"universes.x.python = 'desk.py:liquid' returned {returned} for 2026-01-05: return a list, a Series, or a "
        "DataFrame with ListingId"
    )


@pytest.mark.parametrize("body", ["return [1.5]", "return [True]", "return [[10]]", "return [object()]"])
def test_a_function_that_returns_other_values_is_at_fault(market, body):
    said = market.failure(python=market.function(body))
    assert said.startswith("universes.x.python = 'desk.py:liquid' has ListingIds of type ")
    assert said.endswith("those of this run are Int64: write whole numbers (for 2026-01-05)")


def test_a_function_that_returns_text_that_is_no_listing_is_at_fault(market):
    assert "has 'VOD' as a ListingId" in market.failure(python=market.function("return ['VOD']"))


@pytest.mark.parametrize("body", ["raise ValueError('no\\nindex')", "yield 10; raise ValueError('no\\nindex')"])
def test_a_function_that_raises_is_named_with_its_place(market, body):
    said = market.failure(python=market.function(body))
    assert said == (
        f"universes.x.python = 'desk.py:liquid' raised ValueError: no index at {market.folder}/desk.py:4 for "
        "2026-01-05: mend it"
    )


def test_a_function_that_leaves_the_program_is_at_fault(market):
    assert "raised SystemExit: 3 at " in market.failure(python=market.function("raise SystemExit(3)"))


def test_what_a_function_prints_is_no_data(market, capsys):
    market.write("desk.py", "print('loaded')\ndef liquid(reference, date):\n    print('called')\n    return [10]\n")
    assert market.members(python="desk.py:liquid") == [10]
    out, err = capsys.readouterr()
    assert (out, err) == ("", "loaded\ncalled\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("liquid", "names no function: write it as 'module:function' or 'file.py:function'"),
        ("desk.py:", "names no function: write it as 'module:function' or 'file.py:function'"),
        ("desk.py:liqid", "does not exist: desk.py has no function 'liqid' (did you mean 'liquid'?)"),
        ("desk.py:LIMIT", "does not exist: desk.py has no function 'LIMIT'"),
        ("no.py:liquid", "does not exist: there is no file {folder}/no.py"),
        (
            "no_such.module:f",
            "does not exist: there is no module 'no_such'; install it, or write 'file.py:function' for a file beside "
            "the pipeline",
        ),
        ("json:no", "does not exist: json has no function 'no'"),
        (
            "desk.py:other",
            "takes (reference), and is called with (reference, date): too many positional arguments",
        ),
    ],
)
def test_a_function_that_cannot_be_called_is_refused_while_planning(market, text, said):
    market.function("return []\nLIMIT = 3\ndef other(reference): ...")
    said = said.format(folder=market.folder)
    assert market.refusal(python=text) == f"universes.x.python = {text!r} {said}"


@pytest.mark.parametrize(
    ("code", "raised"),
    [
        ("import scipyy", "ModuleNotFoundError: No module named 'scipyy' at {file}:1"),
        ("x = (", "SyntaxError: '(' was never closed (desk.py, line 1) at {file}:1"),
    ],
)
def test_code_that_fails_to_load_is_at_fault_while_planning(market, code, raised):
    file = market.write("desk.py", code + "\n")
    said = market.refusal(PluginError, python="desk.py:liquid")
    assert said == f"universes.x.python = 'desk.py:liquid' raised {raised.format(file=file)}: mend it"


def test_a_function_of_an_installed_module(market, monkeypatch):
    package = market.folder / "site" / "desk_sets"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "uk.py").write_text(
        "class Sets:\n    @staticmethod\n    def small(reference, date):\n        return [10]\n"
    )
    monkeypatch.syspath_prepend(package.parent)
    try:
        assert market.members(python="desk_sets.uk:Sets.small") == [10]
        assert market.fingerprint(python="desk_sets.uk:Sets.small")
        assert market.refusal(python="desk_sets.fr:f").startswith(
            "universes.x.python = 'desk_sets.fr:f' does not exist: there is no module 'desk_sets.fr';"
        )
    finally:
        for name in ("desk_sets", "desk_sets.uk"):
            sys.modules.pop(name, None)


def test_classes_of_a_file_know_their_module(market):
    market.write(
        "desk.py",
        "import attrs\n@attrs.frozen\nclass Rule:\n    least: int\n"
        "def liquid(reference, date):\n    attrs.resolve_types(Rule)\n    return [Rule(10).least]\n",
    )
    assert market.members(python="desk.py:liquid") == [10]


def test_a_function_changed_in_between_is_the_one_that_runs(market):
    made = market.one(python=market.function("return [10]"))
    market.function("return [20]")
    assert made.members(market.source, SCHEMAS, DAY).to_list() == [20]


def test_fingerprints_of_a_function_change_with_its_file_and_with_reference(market, trades):
    keys = {"python": market.function("return [10]")}
    first = market.fingerprint(**keys)
    assert market.fingerprint(**keys) == first
    market.write("unrelated.py", "x = 1\n")
    market.more["trades"] = trades
    assert market.fingerprint(**keys) == first
    market.function("return [10]  # the same, and other code")
    changed = market.fingerprint(**keys)
    assert changed != first
    market.reference = market.reference.with_columns(IsPrimary=True)
    assert market.fingerprint(**keys) not in (first, changed)


def test_two_functions_of_one_file_have_two_fingerprints(market):
    market.function("return []\ndef other(reference, date): return []")
    assert market.fingerprint(python="desk.py:liquid") != market.fingerprint(python="desk.py:other")
