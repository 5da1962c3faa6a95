"""The canonical tables: what every source delivers and every metric may name.

A *table* is a named input with a declared schema; event tables are ordered by (key, EventTimestamp, SequenceNo).
Plugins declare more through `basalt_tables`.
"""

import re
from collections.abc import Callable, Iterable, Sequence

import attrs
import polars as pl

from basalt.columns import Column, DType, Unit

NS_UTC = pl.Datetime("ns", "UTC")
US_UTC = pl.Datetime("us", "UTC")
SIDE = pl.Enum(["Bid", "Ask"])
AGGRESSOR = pl.Enum(["Buy", "Sell"])
ACTION = pl.Enum(["Insert", "Update", "Remove"])
TRADE_TYPE = pl.Enum(["Lit", "Dark", "Auction", "OffBook", "SystematicInternaliser"])
MATCHING_RULE = pl.Enum(["FIFO", "PRO_RATA", "SIZE_PRIORITY"])
MARKET_STATES = (
    "PRE_OPEN",
    "OPENING_AUCTION",
    "CONTINUOUS_TRADING",
    "INTRADAY_AUCTION",
    "UNSCHEDULED_AUCTION",
    "AUCTION_ON_DEMAND",
    "CLOSING_AUCTION",
    "POST_TRADE",
    "HALTED",
    "CLOSED",
    "CONDITIONAL",
    "CONTINUOUS_TRADING_PRIMARY_CLOSED",
    "NOT_APPLICABLE",
    "UNKNOWN",
)
STATE = pl.Enum(MARKET_STATES)


@attrs.frozen
class TableSchema:
    """A table's contract. `key` names whose rows they are; `events` whether rows carry EventTimestamp and an order;
    `unique` whether a key has one row. `example` makes its rows on the example day (`basalt.example_day`), of a table
    that a plugin declares."""

    name: str
    doc: str
    columns: Sequence[Column]
    key: str = "ListingId"
    events: bool = True
    unique: bool = False
    example: Callable[[], pl.DataFrame] | None = None

    def column(self, name: str) -> Column | None:
        """The declared column of that name, levels included (`BidPrice7`); None where the table has none."""
        return next((c for c in self.columns if _stands_for(c.name, name)), None)

    def every_column(self, levels: int = 10) -> dict[str, DType]:
        """Dtypes of all declared columns, books `levels` deep: what data that has everything would carry."""
        found: dict[str, DType] = {}
        for column in self.columns:
            deep = range(1, levels + 1) if "{i}" in column.name else (0,)
            found.update({column.name.replace("{i}", str(i)): column.dtype for i in deep})
        return found

    @property
    def required(self) -> list[str]:
        """Columns the data must have."""
        return [c.name for c in self.columns if c.required]

    @property
    def order(self) -> list[str]:
        """What orders rows of one key; SequenceNo counts only where the data carries it."""
        if not self.events:
            return []
        return ["EventTimestamp"] + ["SequenceNo"] * (self.column("SequenceNo") is not None)


def _stands_for(template: str, name: str) -> bool:
    head, brace, tail = template.partition("{i}")
    if not brace:
        return template == name
    return re.fullmatch(re.escape(head) + r"[1-9]\d*" + re.escape(tail), name) is not None


def depth(columns: Iterable[str]) -> int:
    """Number of book levels among these columns: the deepest n for which BidPrice1 … BidPrice{n} all exist."""
    names = set(columns)
    n = 0
    while f"BidPrice{n + 1}" in names:
        n += 1
    return n


def _listing(doc: str = "tradable line on one venue") -> Column:
    return Column("ListingId", pl.Int64, doc, Unit.LABEL, required=True, also=[pl.String])


def _time(doc: str) -> Column:
    return Column("EventTimestamp", NS_UTC, doc, Unit.TIMESTAMP, required=True)


_SEQUENCE = Column("SequenceNo", pl.Int64, "order within the listing", Unit.LABEL)
_STATE = Column("MarketState", STATE, "state of the venue at the event", Unit.LABEL)


def _price(name: str, doc: str, required: bool = False) -> Column:
    return Column(name, pl.Float64, doc, Unit.PRICE, required)


def _shares(name: str, doc: str, required: bool = False) -> Column:
    return Column(name, pl.Float64, doc, Unit.SHARES, required)


def _flag(name: str, doc: str) -> Column:
    return Column(name, pl.Boolean, doc, Unit.FLAG)


def _label(name: str, doc: str, dtype: pl.DataType | type[pl.DataType] = pl.String) -> Column:
    return Column(name, dtype, doc, Unit.LABEL)


TRADES = TableSchema(
    "trades",
    "one row a trade print",
    [
        _listing(),
        _time("execution time"),
        _SEQUENCE,
        _price("Price", "price paid", required=True),
        _shares("Size", "shares traded", required=True),
        _label("AggressorSide", "side that took liquidity; null = unknown", AGGRESSOR),
        _label("TradeType", "how it traded; null = unknown", TRADE_TYPE),
        _STATE,
        _label("TradeId", "the venue's id of the print"),
        _label("Venue", "where it printed"),
        Column("NotionalEUR", pl.Float64, "Price × Size in EUR, converted by the source", Unit.CURRENCY),
        Column("NotionalUSD", pl.Float64, "Price × Size in USD, converted by the source", Unit.CURRENCY),
        _flag("IsBlock", "block trade; null = not reported"),
        _flag("IsOddLot", "odd lot; null = not reported"),
        _flag("IsNegotiated", "negotiated trade; null = not reported"),
        _flag("IsCross", "crossing trade; null = not reported"),
        _flag("IsAlgorithmic", "algorithmic trade; null = not reported"),
        _flag("IsRetail", "retail order took part; null = not reported"),
        _flag("IsIceberg", "executed against an iceberg; null = not reported"),
        _flag("IsHidden", "executed against hidden liquidity; null = not reported"),
        _flag("IsCancelled", "busted or corrected away; counted as such, and excluded everywhere else"),
        Column("PublicationTimestamp", NS_UTC, "when it became public", Unit.TIMESTAMP),
        _price("BidPrice", "best bid just before the trade"),
        _price("AskPrice", "best ask just before the trade"),
        _shares("BidQuantity", "size at the best bid just before the trade"),
        _shares("AskQuantity", "size at the best ask just before the trade"),
    ],
)

L2 = TableSchema(
    "l2",
    "one row a book change, levels 1 … n; a missing level is null in price, quantity and orders",
    [
        _listing(),
        _time("when the book changed"),
        _SEQUENCE,
        _price("BidPrice1", "best bid", required=True),
        _shares("BidQuantity1", "size at the best bid", required=True),
        _price("BidPrice{i}", "bid price at level i"),
        _price("AskPrice{i}", "ask price at level i"),
        _shares("BidQuantity{i}", "bid size at level i"),
        _shares("AskQuantity{i}", "ask size at level i"),
        Column("BidNumOrders{i}", pl.Int32, "bid orders at level i", Unit.COUNT),
        Column("AskNumOrders{i}", pl.Int32, "ask orders at level i", Unit.COUNT),
        _STATE,
    ],
)

L3 = TableSchema(
    "l3",
    "one row an order event, state before and after",
    [
        _listing(),
        _time("when the order changed"),
        _SEQUENCE,
        Column("OrderId", pl.String, "stable over the order's life", Unit.LABEL, required=True, also=[pl.Int64]),
        Column("Side", SIDE, "side the order rests on", Unit.LABEL, required=True),
        Column("Action", ACTION, "what the event does to the displayed order", Unit.LABEL, required=True),
        _price("Price", "price after the event; null on Remove"),
        _shares("Size", "displayed size after the event; 0 on Remove"),
        _price("OldPrice", "price before the event; null on Insert"),
        _shares("OldSize", "displayed size before the event; 0 on Insert"),
        _price("ExecutionPrice", "set when the event is an execution against this order"),
        _shares("ExecutionSize", "shares executed, 0 otherwise; may exceed OldSize − Size when hidden size traded"),
        _label("TradeId", "the venue's id of the print"),
        _shares("SizeAhead", "shares in front of the order before the event"),
        Column("OrdersAhead", pl.Int64, "orders in front of the order before the event", Unit.COUNT),
        _flag("EndOfEvent", "last row of one exchange event"),
        _STATE,
    ],
)

L3_SNAPSHOT = TableSchema(
    "l3_snapshot",
    "one row an order that stood when the feed sent its whole book, in priority order",
    [
        _listing(),
        _time("when the book stood so"),
        _SEQUENCE,
        Column("OrderId", pl.String, "as in l3; null = no order stands", Unit.LABEL, required=True, also=[pl.Int64]),
        Column("Side", SIDE, "side the order rests on", Unit.LABEL, required=True),
        _price("Price", "price of the order", required=True),
        _shares("Size", "displayed size of the order", required=True),
    ],
)

CBBO = TableSchema(
    "cbbo",
    "best quote of an instrument over its venues",
    [
        Column("InstrumentId", pl.Int64, "what is fungible across venues", Unit.LABEL, required=True, also=[pl.String]),
        _time("when the best quote changed"),
        _SEQUENCE,
        _price("BidPrice1", "best bid over the venues", required=True),
        _price("AskPrice1", "best ask over the venues", required=True),
        _shares("BidQuantity1", "size at the best bid, summed over its venues"),
        _shares("AskQuantity1", "size at the best ask, summed over its venues"),
        Column("BidVenues", pl.String, "venues at the best bid, or their number", Unit.LABEL, also=[pl.Int32]),
        Column("AskVenues", pl.String, "venues at the best ask, or their number", Unit.LABEL, also=[pl.Int32]),
    ],
    key="InstrumentId",
)

MARKETSTATE = TableSchema(
    "marketstate",
    "one row a change of the venue's state",
    [
        _listing(),
        _time("when the state began"),
        _SEQUENCE,
        Column("MarketState", STATE, "state from here on", Unit.LABEL, required=True),
    ],
)

IMBALANCE = TableSchema(
    "imbalance",
    "one row an auction indication",
    [
        _listing(),
        _time("when it was published"),
        _SEQUENCE,
        _price("ReferencePrice", "price the indication refers to"),
        _price("IndicativePrice", "price at which the auction would clear now"),
        _shares("PairedQuantity", "shares that would match now"),
        _shares("ImbalanceQuantity", "shares left unmatched"),
        _label("ImbalanceSide", "side left unmatched", AGGRESSOR),
    ],
)

REFERENCE = TableSchema(
    "reference",
    "one row a listing, valid for a date",
    [
        _listing(),
        Column("InstrumentId", pl.Int64, "what is fungible across venues", Unit.LABEL, also=[pl.String]),
        _label("Ticker", "the venue's symbol"),
        _label("MIC", "the venue, ISO 10383"),
        _label("CurrencyCode", "currency of quotes, ISO 4217"),
        _label("ISIN", "ISO 6166 id"),
        _flag("IsPrimary", "listing on the instrument's primary venue"),
        _price("TickSize", "smallest price step"),
        _shares("LotSize", "smallest size step"),
        _label("Sector", "sector"),
        _label("Industry", "industry"),
        _label("Subindustry", "subindustry"),
        Column("MarketCap", pl.Float64, "market capitalisation", Unit.CURRENCY),
        _label("MatchingRule", "how a level is allocated; null = FIFO", MATCHING_RULE),
    ],
    events=False,
    unique=True,
)

CALENDAR = TableSchema(
    "calendar",
    "one row a venue and session; no row = closed",
    [
        Column("MIC", pl.String, "the venue, ISO 10383", Unit.LABEL, required=True),
        Column("Date", pl.Date, "trading date", Unit.LABEL, required=True),
        Column("SessionStart", NS_UTC, "start of the session", Unit.TIMESTAMP, also=[US_UTC]),
        Column("SessionEnd", NS_UTC, "end of the session", Unit.TIMESTAMP, also=[US_UTC]),
    ],
    key="MIC",
    events=False,
)

BUILT_IN = (TRADES, L2, L3, L3_SNAPSHOT, CBBO, MARKETSTATE, IMBALANCE, REFERENCE, CALENDAR)
CONTRACTS = {table.name: table for table in BUILT_IN}
