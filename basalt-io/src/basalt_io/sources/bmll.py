"""The `bmll` dialect of the parquet source: BMLL's tables in canonical columns.

Stamps are the naive nanosecond ones (`TradeTimestampNanoseconds`, `TimestampNanoseconds`), which are UTC. Trades:
AggressorSide 1 is Buy, 2 Sell, 0 unknown; BMLLTradeType LIT, DARK, SI and OTC are Lit, Dark, SystematicInternaliser and
OffBook, others unknown; the quote before a trade is BMLL's best over venues. l3: Side 1 is Bid, 2 Ask; LobAction 2 is
Insert, 3 Remove, 4 Update; an order keeps its OriginalOrderId. imbalance: side 1 is Buy, 2 Sell. A code that is none
of these stops the query. ExchangeSequenceNo is SequenceNo.

Prices become those of the currency itself, in all tables alike: what is quoted in pence, cents or agorot (GBp, ZAc,
ILa) is divided by a hundred. Trades tell by MinorCurrencyFactor, other tables by their CurrencyCode; l3, which has
none, by that of `reference`. `cbbo` takes InstrumentId from `reference` too.

Columns that are not mapped are dropped, unless the option `columns` of the source names them.
"""

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from basalt.tables import ACTION, AGGRESSOR, SIDE, STATE, TRADE_TYPE

FOLDERS = {"trades-plus": "trades", "market-state": "marketstate"}
"""What BMLL calls a table, where that is another name."""
MINOR = {"GBp": "GBP", "GBX": "GBP", "ZAc": "ZAR", "ILa": "ILS"}
HUNDREDTH = 0.01
DIGITS = 9  # of a price in the currency itself, so that a hundredth of 99.74 is 0.9974 and not a bit beside it
LEVELS = 10
Mapped = Mapping[str, pl.Expr]


def canonical(
    table: str, frame: pl.LazyFrame, asked: Mapping[str, str], reference: Callable[[], pl.LazyFrame]
) -> pl.LazyFrame:
    """BMLL's `table` in canonical columns. `asked`: by our name, columns to be kept. `reference`: that date's, as BMLL
    has it."""
    found = frame.collect_schema().names()
    if table not in _TABLES:
        return frame
    needed = [name for name in ("CurrencyCode", "InstrumentId") if name not in found]
    if table in ("l3", "cbbo") and needed:
        frame = frame.join(_facts(reference(), needed), on="ListingId", how="left", maintain_order="left")
    there = {*found, *needed}
    kept = {ours: pl.col(theirs) for ours, theirs in asked.items()}
    mapped = {ours: made for ours, made in _TABLES[table]().items() if there.issuperset(made.meta.root_names())}
    return frame.select(**{**mapped, **kept})


def _facts(reference: pl.LazyFrame, names: Sequence[str]) -> pl.LazyFrame:
    return reference.select("ListingId", *names).unique("ListingId", keep="first", maintain_order=True)


def _at(name: str) -> pl.Expr:
    return pl.col(name).dt.replace_time_zone("UTC")


def _coded(name: str, codes: Mapping[int, str | None], dtype: pl.Enum) -> pl.Expr:
    return pl.col(name).replace_strict(codes, return_dtype=pl.String).cast(dtype)


def _text(name: str) -> pl.Expr:
    """Null where it is empty."""
    return pl.when(pl.col(name) != "").then(name)


def _whole(price: pl.Expr, factor: pl.Expr) -> pl.Expr:
    """The price in the currency itself."""
    return pl.when(factor == 1).then(price).otherwise((price * factor).round(DIGITS))


def _price(name: str) -> pl.Expr:
    minor = pl.col("CurrencyCode").is_in(list(MINOR))
    return _whole(pl.col(name), pl.when(minor).then(HUNDREDTH).otherwise(1.0))


def _event() -> dict[str, pl.Expr]:
    return {
        "ListingId": pl.col("ListingId"),
        "EventTimestamp": _at("TimestampNanoseconds"),
        "SequenceNo": pl.col("ExchangeSequenceNo"),
        "MarketState": pl.col("MarketState").cast(STATE),
    }


def _trades() -> Mapped:
    factor = pl.col("MinorCurrencyFactor").fill_null(1.0)
    same = pl.col("CurrencyCode") == pl.col("InstrumentCurrencyCode")
    kinds = {"LIT": "Lit", "DARK": "Dark", "SI": "SystematicInternaliser", "OTC": "OffBook"}
    kind = pl.col("BMLLTradeType").replace_strict(kinds, default=None, return_dtype=pl.String)
    quote = {f"{side}Price": _whole(pl.col(f"Best{side}Price"), factor) for side in ("Bid", "Ask")}
    return {
        **_event(),
        "EventTimestamp": _at("TradeTimestampNanoseconds"),
        "Price": _whole(pl.when(same).then("Price").otherwise("InstrumentCurrencyPrice"), factor),
        "Size": pl.col("Size"),
        "AggressorSide": _coded("AggressorSide", {0: None, 1: "Buy", 2: "Sell"}, AGGRESSOR),
        "TradeType": kind.cast(TRADE_TYPE),
        "TradeId": _text("TradeId"),
        "Venue": _text("ExecutionVenue"),
        "NotionalEUR": pl.col("TradeNotionalEUR"),
        "NotionalUSD": pl.col("TradeNotionalUSD"),
        "IsBlock": pl.col("IsBlock").replace_strict({"TRUE": True, "FALSE": False}, return_dtype=pl.Boolean),
        "PublicationTimestamp": _at("PublicationTimestampNanoseconds"),
        **quote,
        "BidQuantity": pl.col("BestBidSize"),
        "AskQuantity": pl.col("BestAskSize"),
    }


def _l2() -> Mapped:
    levels: dict[str, pl.Expr] = {}
    for i in range(1, LEVELS + 1):
        for side in ("Bid", "Ask"):
            levels[f"{side}Price{i}"] = _price(f"{side}Price{i}")
            levels[f"{side}Quantity{i}"] = pl.col(f"{side}Quantity{i}")
            levels[f"{side}NumOrders{i}"] = pl.col(f"{side}NumOrders{i}")
    return {**_event(), **levels}


def _l3() -> Mapped:
    insert, remove = pl.col("LobAction") == 2, pl.col("LobAction") == 3
    executed = pl.col("ExecutionSize") > 0
    return {
        **_event(),
        "OrderId": pl.col("OriginalOrderId"),
        "Side": _coded("Side", {1: "Bid", 2: "Ask"}, SIDE),
        "Action": _coded("LobAction", {2: "Insert", 3: "Remove", 4: "Update"}, ACTION),
        "Price": pl.when(~remove).then(_price("Price")),
        "Size": pl.when(remove).then(0).otherwise("Size"),
        "OldPrice": pl.when(~insert).then(_price("OldPrice")),
        "OldSize": pl.when(insert).then(0).otherwise("OldSize"),
        "ExecutionPrice": pl.when(executed).then(_price("ExecutionPrice")),
        "ExecutionSize": pl.col("ExecutionSize"),
        "TradeId": _text("TradeId"),
        "SizeAhead": pl.col("SizeAhead"),
        "OrdersAhead": pl.col("OrdersAhead"),
        "EndOfEvent": pl.col("EndOfEvent"),
    }


def _imbalance() -> Mapped:
    return {
        **_event(),
        "ReferencePrice": _price("ReferencePrice"),
        "IndicativePrice": _price("IndicativeUncrossingPrice"),
        "PairedQuantity": pl.col("PairedQuantity"),
        "ImbalanceQuantity": pl.col("ImbalanceQuantity"),
        "ImbalanceSide": _coded("ImbalanceSide", {0: None, 1: "Buy", 2: "Sell"}, AGGRESSOR),
    }


def _cbbo() -> Mapped:
    best = {f"{side}Price1": _price(f"{side}Price1") for side in ("Bid", "Ask")}
    sizes = {f"{side}Quantity1": pl.col(f"{side}Quantity1") for side in ("Bid", "Ask")}
    return {
        "InstrumentId": pl.col("InstrumentId"),
        "EventTimestamp": _at("TimestampNanoseconds"),
        **best,
        **sizes,
    }


def _reference() -> Mapped:
    same = ("ListingId", "InstrumentId", "Ticker", "MIC", "ISIN", "IsPrimary")
    return {**{name: pl.col(name) for name in same}, "CurrencyCode": pl.col("CurrencyCode").replace(MINOR)}


_TABLES: dict[str, Callable[[], Mapped]] = {
    "trades": _trades,
    "l2": _l2,
    "l3": _l3,
    "imbalance": _imbalance,
    "cbbo": _cbbo,
    "marketstate": _event,
    "reference": _reference,
}
