"""Trades beside their reference: transforms, modules and parent orders, computed by both, and every cell that differs."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import polars as pl

from .against import differences, engine, rule_of
from .days import WHERE, Day
from .day import listings
from .passes import resample
from .trade_configs import pass_options, quote_options, trade_module
from .trade_passes import prepared, run_trades

FLOATS = ("BidPrice", "AskPrice", "BidQuantity", "AskQuantity", "MidAtTrade", "QuoteAgeSeconds")


def quoted(day: Day, preprocess: Sequence[Any], states: Any = None) -> pl.DataFrame:
    """Trades as the reference's transforms leave them."""
    schema = dict(day["trades"].schema)
    found = []
    for listing in listings(day, ["trades"]):
        found += prepared(day, listing, preprocess, states, shared=False)["trades"].rows
    added = {name for row in found for name in row if name not in schema and name != "MarketState"}
    typed = {name: pl.Boolean if name.endswith("Clamped") else pl.Float64 for name in sorted(added)}
    typed |= {name: pl.String for name in ("QuoteStatus", "SideSource") if name in added}
    raw = {name: pl.Int64 if isinstance(kind, pl.Datetime) else kind for name, kind in schema.items()}
    frame = pl.DataFrame([{k: row[k] for k in (*schema, *typed)} for row in found], schema=raw | typed)
    return frame.cast({name: kind for name, kind in schema.items() if isinstance(kind, pl.Datetime)})


def groups(seed: object, day: Day) -> list[str]:
    """Module trade on trades that carry quotes already."""
    rng = Random(f"groups {seed}")
    options, quotes = pass_options(rng), quote_options(rng)
    day = {**day, "trades": quoted(day, [quotes])}
    modules = [trade_module(rng, day, quotes["horizons"])]
    return _compared(day, options, modules)


def _compared(
    day: Day, options: Mapping[str, Any], modules: Sequence[Mapping[str, Any]], preprocess: Sequence[Any] = ()
) -> list[str]:
    rule = rule_of(options)
    expected = run_trades(day, rule, preprocess, modules, WHERE)
    asked = {**options, **({"preprocess": list(preprocess)} if preprocess else {})}
    coarse = {"every": f"{rule.width * 5 // 1000}us"}
    resampled = resample(expected, rule._replace(width=rule.width * 5), rule, {})
    passes = [(asked, modules), (coarse, [{"module": "generic", "source": "pass0"}])]
    found, again = engine(day, passes)
    lines = differences(expected.rows, found) + ["resampled " + line for line in differences(resampled, again)]
    return [str((asked, modules)), *lines] if lines else []
