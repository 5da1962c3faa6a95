"""Trades beside their reference: transforms, modules and parent orders, and every cell that differs."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import polars as pl

from basalt.config.structure import structure
from basalt.modules import PassContext
from basalt_analytics.transforms.quotes_at_trades import QuotesAtTrades
from basalt_analytics.transforms.trade_signs import TradeSigns

from .against import Rows, differences, engine, rule_of
from .against_books import setting_of
from .book_configs import DENSE
from .day import listings
from .days import DATE, WHERE, Day
from .passes import resample
from .trade_configs import (
    liquidity_module,
    order_module,
    pass_options,
    quote_options,
    retail_module,
    sign_options,
    trade_module,
    volatility_group,
    with_orders,
)
from .trade_passes import prepared, run_orders, run_trades

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
    modules = [trade_module(rng, day, quotes)]
    return _compared(day, options, modules)


def passes(seed: object, day: Day) -> list[str]:
    """Transforms and modules of a pass, through the engine."""
    rng = Random(f"passes {seed}")
    options, steps = pass_options(rng), [quote_options(rng)]
    if "marketstate" in day and options["every"] in DENSE and rng.random() < 0.3:
        options["timeline"] = "dense"
    if rng.random() < 0.5:
        steps.append(sign_options(rng))
    modules = [trade_module(rng, day, steps[0], "A")]
    if rng.random() < 0.5:
        modules.append(retail_module(rng, day, "B"))
    return _compared(day, options, modules, steps)


def volatility(seed: object, day: Day) -> list[str]:
    """Group volatility of module trade."""
    rng = Random(f"volatility {seed}")
    options = pass_options(rng)
    module = {"module": "trade", "volatility": [volatility_group(rng, options["every"])]}
    return _compared(day, options, [module])


def liquidity(seed: object, day: Day) -> list[str]:
    """Module liquidity."""
    rng = Random(f"liquidity {seed}")
    options = pass_options(rng)
    if "marketstate" in day and options["every"] in DENSE and rng.random() < 0.3:
        options["timeline"] = "dense"
    day = _told_once(day)
    return _compared(day, options, [liquidity_module(rng, day, options["every"], "")])


def _told_once(day: Day) -> Day:
    """Without states on rows where no table of states is: of two tables they would be two stories of one venue."""
    if "marketstate" in day:
        return day
    return {name: frame.drop("MarketState", strict=False) for name, frame in day.items()}


def _coarser(rows: Rows) -> Rows:
    """Slippages a thousandth as large: prices from running sums are right to 1e-12, so bps of them to 1e-8."""
    return {
        key: {name: x / 1e3 if "Bps" in name and x is not None else x for name, x in row.items()}
        for key, row in rows.items()
    }


def orders(seed: object, day: Day) -> list[str]:
    """Module tca: an order with a problem says so, and has no costs."""
    rng = Random(f"orders {seed}")
    options, day = pass_options(rng), with_orders(_told_once(day), rng)
    module = order_module(rng, day)
    expected = run_orders(day, rule_of(options), module, WHERE, hours=setting_of(options).hours)
    [found] = engine(day, [(options, [module])])
    fine = {key: {**row, "OrderProblem": None} for key, row in expected.items() if row is not None}
    sound = {key: row for key, row in found.items() if expected.get(key, {}) is not None}
    lines = differences(_coarser(fine), _coarser(sound))
    for key in (key for key, row in expected.items() if row is None):
        row = found.get(key)
        if row is None or row["OrderProblem"] is None:
            lines.append(f"{key} OrderProblem: nothing is said of a problem")
        else:
            kept = ("OrderProblem", "OrderExecutedQuantity", "OrderFillRatio", "OrderAvgPrice", "OrderFillCount")
            lines += [
                f"{key} {k}: {x} in spite of a problem" for k, x in row.items() if k not in kept and x is not None
            ]
    return [str((options, module)), *lines] if lines else []


VARIANCES = ("RV", "BV", "RK", "NoiseVar", "Parkinson", "GarmanKlass", "RogersSatchell", "Lambda")
LOG_RETURNS = ("Vol", "Std")


def magnified(rows: Rows) -> Rows:
    """Variances times 1e6 and log returns times 1e4, so that what is compared with is more than rounding."""

    def value(name: str, x: Any) -> Any:
        if not isinstance(x, float) or "Ann" in name or "Volume" in name:
            return x
        return x * (1e6 if any(m in name for m in VARIANCES) else 1e4 if any(m in name for m in LOG_RETURNS) else 1)

    return {key: {name: value(name, x) for name, x in row.items()} for key, row in rows.items()}


def _compared(
    day: Day, options: Mapping[str, Any], modules: Sequence[Mapping[str, Any]], preprocess: Sequence[Any] = ()
) -> list[str]:
    if (
        "marketstate" not in day and "MarketState" in day["trades"].columns
    ):  # the last open run, and rows behind its end
        options = {key: value for key, value in options.items() if key != "session"}
    rule = rule_of(options)
    setting = setting_of(options)
    expected = run_trades(day, rule, preprocess, modules, WHERE, hours=setting.hours, timeline=setting.timeline)
    asked = {**options, **({"preprocess": list(preprocess)} if preprocess else {})}
    coarse = {"every": f"{rule.width * 5 // 1000}us"}
    resampled = resample(expected, rule._replace(width=rule.width * 5), rule, {})
    passes = [(asked, modules), (coarse, [{"module": "generic", "source": "pass0"}])]
    if set(expected.rollups.values()) <= {"none"}:
        passes, resampled = passes[:1], {}
    found, again = [*engine(day, passes), {}][:2]
    lines = differences(magnified(expected.rows), magnified(found))
    lines += ["resampled " + line for line in differences(magnified(resampled), magnified(again))]
    return [str((asked, modules)), *lines] if lines else []


def transforms(seed: object, day: Day) -> list[str]:
    """Quotes, mids and sides of every trade, by the transforms alone."""
    rng = Random(f"transforms {seed}")
    steps = [quote_options(rng), sign_options(rng)]
    if rng.random() < 0.3:
        steps[0]["overwrite"] = rng.random() < 0.5
        own = {name: pl.Series([rng.choice((None, 99.9)) for _ in range(day["trades"].height)]) for name in FLOATS[:4]}
        day = {**day, "trades": day["trades"].with_columns(**own)}
    shared = rng.random() < 0.7
    day = {**day, "trades": day["trades"].filter(pl.col("IsCancelled").fill_null(False).not_())}
    expected = {}
    for listing in listings(day, ["trades"]):
        rows = prepared(day, listing, steps, None, shared)["trades"].rows
        added = [name for name in rows[0] if name not in day["trades"].columns or name in OUTPUTS] if rows else []
        expected |= {(listing, n): {k: row[k] for k in added if k != "MarketState"} for n, row in enumerate(rows)}
    found = _transformed(day, steps, shared)
    lines = differences(expected, found)
    return [str((steps, shared)), *lines] if lines else []


TRANSFORMS: Mapping[str, Any] = {"quotes_at_trades": QuotesAtTrades, "trade_signs": TradeSigns}
OUTPUTS = ("AggressorSide", *FLOATS[:4])


def _transformed(day: Day, steps: Sequence[Mapping[str, Any]], shared: bool) -> dict[tuple[int, int], dict[str, Any]]:
    """Rows by listing and place in it."""
    tables = {name: _in_order(frame).lazy() for name, frame in day.items()}
    context = PassContext("compared", DATE, ["ListingId"], None, shared)
    for step in steps:
        transform = TRANSFORMS[step["transform"]]
        options = {k: v for k, v in step.items() if k != "transform"}
        tables |= transform(structure(transform.Config, options, "step")).apply(tables, context)
    frame = tables["trades"].collect()
    rows = frame.with_columns(N=pl.int_range(pl.len()).over("ListingId")).to_dicts()
    given = [name for name in day["trades"].columns if name not in OUTPUTS]
    left_out = {*given, "N", "MarketState"}
    return {(row["ListingId"], row["N"]): {k: v for k, v in row.items() if k not in left_out} for row in rows}


def _in_order(frame: pl.DataFrame) -> pl.DataFrame:
    keys = [name for name in ("ListingId", "EventTimestamp", "SequenceNo") if name in frame.columns]
    return frame.sort(keys, maintain_order=True)
