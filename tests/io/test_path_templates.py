"""Path templates: every variable, and every way out of the root that must be closed."""

import datetime as dt

import attrs
import pytest

from basalt.errors import UserError
from basalt_io.paths import located, place


def test_every_variable_is_filled(tmp_path, target):
    template = "{pipeline}/{output}/{pass}/{year}/{month}/{day}/{date}-{universe}.parquet"
    assert place(tmp_path, template, target) == (tmp_path / "equities/parquet/bars/2024/03/08/2024-03-08-xlon.parquet")


def test_text_without_variables_stays_as_it_is(tmp_path, target):
    assert place(tmp_path, "all {{days}}.parquet", target) == tmp_path / "all {days}.parquet"


def test_different_universes_never_share_a_path(tmp_path, target):
    """'a b' is written 'a%20b', so a universe named 'a%20b' must be written otherwise: '%' itself is '%25'."""
    names = ["a b", "a%20b", "a+b", "A b", ".a", "%2Ea", "=", "é"]
    places = {place(tmp_path, "{universe}.parquet", attrs.evolve(target, universe=name)) for name in names}
    assert len(places) == len(names)
    assert tmp_path / "a%20b.parquet" in places
    assert all(found.parent == tmp_path for found in places)


def test_values_of_dots_stay_inside_the_root(tmp_path, target):
    found = place(tmp_path, "{universe}/x.parquet", attrs.evolve(target, universe=".."))
    assert found == tmp_path / "%2E." / "x.parquet"


def test_a_universe_never_makes_a_hidden_file(tmp_path, target):
    assert place(tmp_path, "{universe}.parquet", attrs.evolve(target, universe=".x")).name == "%2Ex.parquet"


@pytest.mark.parametrize("value", ["a/b", "/etc/passwd", "..\\b", "a\0b", "", "../up"])
def test_a_value_with_a_separator_is_refused(tmp_path, target, value):
    with pytest.raises(UserError, match=r"the universe .* cannot stand in a path"):
        place(tmp_path, "{universe}.parquet", attrs.evolve(target, universe=value))


@pytest.mark.parametrize("template", ["/srv/{date}.parquet", "\\\\host\\{date}.parquet", ""])
def test_an_absolute_template_is_refused(tmp_path, target, template):
    with pytest.raises(UserError, match="must be a path below `root`"):
        place(tmp_path, template, target)


@pytest.mark.parametrize("template", ["../{date}.parquet", "a/../../b.parquet", "a//b.parquet", "./a.parquet", "a/"])
def test_steps_that_lead_elsewhere_are_refused(tmp_path, target, template):
    with pytest.raises(UserError, match=r"has an empty, '\.' or '\.\.' step"):
        place(tmp_path, template, target)


@pytest.mark.parametrize(
    ("template", "asked"),
    [
        ("{listing}.parquet", "{listing}"),
        ("{date:%Y}.parquet", "{date:%Y}"),
        ("{date!r}.parquet", "{date!r}"),
        ("{pass.__class__}.parquet", "{pass.__class__}"),
        ("{universe[0]}.parquet", "{universe[0]}"),
        ("{}.parquet", "{}"),
    ],
)
def test_an_unknown_variable_is_refused_and_the_known_ones_are_listed(tmp_path, target, template, asked):
    with pytest.raises(UserError) as refused:
        place(tmp_path, template, target)
    assert f"names {asked}, which is unknown" in str(refused.value)
    assert "{pipeline}, {pass}, {output}, {date}, {year}, {month}, {day}, {universe}" in str(refused.value)


def test_an_open_brace_is_refused(tmp_path, target):
    with pytest.raises(UserError, match="is no template"):
        place(tmp_path, "{date", target)


def test_a_template_without_a_date_gives_two_dates_one_place(tmp_path, target):
    """The planner refuses two partitions with one place; it compares exactly these paths."""
    other = attrs.evolve(target, date=dt.date(2024, 3, 9))
    assert place(tmp_path, "{pass}.parquet", target) == place(tmp_path, "{pass}.parquet", other)
    assert place(tmp_path, "{pass}/{day}.parquet", target) != place(tmp_path, "{pass}/{day}.parquet", other)


def test_one_folder_under_two_names_gives_one_place(tmp_path, target):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    template = "{date}.parquet"
    assert place(tmp_path / "link", template, target) == place(tmp_path / "real", template, target)


def test_a_relative_root_starts_from_the_pipeline_file(tmp_path):
    assert located(tmp_path, "lake") == tmp_path / "lake"
    assert located(tmp_path, "/lake").as_posix() == "/lake"
