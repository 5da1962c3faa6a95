"""Days of a few rows at hostile stamps: on bucket edges, on the stamps of state changes, one nanosecond beside them,
at midnight; tied, out of order, in any state."""

from typing import Any

import polars as pl
from hypothesis import strategies as st

from basalt.tables import AGGRESSOR, NS_UTC, STATE, TRADE_TYPE

from .against import MIDNIGHT
from .days import INF, NAN, Day

SECOND = 10**9
EDGES = [MIDNIGHT + s * SECOND for s in (0, 7, 60, 3599, 3600, 86399, 86400, 86407, 90000)]
EDGES += [MIDNIGHT + 3600 * SECOND + ms * 10**6 for ms in (333, 500, 666, 999, 1500)]
STAMPS = sorted({e + d for e in EDGES for d in (-1, 0, 1)})
NAMES = ("CONTINUOUS_TRADING", "HALTED", "CLOSED", "CLOSING_AUCTION", "OPENING_AUCTION")
PRICES = [10.0, 10.0, 10.02, 10.02 + 1e-13, 10.05, 9.99, None, NAN, -1.0]
SIZES = [1.0, 100.0, 250.0, 3.5, 0.0, None, NAN]
DTYPES: dict[str, Any] = {
    "ListingId": pl.Int64,
    "EventTimestamp": pl.Int64,
    "MarketState": STATE,
    "AggressorSide": AGGRESSOR,
    "TradeType": TRADE_TYPE,
    "IsCancelled": pl.Boolean,
    "PublicationTimestamp": pl.Int64,
    "SequenceNo": pl.Int64,
    **{f"{side}NumOrders{i}": pl.Int32 for side in ("Bid", "Ask") for i in (1, 2)},
}
STAMPED = dict.fromkeys(("EventTimestamp", "PublicationTimestamp"), NS_UTC)


@st.composite
def tiny_days(draw: Any) -> Day:
    """One or two listings; with or without sequence numbers and market states."""
    near = draw(st.lists(st.sampled_from(STAMPS), min_size=1, max_size=5))
    stamps = st.sampled_from(near) | st.sampled_from(STAMPS)
    listing = st.sampled_from(draw(st.sampled_from([[1], [1, 2]])))
    common = {"ListingId": listing, "EventTimestamp": stamps}
    sequenced = {"SequenceNo": st.integers(1, 3)} if draw(st.booleans()) else {}
    trades = {"Price": st.sampled_from([*PRICES, INF]), "Size": st.sampled_from(SIZES)}
    trades |= {"AggressorSide": st.sampled_from(["Buy", "Sell", None]), "PublicationTimestamp": stamps}
    trades |= {"TradeType": st.sampled_from(["Lit", "Auction", None]), "NotionalEUR": st.sampled_from(SIZES)}
    trades |= {"IsCancelled": st.sampled_from([False, False, True, None])}
    book = {f"{side}Price{i}": st.sampled_from(PRICES) for side in ("Bid", "Ask") for i in (1, 2)}
    book |= {f"{side}Quantity{i}": st.sampled_from(SIZES) for side in ("Bid", "Ask") for i in (1, 2)}
    book |= {f"{side}NumOrders{i}": st.sampled_from([1, 2, 7, None]) for side in ("Bid", "Ask") for i in (1, 2)}
    day = {
        "trades": _frame(draw, {**common, **sequenced, **trades}),
        "l2": _frame(draw, {**common, **sequenced, **book}),
    }
    if draw(st.integers(0, 4)):
        day["marketstate"] = _frame(draw, {**common, "MarketState": st.sampled_from(NAMES)})
    return day


def _frame(draw: Any, columns: dict[str, Any]) -> pl.DataFrame:
    rows = draw(st.lists(st.fixed_dictionaries(columns), max_size=7))
    schema = {name: DTYPES.get(name, pl.Float64) for name in columns}
    return pl.DataFrame(rows, schema=schema).cast({k: v for k, v in STAMPED.items() if k in columns})  # type: ignore[arg-type]
