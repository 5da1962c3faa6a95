"""What the browser says of a column and of a module, taken from the declarations themselves."""

from datetime import date
from types import SimpleNamespace

from rich.console import Console

from basalt import Lazy, hookimpl
from basalt.plugins.registry import Registry, open_registry
from basalt_ui.schema_browser.detail import rendered, toml
from basalt_ui.schema_browser.items import Item, installed_items, planned_items


def _text(item: Item, width: int = 70) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(rendered(item.explain()))
    return captured.get()


def _only(items: list[Item], name: str, pass_name: str | None = None) -> Item:
    (found,) = [item for item in items if item.name == name and item.pass_name == pass_name]
    return found


def test_a_column_is_explained_with_everything_its_author_declared(registry):
    explained = _only(installed_items(registry), "TradeTotalVWAP").explain()
    assert explained["unit"] == "price"
    assert explained["formula"] == "Σ P·q / Σ q"
    assert explained["rollup over time"] == "mean weighted by TradeTotalVolume"
    assert explained["citation"] == "Berkowitz, Logue & Noser 1988"
    assert explained["made by"] == {"module": "trade"}
    assert explained["plugin"].startswith("basalt-analytics")
    assert {"what", "sign", "null rule", "rollup over listings", "known", "dtype"} <= set(explained)


def test_a_desks_column_is_explained_like_one_of_ours(desk_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = _text(_only(installed_items(open_registry([desk_file])), "DeskClipSize"))
    for line in (
        "what                  Mean size of the bucket's trades.",
        "formula               Σ q / n",
        "unit                  shares",
        "sign                  always positive",
        "citation              Desk 2026",
        "plugin                desk.py",
        'module = "desk_clip"',
        "└── Size: shares traded",
    ):
        assert line in text


def test_long_values_wrap_beside_their_label(registry):
    lines = _text(_only(installed_items(registry), "TradeTotalVWAP"), width=60).splitlines()
    assert max(map(len, lines)) <= 60
    first = lines.index(next(line for line in lines if line.startswith("what")))
    assert lines[first + 1].startswith(" " * 22)


def test_a_module_is_explained_with_options_and_columns(registry):
    item = _only(installed_items(registry), "trade")
    explained = item.explain()
    assert item.unit == "module"
    assert explained["reads"] == "trades"
    assert "TradeTotalVWAP" in explained["columns"]
    assert "where" in dict(explained["options"])


def test_a_module_without_columns_of_its_own_says_what_they_depend_on(registry):
    explained = _only(installed_items(registry), "generic").explain()
    assert explained["columns"] == "depend on its options, or on the earlier pass it reads"


def test_a_module_that_cannot_be_loaded_is_listed_with_the_reason():
    broken = SimpleNamespace(basalt_analytics=hookimpl(lambda: [Lazy("vpin", "no_such_thing:Vpin", "Toxicity.")]))
    explained = _only(installed_items(Registry.of({"acme": broken})), "vpin").explain()
    assert explained["reads"] == "could not be loaded"
    assert "No module named 'no_such_thing'" in explained["options"]


def test_a_module_that_two_plugins_offer_says_so_and_how_to_choose():
    plugins = {
        name: SimpleNamespace(basalt_analytics=hookimpl(lambda: [Lazy("vpin", "no_such_thing:Vpin", "Toxicity.")]))
        for name in ("acme", "desk")
    }
    items = [item for item in installed_items(Registry.of(plugins)) if item.name == "vpin"]
    assert items
    for item in items:
        said = item.explain()["options"]
        assert "acme" in said
        assert "desk" in said


def test_nothing_installed_lists_nothing():
    assert installed_items(Registry.of({})) == []


def test_a_pipelines_columns_are_listed_by_pass_with_the_configuration_that_made_them(plan, registry):
    items = planned_items(plan, registry)
    bars = _only(items, "MyTradeTotalVWAP", "bars").explain()
    assert bars["made by"] == {"module": "trade", "prefix": "My"}
    assert bars["pass"] == "bars: every 1m, label end, closed right"
    assert 'prefix = "My"' in _text(_only(items, "MyTradeTotalVWAP", "bars"))


def test_only_modules_that_the_pipeline_uses_are_listed(plan, registry):
    assert [i.name for i in planned_items(plan, registry) if i.unit == "module"] == ["generic", "trade"]


def test_lineage_follows_earlier_passes_down_to_the_tables(plan, registry):
    (top,) = _only(planned_items(plan, registry), "MyTradeTotalVWAP", "quarter").explain()["reads"]
    assert top.text == "pass bars"
    vwap = next(node for node in top.below if node.text == "MyTradeTotalVWAP")
    (table,) = vwap.below
    assert table.text == "table trades"
    assert sorted(node.text.partition(":")[0] for node in table.below) == ["Price", "Size"]


def test_options_are_written_as_they_stand_in_a_pipeline_file():
    options = {
        "module": "trade",
        "weights": True,
        "levels": [1, 5],
        "since": date(2026, 1, 5),
        "nothing": None,
        "aggregations": {"Spread*": "mean"},
        "generic": [{"measures": ["VWAP"], "sides": ["Total", "Buy"]}],
    }
    assert toml(options).splitlines() == [
        'module = "trade"',
        "weights = true",
        "levels = [1, 5]",
        "since = 2026-01-05",
        'aggregations = { "Spread*" = "mean" }',
        'generic = [{ measures = ["VWAP"], sides = ["Total", "Buy"] }]',
    ]
