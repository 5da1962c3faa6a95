"""Fixture F, module trade, group twap: the last trade's price by the time it was the last; dense bars of 10 s."""

import pytest

import basalt

MODULE = {"module": "trade", "generic": [{"measures": ["Count"]}], "twap": [{}]}


def twaps(found):
    return {t: bar["TradeTWAP"] for t, bar in found.items() if bar["TradeTWAP"] is not None}


@pytest.mark.parametrize("timeline", ["dense", "sparse"])
def test_f_price_by_the_time_it_was_the_last(f_trades, f_states, bars, timeline):
    """:10 from the first trade at 1, 9 s: 100.04·2 + 100.01·3 + 100.04·2 + 100.035·1.5 + 100.02·.5 = 900.2525, over 9;
    the trade at 10 begins on the edge. :20 100.03·1e-9 + 100.00·(3 − 1e-9) + 100.01·4 + 100.04·2 + 100.06·1 = 1000.18,
    over 10. :30 carried in until the session ends at 28: 100.06."""
    found = twaps(bars(basalt.compute([MODULE], every="10s", timeline=timeline, trades=f_trades, marketstate=f_states)))
    expected = {10: 900.2525 / 9, 20: 100.018, 30: 100.06}
    assert found == {
        t: pytest.approx(expected[t], rel=1e-11) for t in ((10, 20, 30) if timeline == "dense" else (10, 20))
    }


def test_f2_price_is_not_carried_over_a_halt(f2, bars):
    """Trades at 5, 11 and 25, halted 12 to 20. :10 100.02 for 5 s; :20 100.02 for 1 s and 100.03 for 1 s, nothing after
    the halt; :30 from 25 on."""
    tables = {name: f2[name] for name in ("trades", "marketstate")}
    found = twaps(bars(basalt.compute([MODULE], every="10s", timeline="dense", **tables)))
    assert found == {10: 100.02, 20: pytest.approx(100.025), 30: 100.02}
