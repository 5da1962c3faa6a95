"""The door: what the distribution offers, and what offering it costs."""

import subprocess
import sys

from basalt_analytics.plugin import basalt_analytics


def test_modules_are_offered_by_the_names_they_have():
    offered = {lazy.name: lazy for lazy in basalt_analytics()}
    of_states = ["auction", "cbbo", "l2", "l2_volatility", "l2tw"]
    of_orders = ["iceberg", "l3", "l3_characteristics"]
    of_trades = ["execution", "liquidity", "retail_imbalance", "tca", "trade", "trade_characteristics"]
    assert sorted(offered) == sorted([*of_states, *of_orders, *of_trades, "generic", "yang_zhang"])
    for name, lazy in offered.items():
        made = lazy.load()
        assert made.name == name
        assert made.__doc__
        assert lazy.summary.endswith(".")


def test_offering_them_imports_neither_polars_nor_a_module():
    code = "import sys, basalt_analytics.plugin as p; p.basalt_analytics(); print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "basalt_analytics.plugin" in loaded
    assert not {"polars", "basalt_analytics.trade.module", "basalt_analytics.l2.module"} & set(loaded)
