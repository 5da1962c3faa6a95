"""A feed that is decoded once a partition and kept on disk, against one that is decoded for every query.

Eight tickers of a NASDAQ day, each the same files under another name, in two passes: in one batch each, and in one
batch a ticker.
"""

import os
from pathlib import Path

import pytest

import basalt
from basalt import hookimpl
from basalt_io.sources.lobster import LobsterSource

FILES = Path(__file__).resolve().parents[3] / "shared" / "data" / "lobster"
TICKERS = ("AMZN", "BBBB", "CCCC", "DDDD", "EEEE", "FFFF", "GGGG", "HHHH")
PIPELINE = """
name = "bench"
memory = "{memory}"
[source]
type = "{source}"
root = "files"
[plugins]
files = ["{plugin}"]
[[outputs]]
type = "parquet"
root = "out"
[[passes]]
name = "bars"
every = "1m"
[[passes.modules]]
module = "trade"
[[passes.modules]]
module = "l2"
[[passes]]
name = "hours"
every = "1h"
[[passes.modules]]
module = "trade"
[[passes.modules]]
module = "l2"
"""
LEAST = {"4GB": 1.2, "1 B": 3.0}


class Again(LobsterSource):
    """The same, saying that a query reads what it asks for and no more."""

    name = "lobster-again"
    prunes = True


@hookimpl
def basalt_sources():
    return [Again]


@pytest.fixture
def run(tmp_path):
    """`run(source, memory)`: a run of everything anew."""
    if not FILES.exists():
        pytest.skip("the NASDAQ day is not beside this checkout (shared/data/lobster)")
    (tmp_path / "files").mkdir()
    for file in FILES.glob("AMZN_*"):
        for ticker in TICKERS:
            os.symlink(file, tmp_path / "files" / file.name.replace("AMZN", ticker))

    def ready(source: str, memory: str):
        pipeline = tmp_path / f"{source}.toml"
        pipeline.write_text(PIPELINE.format(source=source, memory=memory, plugin=__file__))
        return lambda: basalt.run(pipeline, force=True)

    return ready


@pytest.mark.parametrize("memory", LEAST)
def test_a_feed_is_decoded_once(paired, report, run, memory):
    ratio, again, once = paired(run("lobster-again", memory), run("lobster", memory), runs=3)
    report(
        f"{len(TICKERS)} tickers, two passes, memory {memory}: decoded for every query {again:.2f} s, once "
        f"{once:.2f} s, {ratio:.1f} × ≥ {LEAST[memory]}"
    )
    assert ratio >= LEAST[memory]
