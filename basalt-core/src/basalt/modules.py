"""Modules: named, configured sets of metrics, from the least to the most powerful.

1. `@analytic("trades")` on a generator of `Metric`s (`basalt.functions`): the first thing to write.
2. `BucketModule`: metrics over the rows of a bucket, with options, a row filter and derived columns. Modules of a
   pass with equal frame and filters are fused into one grouped aggregation.
3. `FrameModule`: `compute(inputs, pass_)` for work that is not an aggregation.

A *frame* is a table and one `market_states` list: its own rows (`Rows`), the pieces of time on which one of them is in
force (`Intervals`), or the points of a grid at which what is in force is looked up (`Grid`). Each has SessionSeconds,
the length of the date's sessions where the pass names a calendar or a session, null elsewhere. A *part* is what one
grouped aggregation computes: a frame, filters, derived columns and metrics.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import attrs
import polars as pl

from basalt.buckets import BucketRule
from basalt.documents import PassResult, ResultColumn
from basalt.errors import PluginError
from basalt.metrics import Known, Metric
from basalt.options import NoOptions
from basalt.tables import MARKET_STATES, TableSchema

States = Sequence[str] | Literal["default", "any"]
Scope = Literal["listing", "instrument", "universe"]
Dates = Sequence[date]
Memory = Literal["date", "stretch"]
"""What is in force when a stretch opens. date: the very latest row before it, for rows are states. stretch: nothing,
for rows are events, and those of other states are none."""
Lag = timedelta | Known
DEFAULT_STATES = ("CONTINUOUS_TRADING",)
ALL_STATES = tuple(state for state in MARKET_STATES if state != "CLOSED")


@attrs.frozen
class Rows:
    """The frame of a table's own rows. `market_states`: a list; "default": the pass's, else continuous trading where
    the state is known; "any": no filter. "all" in a configuration is every state but CLOSED. Beside the table's columns
    there are TimeBucket, StretchId, and AdmissibleSeconds of the bucket.

    `cancelled`: with the cancelled rows, which no other frame has, and with the table as the source has it, before any
    transform, for these see none; so `market_states` is "any". A cancelled row makes no bucket all the same.
    """

    table: str
    market_states: States = "default"
    cancelled: bool = False

    def __attrs_post_init__(self) -> None:
        if self.cancelled and self.market_states != "any":
            raise PluginError(f"Rows of {self.table!r} with cancelled ones are of every state: add market_states='any'")


@attrs.frozen
class Intervals:
    """The frame of pieces of time on which the table's latest row is in force, split at edges of buckets and stretches.

    Each has the columns of that row, and `Seconds`, its length above 0; they cover the admissible time of each bucket,
    so where no row is in force yet every column is null, EventTimestamp too. `market_states` say what is admissible
    and drop no row: one of another state ends the piece before it. `max_age` (ns): where its row is older, a piece is
    as if none were in force.
    """

    table: str
    market_states: States = "default"
    max_age: int | None = None
    memory: Memory = "date"


@attrs.frozen
class Grid:
    """The frame of points `step` (ns) apart, from the origin of the buckets, inside stretches.

    At each, every sample of the part has its last valid value at a row stamped up to it (before it, where buckets are
    closed on the left), and `{sample}Before` what it was one step before; null where that lies in another stretch.
    EventTimestamp is the point, and `Step` its number from the origin. A point belongs to the bucket that the step
    before it lies in. `max_age` (ns): older values are null.
    """

    table: str
    step: int
    market_states: States = "default"
    max_age: int | None = None
    memory: Memory = "date"


Reads = Rows | Intervals | Grid


@attrs.frozen(eq=False)
class Part:
    """One grouped aggregation: `metrics` over the rows of `reads` that are `valid` and pass `where`.

    Rows that are not valid are no rows at all; rows that only fail `where` still make a bucket of the sparse
    timeline. `derive`: named row expressions, evaluated after both filters. `samples`: of a grid, named expressions
    over one row of the table, null where it is not valid. `where` is of rows and of events (`memory = "stretch"`): of
    states, pieces and samples that fail a filter are nulled by the module, for they end what was before.
    `makes_buckets` False: a count of what was dropped must not make the bucket it counts in.
    """

    reads: Reads
    metrics: Sequence[Metric]
    derive: Mapping[str, pl.Expr] = attrs.field(factory=dict)
    valid: pl.Expr | None = None
    where: pl.Expr | None = None
    makes_buckets: bool = True
    samples: Mapping[str, pl.Expr] = attrs.field(factory=dict)


class BucketModule:
    """Metrics over the rows of a bucket.

    `table` names what it reads, `further` what its parts may read beside; `Config` is an attrs class of options. An
    instance is one configured use: `config`; `columns`, the dtypes of the table's columns as the pass has them; `rule`,
    its buckets; `known_after`, of columns that are known later than their row, how much later. Building collects no
    data.
    """

    name: ClassVar[str]
    table: ClassVar[str]
    further: ClassVar[Sequence[str]] = ()
    Config: ClassVar[type] = NoOptions

    def __init__(
        self,
        config: Any,
        columns: Mapping[str, pl.DataType],
        rule: BucketRule | None = None,
        known_after: Mapping[str, Lag] = MappingProxyType({}),
    ) -> None:
        self.config = config
        self.columns = columns
        self.rule = rule
        self.known_after = known_after

    @classmethod
    def beside(cls, config: Any) -> "type[FrameModule] | None":
        """A frame module that computes further columns of the same entry, under the same options, which may leave
        nothing to the parts; none unless overridden."""
        return None

    @property
    def reads(self) -> Rows:
        """The frame; `market_states` of the configuration where it has that option."""
        return Rows(self.table, states(getattr(self.config, "market_states", None)))

    def valid(self) -> pl.Expr | None:
        """Rows that count at all; None: all of them. The engine has dropped cancelled rows already."""
        return None

    def where(self) -> pl.Expr | None:
        """One row predicate, after `valid`; None: every row."""
        return None

    def derive(self) -> Mapping[str, pl.Expr]:
        """Named row expressions for the metrics, private to the module."""
        return {}

    def metrics(self) -> Iterable[Metric]:
        """The metrics this configuration emits, in order."""
        return ()

    def parts(self) -> Sequence[Part]:
        """The aggregations; one, unless groups of the configuration read other frames."""
        return [Part(self.reads, tuple(self.metrics()), self.derive(), self.valid(), self.where())]


def states(configured: str | Sequence[str] | None) -> States:
    """The `market_states` of a frame from an option's value: None is the default, "all" every state but CLOSED, and
    rows whose state is null."""
    if configured is None:
        return "default"
    names = [configured] if isinstance(configured, str) else list(configured)
    return (*ALL_STATES, "null") if "all" in names else tuple(names)


@attrs.frozen
class PassContext:
    """What a frame module or transform may know of the pass it runs in.

    `previous`: the dates whose rows stand in front of the day's in its source, oldest first. `market_states`: the
    states that count for a module that sets none. `sides`: the side outputs that somebody asks for. `sessions`: start
    and end of the date's, both included, in UTC nanoseconds, where the pass names hours; a module whose table has no
    state leaves out the rows outside. `touched`: (keys, TimeBucket) of the buckets that tables make, where the pass has
    no others; None: any may be.
    """

    name: str
    date: date
    keys: Sequence[str]
    rule: BucketRule | None
    shared_sequence: bool = False
    previous: Dates = ()
    market_states: States = "default"
    sides: frozenset[str] = frozenset()
    sessions: Sequence[tuple[int, int]] | None = None
    touched: pl.LazyFrame | None = attrs.field(default=None, eq=False)


@attrs.frozen(eq=False)
class WithSides:
    """What a frame module computed: its rows, and side outputs by name, those at least that `pass_.sides` asks for."""

    rows: pl.LazyFrame
    sides: Mapping[str, pl.LazyFrame]


class FrameModule(ABC):
    """Work that is not an aggregation: `compute` turns whole frames into rows of (keys, TimeBucket, columns).

    `inputs` names the tables it reads; the name "source" stands for the earlier pass its entry names. The first says
    whose rows it has: before tables, the source gives the pass its keys and buckets; behind them it is looked up.
    `optional`: further tables, read where the source has them. `valid`: by table, which of its rows count; others make
    no bucket. `scope`: how far its input may be cut. `history`: how many previous dates of the source stand in front of
    the day's rows, told apart by the column Date; those never published are left out, and with fewer than
    `least_history` the partition fails. `keys`: what its rows are unique by beside TimeBucket; None: the keys of the
    pass. `sides`: the side outputs it can make, each a table with the key of its rows. All may be properties of the
    configured instance, but for `inputs` and `optional`, which `reads` tells under its options. `whole_book`: it
    follows orders, so that a source whose l3 lacks some of a book is refused.

    An instance is one configured use: `config`, `columns_of` (dtypes of each table input) and `source` (the described
    earlier pass).
    """

    name: ClassVar[str]
    inputs: ClassVar[Sequence[str]] = ("source",)
    optional: ClassVar[Sequence[str]] = ()
    valid: Mapping[str, pl.Expr] = MappingProxyType({})
    scope: Scope = "listing"
    history: int = 0
    least_history: int = 0
    keys: Sequence[str] | None = None
    sides: Sequence[TableSchema] = ()
    whole_book: ClassVar[bool] = False
    Config: ClassVar[type] = NoOptions

    def __init__(
        self,
        config: Any,
        columns_of: Mapping[str, Mapping[str, pl.DataType]],
        source: PassResult | None,
        rule: BucketRule | None,
    ) -> None:
        self.config = config
        self.columns_of = columns_of
        self.source = source
        self.rule = rule
        self.prepare()

    def prepare(self) -> None:  # noqa: B027 - most have nothing to prepare
        """Called when an instance is made: to check the options against the tables, and to keep what they come to.
        UserError for what cannot be."""

    @classmethod
    def reads(cls, config: Any) -> tuple[Sequence[str], Sequence[str]]:
        """`inputs` and `optional` under these options; the class's own unless overridden."""
        return cls.inputs, cls.optional

    @abstractmethod
    def columns(self) -> Sequence[ResultColumn]:
        """The described columns `compute` adds to the keys, in order; the contract kit compares."""

    @abstractmethod
    def compute(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> pl.LazyFrame | WithSides:
        """Rows of keys, TimeBucket and `columns()`; inputs come sorted by (key, time). Collects nothing."""

    def computed(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> WithSides:
        """What `compute` gives, side outputs or none."""
        found = self.compute(inputs, pass_)
        return found if isinstance(found, WithSides) else WithSides(found, {})
