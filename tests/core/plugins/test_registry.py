"""What the plugins offer by name: who wins, what is missing and who may have it."""

from types import SimpleNamespace

import pytest

from basalt import BucketModule, Lazy, TableSchema, hookimpl
from basalt.errors import PluginError, UserError
from basalt.plugins import Registry, Switches, open_registry

OFFER = """
from basalt import BucketModule, hookimpl

class {cls}(BucketModule):
    '''{doc}

    More of it.
    '''
    name = "{name}"
    table = "trades"

@hookimpl
def basalt_analytics():
    return [{cls}]
"""
BROKEN = "import scipyy\n"


def offer(name: str, doc: str = "A desk's own.") -> str:
    return OFFER.format(cls=name.title(), name=name, doc=doc)


def opened(site, **given) -> Registry:
    return open_registry(**({"switches": Switches()} | given))


def plugin(**hooks) -> SimpleNamespace:
    return SimpleNamespace(**{f"basalt_{kind}": hookimpl(function) for kind, function in hooks.items()})


def test_a_component_is_known_by_name_summary_and_owner_and_loads(site):
    site.plugin("acme-desk", offer("spread", doc="What crossing cost."), version="1.2")
    component = opened(site).get("analytics", "spread")
    assert (component.name, component.kind, component.summary) == ("spread", "analytics", "What crossing cost.")
    assert (component.owner.distribution, component.owner.version) == ("acme-desk", "1.2")
    assert component.load().table == "trades"
    assert component.rivals == ()


def test_naming_a_lazy_component_imports_nothing_of_it(site):
    source = """
        from basalt import Lazy, hookimpl
        @hookimpl
        def basalt_analytics():
            return [Lazy("heavy", "acme_heavy:Heavy", "Takes long to import."), Lazy("gone", "acme_gone:Gone", "Gone.")]
    """
    heavy = """
        from basalt import BucketModule
        class Heavy(BucketModule):
            name, table = "heavy", "trades"
    """
    site.plugin("acme-desk", source)
    (site.folder / "acme_heavy.py").write_text(__import__("textwrap").dedent(heavy))
    registry = opened(site)
    assert {"gone", "heavy"} < set(registry.names("analytics"))
    assert "acme_heavy" not in __import__("sys").modules
    assert issubclass(registry.get("analytics", "heavy").load(), BucketModule)
    with pytest.raises(PluginError) as raised:
        registry.get("analytics", "gone").load()
    assert str(raised.value) == (
        "acme-desk 1.0 [desk] could not give its analytics module 'gone': "
        "ModuleNotFoundError: No module named 'acme_gone'; "
        "try basalt plugins disable acme-desk, or tell its author with: basalt plugins doctor --format json"
    )
    assert (raised.value.exit_code, type(raised.value.__cause__)) == (1, ModuleNotFoundError)


def test_a_broken_plugin_is_reported_once_and_the_others_go_on(site):
    site.plugin("acme-broken", BROKEN)
    site.plugin("acme-desk", offer("spread"))
    told = []
    registry = opened(site, report=told.append)
    assert registry.get("analytics", "spread").name == "spread"
    registry.names("sources")
    assert [f.found.distribution for f in told if f.found.distribution.startswith("acme")] == ["acme-broken"]
    assert told == registry.failed


def test_a_hook_that_raises_makes_its_plugin_failed_when_it_is_called(site):
    site.plugin("acme-desk", "from basalt import hookimpl\n@hookimpl\ndef basalt_outputs():\n    return 1 / 0\n")
    registry = opened(site)
    assert "acme-desk" not in [f.found.distribution for f in registry.failed]
    assert registry.names("outputs") == registry.names("outputs")
    [failed] = [f for f in registry.failed if f.found.distribution == "acme-desk"]
    assert (failed.what, failed.cause) == (
        "raised in basalt_outputs",
        "ZeroDivisionError: division by zero at acme_desk.py:4",
    )


def test_strict_makes_any_failure_an_error_with_exit_code_3(site):
    site.plugin("acme-broken", BROKEN)
    with pytest.raises(PluginError, match=r"^acme-broken") as raised:
        opened(site, strict=True)
    assert raised.value.exit_code == 3


def test_strict_holds_for_hooks_that_are_called_later():
    registry = Registry(strict=True)
    registry.loaded = Registry.of({"acme": plugin(outputs=lambda: 1 / 0)}).loaded
    with pytest.raises(PluginError, match=r"acme \[acme\] raised in basalt_outputs: ZeroDivisionError") as raised:
        registry.names("outputs")
    assert raised.value.exit_code == 3


def test_one_name_from_two_distributions_is_refused_naming_both_and_both_ways_out(site):
    site.plugin("acme-desk", offer("spread"))
    site.plugin("bolt-desk", offer("spread"), version="2.0")
    registry = opened(site)
    assert [
        (c.owner.distribution, [r.distribution for r in c.rivals])
        for c in registry.components("analytics")
        if c.name == "spread"
    ] == [("acme-desk", ["bolt-desk"]), ("bolt-desk", ["acme-desk"])]
    assert registry.names("analytics").count("spread") == 1
    with pytest.raises(UserError) as raised:
        registry.get("analytics", "spread")
    assert str(raised.value) == (
        "analytics module 'spread' is offered by acme-desk 1.0 [desk] and by bolt-desk 2.0 [desk]: "
        'uninstall one of them, or choose with [plugins] prefer = {spread = "acme-desk"}'
    )


def test_prefer_settles_it_and_uninstalling_does(site):
    site.plugin("acme-desk", offer("spread"))
    site.plugin("bolt-desk", offer("spread", doc="Bolt's own."))
    registry = opened(site, prefer={"spread": "Bolt_Desk"})
    assert registry.get("analytics", "spread").summary == "Bolt's own."
    assert registry.get("analytics", "spread").load().__module__ == "bolt_desk"
    assert [c.owner.distribution for c in registry.components("analytics") if c.name == "spread"] == ["bolt-desk"]
    for file in (site.folder / "acme_desk-1.0.dist-info").iterdir():
        file.unlink()
    assert opened(site).get("analytics", "spread").owner.distribution == "bolt-desk"


def test_a_pipelines_preference_goes_before_that_of_the_switches(site):
    site.plugin("acme-desk", offer("spread"))
    site.plugin("bolt-desk", offer("spread"))
    registry = opened(site, switches=Switches(prefer={"spread": "acme-desk"}), prefer={"spread": "bolt-desk"})
    assert registry.get("analytics", "spread").owner.distribution == "bolt-desk"


def test_preferring_a_distribution_that_does_not_offer_the_name_is_refused(site):
    """Taking the one that does offer it would answer with another desk's numbers."""
    site.plugin("acme-desk", offer("spread"))
    with pytest.raises(UserError) as raised:
        opened(site, prefer={"spread": "desk-spread"}).get("analytics", "spread")
    assert str(raised.value) == (
        "[plugins] prefer takes 'spread' from desk-spread, which does not offer it: "
        "it is offered by acme-desk 1.0 [desk]; install desk-spread or mend prefer"
    )


def test_a_preference_for_an_output_leaves_the_source_of_that_name_alone():
    outputs = lambda: [Lazy("tape", "x:Y", "")]  # noqa: E731
    plugins = {
        "acme": plugin(sources=outputs, outputs=outputs),
        "bolt": plugin(outputs=outputs),
    }
    registry = Registry.of(plugins, prefer={"tape": "bolt"})
    assert registry.get("outputs", "tape").owner.distribution == "bolt"
    assert registry.get("sources", "tape").owner.distribution == "acme"


def test_an_unknown_name_says_what_is_near_and_who_may_have_it(site):
    site.plugin("acme-desk", offer("spread"))
    site.plugin("acme-broken", BROKEN)
    site.plugin("acme-new", "", group="basalt.v2")
    site.plugin("acme-off", offer("sprawl"))
    registry = opened(site, switches=Switches(("acme-off",), file="basalt.toml"))
    with pytest.raises(UserError) as raised:
        registry.get("analytics", "spraed")
    sentence = str(raised.value)
    assert sentence.startswith("there is no analytics module 'spraed'; did you mean 'spread'?; ")
    assert "acme-broken 1.0 [broken] could not be imported and may offer it (ModuleNotFoundError: " in sentence
    assert "acme-new 1.0 [new] needs plugin API 2, this is 1, and may offer it" in sentence
    assert "acme-off 1.0 [off] is disabled in basalt.toml: basalt plugins enable acme-off, and may offer it" in sentence


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (
            "analytics",
            "there is no analytics module 'x'; no analytics module is installed: pip install basalt-analytics",
        ),
        ("sources", "there is no source 'x'; no source is installed: pip install basalt-io"),
        ("outputs", "there is no output 'x'; no output is installed: pip install basalt-io"),
        ("executors", "there is no executor 'x'"),
    ],
)
def test_where_nothing_of_the_kind_is_installed_it_says_what_to_install(kind, sentence):
    with pytest.raises(UserError) as raised:
        Registry.of({}).get(kind, "x")
    assert (str(raised.value), raised.value.exit_code) == (sentence, 2)


def test_order_is_by_name_and_distribution_never_by_registration():
    tables = {
        name: plugin(tables=lambda n=name: [TableSchema(f"t_{n}", "", []), TableSchema("z", "", [])])
        for name in ("bolt", "acme")
    }
    components = Registry.of(tables).components("tables")
    assert [(c.name, c.owner.distribution) for c in components] == [
        ("t_acme", "acme"),
        ("t_bolt", "bolt"),
        ("z", "acme"),
        ("z", "bolt"),
    ]


def test_hooks_are_called_once_and_only_for_the_kind_asked():
    calls = []
    registry = Registry.of(
        {"acme": plugin(tables=lambda: calls.append("tables") or [], sources=lambda: calls.append("sources") or [])}
    )
    assert registry.names("tables") == registry.names("tables") == []
    assert calls == ["tables"]


def generator():
    yield 1


@pytest.mark.parametrize(
    ("kind", "answer", "message"),
    [
        ("tables", None, "basalt_tables must return a list of components, not None"),
        ("tables", "trades", "basalt_tables must return a list of components, not 'trades'"),
        ("tables", [int], "int is not a table"),
        ("outputs", [int], "int is not an output"),
        ("analytics", [generator], "generator is not an analytics module, put @analytic above it"),
        ("analytics", [type("Nameless", (BucketModule,), {})], "Nameless has no name: give the class a `name`"),
        ("sources", [Lazy("a", "x:Y", ""), Lazy("a", "x:Z", "")], "basalt_sources returns a twice"),
    ],
)
def test_nonsense_from_a_hook_is_the_plugins_failure(kind, answer, message):
    registry = Registry.of({"acme": plugin(**{kind: lambda: answer})})
    assert registry.names(kind) == []
    assert [(f.what, f.message) for f in registry.failed] == [(f"raised in basalt_{kind}", message)]


def test_a_lazy_name_that_the_class_does_not_have_is_the_plugins_fault():
    offered = Lazy("trade", "basalt.modules:BucketModule", "")
    component = Registry.of({"acme": plugin(analytics=lambda: [offered])}).get("analytics", "trade")
    with pytest.raises(PluginError, match="BucketModule has no name"):
        component.load()


def test_an_observer_that_raises_is_reported_once_and_silent_from_then_on():
    seen, told = [], []

    def good(event):
        seen.append(event)

    def bad(event):
        seen.append(f"bad {event}")
        raise KeyError(event)

    registry = Registry.of({"acme": plugin(run_event=good), "bolt": plugin(run_event=bad)})
    registry.report = told.append
    observers = registry.observers()
    for event in (1, 2):
        for observe in observers:
            observe(event)
    assert seen == [1, "bad 1", 2]
    assert [(f.found.distribution, f.what, f.error) for f in told] == [
        ("bolt", "raised in basalt_run_event", "KeyError")
    ]


def test_a_file_is_a_plugin_beside_the_installed_ones_and_cannot_be_disabled_by_name(site):
    file = site.work / "desk.py"
    file.write_text(offer("spread"))
    registry = opened(site, files=[file, file], switches=Switches(("desk.py",)))
    component = registry.get("analytics", "spread")
    assert (component.owner.distribution, component.owner.place) == ("desk.py", file)
    assert component.rivals == ()


def test_a_file_that_is_not_there_is_the_users_error(site):
    with pytest.raises(UserError, match=r"there is no plugin file .*gone.py: mend the path"):
        opened(site, files=[site.work / "gone.py"])


def test_two_files_of_one_name_are_two_plugins(site):
    for folder in ("a", "b"):
        (site.work / folder).mkdir()
        (site.work / folder / "desk.py").write_text(offer(f"spread_{folder}"))
    registry = opened(site, files=[site.work / "a" / "desk.py", site.work / "b" / "desk.py"])
    assert {"spread_a", "spread_b"} < set(registry.names("analytics"))
