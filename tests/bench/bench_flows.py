"""Flows of orders and executions against the query a careful person writes by hand: 60 listings × 200,000 events."""

import polars as pl
import pytest
from bench_fused import by_basalt, plan_of
from by_hand import KEYS, continuous
from polars.testing import assert_frame_equal

from basalt.config.model import ModuleEntry

PRINTS = [{"types": ["Lit", "Dark"], "sides": ["Buy", "Sell", "Unknown"], "measures": ["Volume", "VWAP"]}]
"""Placement is left out: the day's trades have no quotes."""
MODULES = [ModuleEntry(module="l3"), ModuleEntry(module="execution", options={"trades": PRINTS})]


def over(num, den):
    return pl.when(den != 0).then(num / den)


def size_of(column, mask):
    size = pl.col(column)
    return pl.when(mask & size.is_finite() & (size > 0)).then(size)


def orders(root):
    """Sums of order events by side; their ratios are taken of the sums."""
    x = size_of("ExecutionSize", pl.lit(True))
    left = pl.max_horizontal(size_of("OldSize", pl.lit(True)).fill_null(0) - x.fill_null(0), 0.0)
    action, paid = pl.col("Action"), pl.when(pl.col("ExecutionPrice").is_finite()).then(x)
    sums = {}
    for side in ("Bid", "Ask"):
        own = pl.col("Side") == side
        cancels = own & (action == "Remove") & x.is_null()
        sums |= {
            f"{side}InsertCount": (own & (action == "Insert")).sum().cast(pl.Int64),
            f"{side}InsertVolume": size_of("Size", own & (action == "Insert")).sum(),
            f"{side}CancelCount": cancels.sum().cast(pl.Int64),
            f"{side}CancelVolume": pl.when(own & (action == "Remove")).then(left).sum(),
            f"{side}FillCount": (own & x.is_not_null()).sum().cast(pl.Int64),
            f"{side}FillVolume": pl.when(own).then(x).sum(),
            f"{side}Paid": pl.when(own).then(paid * pl.col("ExecutionPrice")).sum(),
            f"{side}PaidFor": pl.when(own).then(paid).sum(),
        }
    return continuous(root, "l3").group_by(KEYS).agg(**sums)


def prints(root):
    """Sums of trades by type and side."""
    price, size = pl.col("Price"), pl.col("Size")
    valid = price.is_finite() & (price > 0) & size.is_finite() & (size > 0)
    sums = {}
    for kind in ("Lit", "Dark"):
        for side in ("Buy", "Sell", "Unknown"):
            aggressor = pl.col("AggressorSide")
            own = (pl.col("TradeType") == kind) & (aggressor.is_null() if side == "Unknown" else aggressor == side)
            sums[f"{kind}{side}Volume"] = pl.when(own).then(size).sum()
            sums[f"{kind}{side}Value"] = pl.when(own).then(price * size).sum()
    for side in ("Buy", "Sell"):
        sums[side] = pl.when(pl.col("AggressorSide") == side).then(size).sum()
    return continuous(root, "trades").filter(valid).group_by(KEYS).agg(**sums)


def by_hand(root):
    """One reading of each table; ratios of the small results, in memory."""
    book, tape = (frame.lazy() for frame in pl.collect_all([orders(root), prints(root)], engine="streaming"))
    both = book.join(tape, on=KEYS, how="full", coalesce=True).collect()
    sums = both.with_columns(pl.exclude(*KEYS).fill_null(0))
    inserted, filled = ([pl.col(f"{side}{what}Volume") for side in ("Bid", "Ask")] for what in ("Insert", "Fill"))
    total = {what: pl.col(f"Bid{what}Count") + pl.col(f"Ask{what}Count") for what in ("Cancel", "Fill")}
    executed = {f"{side}ExecutedVolume": pl.col(f"{side}FillVolume") for side in ("Bid", "Ask")}
    paid = {f"{side}ExecutedVWAP": over(pl.col(f"{side}Paid"), pl.col(f"{side}PaidFor")) for side in ("Bid", "Ask")}
    kinds = [f"{kind}{side}" for kind in ("Lit", "Dark") for side in ("Buy", "Sell", "Unknown")]
    averages = {f"{kind}VWAP": over(pl.col(f"{kind}Value"), pl.col(f"{kind}Volume")) for kind in kinds}
    return sums.with_columns(
        **executed,
        **paid,
        **averages,
        ArrivalFlowImbalance=over(inserted[0] - inserted[1], inserted[0] + inserted[1]),
        TotalCancelToTrade=over(total["Cancel"], total["Fill"]),
        L3TradeImbalance=over(filled[1] - filled[0], filled[0] + filled[1]),
        TradeImbalance=over(pl.col("Buy") - pl.col("Sell"), pl.col("Buy") + pl.col("Sell")),
    ).sort(KEYS)


@pytest.fixture(scope="module")
def plan(large_day):
    return plan_of(large_day, *MODULES)


def test_flows_and_executions_are_those_of_the_hand_written_query(large_day, plan):
    ours, theirs = by_basalt(plan), by_hand(large_day)
    assert_frame_equal(ours, theirs.select(ours.columns), rel_tol=1e-9, abs_tol=1e-9, check_dtypes=False)


def test_flows_and_executions_against_the_hand_written_query(large_day, plan, paired, report):
    ratio, ours, theirs = paired(lambda: by_basalt(plan), lambda: by_hand(large_day))
    report(f"l3 + execution / hand-written query: {ratio:.2f} ({ours:.2f} s / {theirs:.2f} s), limit 1.5")
    assert ratio <= 1.5
