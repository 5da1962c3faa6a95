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


def test_the_pass_of_costs_runs(tmp_path):
    costs = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)[1]
    (tmp_path / "costs.toml").write_text(HEAD + costs)
    result = basalt.run(tmp_path / "costs.toml")
    assert not result.failed
    rows = result.scan("costs").collect()
    parts = rows["TradeTotalRealizedSpread1sBpsShareWeighted"] + rows["TradeTotalPriceImpact1sBpsShareWeighted"]
    whole = rows["TradeTotalEffectiveSpreadBpsShareWeighted"]
    assert (parts - whole).drop_nulls().abs().median() < 1e-9
    assert rows["BidPrice1TWA"].drop_nulls().len() > 10


def test_every_module_and_transform_of_the_readme_is_offered_and_the_other_way_round():
    from basalt_analytics.plugin import basalt_analytics, basalt_transforms

    listed = re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)
    assert sorted(listed) == sorted(lazy.name for lazy in (*basalt_analytics(), *basalt_transforms()))
