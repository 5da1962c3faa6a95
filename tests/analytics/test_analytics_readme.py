"""The package's README does what it says."""

import re
from pathlib import Path

import basalt

README = (Path(__file__).resolve().parents[2] / "basalt-analytics" / "README.md").read_text()
HEAD = 'name = "readme"\n[source]\ntype = "simulator"\nlistings = 1\nevents = 3000\n[[outputs]]\ntype = "parquet"\n'


def block(language):
    return re.search(rf"```{language}\n(.*?)```", README, re.DOTALL).group(1)


def test_the_example_in_python_gives_bars_of_both_tables():
    names = {}
    exec(block("python"), names)
    columns = names["bars"].columns
    assert columns[:4] == ["ListingId", "TimeBucket", "TradeTotalVolume", "TradeTotalVWAP"]
    assert columns[-2:] == ["SpreadBps", "SpreadBpsMean"]


def test_the_example_pipeline_runs_and_rolls_up(tmp_path):
    (tmp_path / "readme.toml").write_text(HEAD + block("toml"))
    result = basalt.run(tmp_path / "readme.toml")
    assert not result.failed
    fine, coarse = result.scan("bars").collect(), result.scan("quarter").collect()
    assert coarse["TradeTotalVolume"].sum() == fine["TradeTotalVolume"].sum() > 0
    assert coarse["BidPrice1MeanMax"].max() == fine["BidPrice1Mean"].max()


def test_every_module_of_the_readme_is_offered_and_the_other_way_round():
    from basalt_analytics.plugin import basalt_analytics

    listed = re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)
    assert sorted(listed) == sorted(lazy.name for lazy in basalt_analytics())
