"""docs/reference says what the code declares."""

import importlib.util
from pathlib import Path

import pytest

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"


@pytest.fixture(scope="module")
def generated():
    spec = importlib.util.spec_from_file_location("generate", REFERENCE / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pages()


@pytest.mark.parametrize("name", ["commands.md", "configuration.md", "metrics.md", "tables.md"])
def test_a_page_is_in_step_with_the_code(generated, name):
    written = (REFERENCE / name).read_text()
    assert written == generated[name], "out of step: uv run nox -s reference"


def test_there_is_no_page_that_nobody_writes(generated):
    assert {page.name for page in REFERENCE.glob("*.md")} == set(generated)


def test_pages_name_every_command_module_and_table(generated):
    assert "## basalt pipeline run" in generated["commands.md"]
    assert "## basalt data simulate" in generated["commands.md"]
    assert "| `TradeTotalVWAP` | price | Σ P·q / Σ q |" in generated["metrics.md"]
    assert "| `BidPrice{i}` | price | last P_i |" in generated["metrics.md"]
    assert "### source `lobster`" in generated["configuration.md"]
    assert "## marketstate" in generated["tables.md"]
