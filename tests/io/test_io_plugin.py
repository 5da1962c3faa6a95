"""What basalt-io registers, and what naming it costs."""

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

from basalt.outputs import Output
from basalt.sources import Source
from basalt_io import plugin

PACKAGE = Path(__file__).resolve().parents[2] / "basalt-io"


def test_every_component_is_what_its_name_says():
    for lazy in plugin.basalt_sources():
        assert issubclass(lazy.load(), Source)
        assert lazy.load().name == lazy.name
    for lazy in plugin.basalt_outputs():
        assert issubclass(lazy.load(), Output)
        assert lazy.load().name == lazy.name


def test_sources_and_outputs_of_the_first_set():
    assert {"parquet", "lobster", "simulator"} <= {lazy.name for lazy in plugin.basalt_sources()}
    assert "parquet" in {lazy.name for lazy in plugin.basalt_outputs()}


def test_naming_components_imports_neither_polars_nor_a_source():
    code = (
        "import sys, basalt_io.plugin as p; p.basalt_sources(); p.basalt_outputs(); "
        "print([m for m in sys.modules if m == 'polars' or m.startswith('basalt_io.s')])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_help_of_the_simulate_command_imports_no_polars():
    code = (
        "import sys; from basalt_io.simulate import simulate; from click.testing import CliRunner; "
        "CliRunner().invoke(simulate, ['--help']); print('polars' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_entry_points_lead_somewhere():
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    for group in project["entry-points"].values():
        for target in group.values():
            module, _, attribute = target.partition(":")
            assert hasattr(import_module(module), attribute) if attribute else import_module(module)
