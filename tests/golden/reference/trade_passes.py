"""A pass of trade, retail_imbalance and liquidity behind its transforms, and passes of parent orders."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from .clock import EVERY_OPEN, Row, Rule, states_of, stretches
from .costs import tca
from .day import Column, Table, admissible, listings, table
from .dense import dense, open_runs
from .hours import Hours, closed, ended, inside
from .liquidity import liquidity
from .orders import DAY, Market, order_rows
from .passes import Result, _cell, _counted
from .quotes import quotes_at_trades, quotes_of, session_runs
from .retail import retail_imbalance
from .signs import ticks_of, trade_signs
from .trade_bars import counts
from .trade_groups import change, discrepancy, flags, grouped, imbalance, placement
from .trade_volatility import volatility
from .twap import twap

MAKERS: Mapping[str, Callable[[Any], None]] = {
    "imbalance": imbalance,
    "flags": flags,
    "discrepancy": discrepancy,
    "change": change,
    "placement": placement,
    "twap": twap,
    "volatility": volatility,
    "tca": tca,
}
READS = {"trade": ("trades",), "retail_imbalance": ("trades",), "liquidity": ("trades", "l2")}
Frames = Mapping[str, pl.DataFrame]


def prepared(
    frames: Frames, listing: int, preprocess: Sequence[Any], states: Any, shared: bool, hours: Hours = None
) -> dict[str, Table]:
    """The tables of a listing behind the transforms. `states`: the market states of the pass; `hours`: its session,
    where no state is known."""
    tables = {name: table(frames, name, listing) for name in ("trades", "l2") if name in frames}
    for step in preprocess:
        trades = tables["trades"]
        if step["transform"] == "quotes_at_trades":
            books = best(frames, listing) if step.get("quotes") == "cbbo" else tables["l2"]
            told = books.changes
            runs = session_runs(stretches(told or [], states_of(states, told is not None)), hours)
            sequenced = shared and all("SequenceNo" in t.columns for t in (trades, books))
            rows = quotes_at_trades(trades.rows, books.rows, runs, {**step, "hours": hours}, sequenced)
        else:
            rows = trade_signs(trades.rows, step, _ticks_of(frames, listing, step))
        tables["trades"] = trades._replace(rows=rows)
    return tables


def best(frames: Frames, listing: int) -> Table:
    """The best quotes of the listing's instrument."""
    rows = frames["cbbo"].filter(pl.col("InstrumentId").is_in(_instruments(frames, listing)))
    renamed = rows.with_columns(ListingId=pl.lit(listing, pl.Int64))
    told = {name: frame for name, frame in frames.items() if name == "marketstate"}
    return table({"cbbo": renamed, **told}, "cbbo", listing)


def _instruments(frames: Frames, listing: int) -> list[int]:
    return frames["reference"].filter(pl.col("ListingId") == listing)["InstrumentId"].to_list()


def _ticks_of(frames: Frames, listing: int, step: Any) -> list[str | None] | None:
    """Ticks of the listing's trades where the memory is the instrument's: all of its listings' trades in order."""
    if step.get("tick_memory", "listing") == "listing":
        return None
    own = _instruments(frames, listing)
    members = frames["reference"].filter(pl.col("InstrumentId").is_in(own))["ListingId"].to_list()
    rows = [row for member in sorted(members) for row in table(frames, "trades", member).rows]
    rows.sort(key=lambda r: r["EventTimestamp"])  # numbers of two listings are not comparable
    return [tick for tick, row in zip(ticks_of(rows), rows, strict=True) if row["ListingId"] == listing]


def run_trades(
    frames: Frames,
    rule: Rule,
    preprocess: Sequence[Any],
    modules: Sequence[Any],
    where: Any,
    *,
    states: Any = None,
    shared: bool = False,
    labels: Sequence[int] | None = None,
    hours: Hours = None,
    timeline: str = "sparse",
) -> Result:
    """Modules are tables of options as a pipeline has them. `labels`: buckets to show instead of the timeline's."""
    result = Result()
    session = hours
    frames, hours = _in_session(frames, hours)
    names = sorted({name for module in modules for name in READS[module["module"]]})
    told = ["marketstate"] if timeline == "dense" and "marketstate" in frames else []
    for listing in listings(frames, [*names, *told]):
        tables = prepared(frames, listing, preprocess, states, shared, hours)
        own = [{**_own(module, states), "hours": hours, "session": session} for module in modules]
        columns: dict[str, Column] = {}
        for module in own:
            columns |= _columns(tables, rule, module, where)
        shown = _timeline(tables, rule, own) if labels is None else labels
        if timeline == "dense":
            shown = _dense(shown, tables["trades"], own, rule)
        for name, column in columns.items():
            result.rollups[name], result.empties[name] = column.rollup, column.empty
            for label in shown:
                cell = _cell(column, label, rule)
                result.rows.setdefault((listing, label), {})[name] = cell.value
                result.weights[(listing, label), name] = cell.weight
    return result


def _in_session(frames: Frames, hours: Hours) -> tuple[Frames, Hours]:
    """Where states are known the session only ends what is open; then it has done all it does."""
    return closed(frames, hours), None if "marketstate" in frames else hours


def _own(module: Any, states: Any) -> Any:
    """A module with the pass's market states where it names none."""
    return module if states is None or "market_states" in module else {**module, "market_states": states}


def _columns(tables: Mapping[str, Table], rule: Rule, module: Any, where: Any) -> dict[str, Column]:
    if module["module"] == "trade":
        return grouped(tables["trades"], rule, module, where, MAKERS)
    if module["module"] == "liquidity":
        return liquidity(tables["trades"], tables["l2"], rule, module, where)
    return retail_imbalance(tables["trades"], rule, module, where)


def _timeline(tables: Mapping[str, Table], rule: Rule, modules: Sequence[Any]) -> list[int]:
    """Buckets in which a table that a module reads has a row that counts, in a state of any module of the pass."""
    labels = set()
    names = {name for module in modules for name in READS[module["module"]]}
    for one in (inside(tables[name], modules[0]["hours"]) for name in sorted(names)):
        states = _states(modules, one.changes is not None)
        for row in one.rows:
            if (one.name != "trades" or _counted_by(row, modules)) and admissible(row, states):  # type: ignore[arg-type]
                labels.add(rule.bucket(row["EventTimestamp"]))
    return sorted(labels)


def _dense(labels: Sequence[int], trades: Table, modules: Sequence[Any], rule: Rule) -> list[int]:
    hours = modules[0]["hours"]
    if trades.changes is None:
        return dense(labels, [hours] if hours else [], rule)
    return dense(labels, ended(open_runs(trades.changes, _states(modules, True)), hours), rule)


def _states(modules: Sequence[Any], known: bool) -> Any:
    if not known:
        return None
    found: set[Any] = set()
    for module in modules:
        kinds = [kind for kind in ("generic", *MAKERS) if kind in module] if module["module"] == "trade" else []
        for group in [one for kind in kinds for one in module[kind]] or [module]:
            found |= set(states_of(group.get("market_states", module.get("market_states")), known) or EVERY_OPEN)
    return found


def _counted_by(row: Row, modules: Sequence[Any]) -> bool:
    return _counted(row, [{**module, "module": "trade"} for module in modules])


def run_orders(
    frames: Frames, rule: Rule, module: Any, where: Any, states: Any = None, hours: Hours = None
) -> dict[tuple[Any, str, int], dict[str, Any] | None]:
    """Rows of module tca by (listing, order, bucket); None for an order whose events contradict each other."""
    module = _own(module, states)
    session = hours
    frames, hours = _in_session(frames, hours)
    midnight = (rule.origin // DAY + 1) * DAY
    events, markets = {}, {}
    for listing in listings(frames, ["orders"]):
        tables = prepared(frames, listing, [], states, False)
        trades, books = tables["trades"], tables["l2"]
        events[listing] = _events(frames["orders"], listing)
        asked = states_of(module.get("market_states"), trades.changes is not None)
        kept = [row for row in inside(trades, hours).rows if counts(row, asked, module, module, where)]
        runs = session_runs(stretches(books.changes or [], asked), hours)
        markets[listing] = Market(kept, quotes_of(books.rows, {}), runs, midnight, session)
    return order_rows(events, markets, rule, module)


def _events(orders: pl.DataFrame, listing: int) -> list[Row]:
    stamps = [name for name in ("EventTimestamp", "DecisionTimestamp") if name in orders.columns]
    rows = orders.filter(pl.col("ListingId") == listing).with_columns(pl.col(stamps).to_physical()).to_dicts()
    return sorted(rows, key=lambda r: (r["EventTimestamp"], r.get("SequenceNo") or 0))
