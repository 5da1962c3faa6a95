"""Facts about order events that the rows tell themselves, each its own or with the row before.

A size that is missing, not finite or not above 0 is 0, and so is that before an insert and that after a remove.
"""

from collections.abc import Iterator

import attrs
import polars as pl

from basalt.metrics import MAX
from basalt_analytics.characteristics.facts import (
    FILE_ORDER,
    ROWS,
    Columns,
    Fact,
    count,
    every,
    file_order,
    has,
    late,
    named,
    predecessor,
)
from basalt_analytics.l3.effects import AFTER, BEFORE, EFFECTS, INSERT, REMOVE, UPDATE, exactly, known_size
from basalt_analytics.trade.prices import price_key

TIME, STATE, NUMBER = pl.col("EventTimestamp"), pl.col("MarketState"), pl.col("SequenceNo")
EXECUTED, SHOWN, LEFT = known_size("ExecutionSize", pl.lit(True)), EFFECTS[BEFORE], EFFECTS[AFTER]
EXECUTES = EXECUTED > 0
NO_OP = UPDATE & ~EXECUTES & (price_key(pl.col("Price")) == price_key(pl.col("OldPrice"))) & (LEFT == SHOWN)
OF_NO_OP = ("Price", "OldPrice", "Size", "OldSize", "ExecutionSize")
GAPS = "L3SequenceGapCount"
ACTIONS = {
    "Insert": (INSERT, "Number of inserts; an order that a venue removes and inserts anew to amend it counts again."),
    "Update": (UPDATE, "Number of updates; executions that leave their order are among them."),
    "Remove": (REMOVE, "Number of removes, of filled and of cancelled orders alike."),
}
STATES = {
    "ContinuousTrading": "CONTINUOUS_TRADING",
    "OpeningAuction": "OPENING_AUCTION",
    "IntradayAuction": "INTRADAY_AUCTION",
    "ClosingAuction": "CLOSING_AUCTION",
    "Halted": "HALTED",
}
OUTSIDE = {"PreOpen": "PRE_OPEN", "PostTrade": "POST_TRADE"}
_STAMPS, _NUMBERS, _MISSING = "stamp less that before in the file", "number less that before", "numbers are missing"


def _has(what: str, mask: pl.Expr, words: str, *needs: str) -> Fact:
    """Whether any event is so; null in a bucket without one."""
    doc = f"Whether any event {words}; one of a million is enough."
    return has(f"L3Has{what}", mask, doc, f"any event {words}", *needs)


def counted() -> Iterator[Fact]:
    """How many events there are, of which kind."""
    doc = "Number of order events, in every market state; a venue that amends by remove and insert has two for one."
    yield count("L3EventCount", ROWS, doc, "n")
    yield count(
        "L3ExecutionCount",
        EXECUTES.sum(),
        "Number of executions; an aggressive order that meets several orders counts several times.",
        "n where x > 0",
        "ExecutionSize",
    )
    for action, (mask, doc) in ACTIONS.items():
        yield count(f"L3{action}Count", mask.sum(), doc, f"n of {action.lower()}s")


def told() -> Iterator[Fact]:
    """What the feed has at all: executions, updates, ids, states, events of several rows."""
    yield _has("Execution", EXECUTES, "is an execution", "ExecutionSize")
    yield _has("Updates", UPDATE, "is an update")
    yield _has("TradeId", named("TradeId"), "has a TradeId", "TradeId")
    for name, state in STATES.items():
        yield _has(name, STATE.eq(state), f"is in state {state}", "MarketState")
    for name, state in OUTSIDE.items():
        mask = EXECUTES & (STATE.eq(state))
        yield _has(f"{name}Execution", mask, f"executes in state {state}", "ExecutionSize", "MarketState")
    yield _has("MultiRowEvent", ~pl.col("EndOfEvent"), "is not the last row of its exchange event", "EndOfEvent")


def odd() -> Iterator[Fact]:
    """What an event of a sound feed is not."""
    words = "is an update that changes neither price nor size and executes nothing"
    yield _has("NoOpUpdate", NO_OP, words, *OF_NO_OP)
    doc = "Number of updates that change neither price nor size and execute nothing; what they change is not told."
    yield count("L3NoOpUpdateCount", NO_OP.sum(), doc, "n of updates with x = 0, S = O at the same price", *OF_NO_OP)
    yield _has("NegativeSize", pl.col("Size") < 0, "leaves a size below 0", "Size")
    yield _has("NullOrderId", pl.col("OrderId").is_null(), "has no OrderId")
    above = EXECUTES & (exactly(EXECUTED - SHOWN, SHOWN) > 0)
    words = "executes more than its order displayed"
    yield _has("ExecutionAboveDisplay", above, words, "ExecutionSize", "OldSize")


def queued() -> Iterator[Fact]:
    """Whether executions and places in the queue fit."""
    size, orders = pl.col("SizeAhead"), pl.col("OrdersAhead")
    yield has(
        "L3ExecutedWithOrdersAhead",
        EXECUTES & (orders > 0),
        "Whether any event executes an order in front of which others stand; under pro-rata matching most do.",
        "any x > 0 with OrdersAhead > 0",
        "ExecutionSize",
        "OrdersAhead",
    )
    yield every(
        "L3SizeOrdersAheadConsistent",
        pl.when(size.is_finite()).then((size > 0) == (orders > 0)),
        "Whether shares are in front of an order wherever orders are, and only there, of events that tell both; of "
        "orders that display nothing it is rightly false.",
        "all (SizeAhead > 0) = (OrdersAhead > 0)",
        "SizeAhead",
        "OrdersAhead",
    )


def ordered(columns: Columns) -> Iterator[Fact]:
    """How stamps and numbers follow each other, in the file where its order is known."""
    of_stamps = "of each event and the one before in the file; one pair out of a million that is not so is enough"
    for name, holds, sign in _followed(pl.col(_STAMPS)):
        doc = f"Whether stamps {name[0]} from event to event, {of_stamps}."
        fact = every(f"L3Timestamp{name[1]}", holds, doc, f"all t {sign} t before in the file")
        yield late(attrs.evolve(fact, needs=(FILE_ORDER,), derive=_stamps))
    of_numbers = "which stand in order of time where the order of the file is not told"
    for name, holds, sign in _followed(pl.col(_NUMBERS)):
        doc = f"Whether sequence numbers {name[0]} from event to event, {of_numbers}."
        fact = every(f"L3Sequence{name[1]}", holds, doc, f"all SequenceNo {sign} that before", "SequenceNo")
        fact = attrs.evolve(fact, derive=_numbers)
        yield late(fact) if "RowOrder" in columns else fact


def _followed(step: pl.Expr) -> Iterator[tuple[tuple[str, str], pl.Expr, str]]:
    """(what is said, how the column is called), whether it is so, the sign."""
    yield ("never fall", "NonDecreasing"), step >= 0, "≥"
    yield ("always rise", "StrictlyIncreasing"), step > 0, ">"


def _stamps(columns: Columns) -> dict[str, pl.Expr]:
    stamp = TIME.to_physical()
    return {_STAMPS: stamp - predecessor(stamp, file_order(columns))}


def _numbers(columns: Columns) -> dict[str, pl.Expr]:
    before = predecessor(NUMBER, pl.col("RowOrder")) if "RowOrder" in columns else NUMBER.shift(1)
    return {_NUMBERS: NUMBER - before}


def missing() -> Fact:
    """Steps over numbers, of a feed that has them all."""
    doc = (
        "Number of steps above 1 in the sequence of the listing, in the bucket of the event behind each; where one "
        "sequence is shared by several listings, most steps are no gap."
    )
    gaps = count(GAPS, pl.col(_MISSING).sum(), doc, "n where SequenceNo − that before > 1", "SequenceNo")
    return attrs.evolve(gaps, derive=lambda columns: {_MISSING: NUMBER.diff() > 1})


def tied() -> Fact:
    """How many rows one stamp has."""
    doc = "Most events that share one stamp; rows of one exchange event do in any feed, and a coarse clock adds others."
    most = TIME.rle().struct.field("len").max()
    return count("L3MaxTimestampTies", most, doc, "max n of one stamp", rollup=MAX)
