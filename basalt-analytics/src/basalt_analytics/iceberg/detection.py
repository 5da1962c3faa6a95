"""Icebergs of many listings: each replayed by the compiled loop, and what it finds written as columns."""

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.tables import NS_UTC, SIDE
from basalt_analytics.iceberg.events import COUNTS
from basalt_analytics.iceberg.options import DetectionOptions
from basalt_analytics.iceberg.tables import ENDS, ICEBERG_END, ICEBERG_KIND, KINDS
from basalt_analytics.l3.encoding import encoded, with_snapshots
from basalt_analytics.l3.inputs import Columns
from basalt_analytics.l3.listings import each_listing

if TYPE_CHECKING:
    from basalt_analytics.kernels.iceberg import Chains, Rules

Array = NDArray[Any]
_ROW, _CHAIN = "_Row", "_Chain"
FITS = ("any", "equal", "not_larger")
_OF_ROWS: dict[str, Any] = {
    "IcebergId": pl.Int64,
    "IcebergKind": ICEBERG_KIND,
    "IcebergSide": SIDE,
    "Confirmed": NS_UTC,
    "Executed": pl.Float64,
    "HiddenSize": pl.Float64,
    "Peak": pl.Float64,
}
_OF_CHAINS: dict[str, Any] = {
    "IcebergId": pl.Int64,
    "IcebergKind": ICEBERG_KIND,
    "Side": SIDE,
    "Price": pl.Float64,
    "FirstTimestamp": NS_UTC,
    "EventTimestamp": NS_UTC,
    "AmbiguousLinks": pl.Int64,
    "End": ICEBERG_END,
    "EndTimestamp": NS_UTC,
    "EndCounts": pl.Boolean,
}


@attrs.frozen(eq=False)
class Detected:
    """What was found.

    `rows`: events that execute an order or begin a tranche of a chain, with the columns of events and, added, Executed
    (null where nothing was), and of icebergs IcebergId, IcebergKind, IcebergSide, when it is Confirmed, HiddenSize, and
    the Peak of the tranche that begins; these are null for orders that are none. `chains`: a row an iceberg.
    """

    rows: pl.DataFrame
    chains: pl.DataFrame

    @staticmethod
    def dtypes(events: Columns) -> pl.Schema:
        """Dtypes of `together`."""
        rows, chains = {**events, **_OF_ROWS}, {"ListingId": events["ListingId"], **_OF_CHAINS}
        return pl.Schema({_ROW: pl.Struct(rows), _CHAIN: pl.Struct(chains)})

    @property
    def together(self) -> pl.DataFrame:
        """Both as one table."""
        parts = {_ROW: self.rows, _CHAIN: self.chains}
        return pl.concat([part.select(pl.struct(pl.all()).alias(name)) for name, part in parts.items()], how="diagonal")

    @classmethod
    def apart(cls, together: pl.DataFrame) -> "Detected":
        """Out of that table."""
        rows, chains = (together[name].drop_nulls().struct.unnest() for name in (_ROW, _CHAIN))
        return cls(rows, chains)


def detected(events: pl.DataFrame, config: DetectionOptions) -> Detected:
    """The icebergs of every listing; the events of each stand together."""
    rows = [events.clear().with_columns(pl.lit(None, dtype).alias(name) for name, dtype in _OF_ROWS.items())]
    chains = [pl.DataFrame(schema={"ListingId": events.schema["ListingId"], **_OF_CHAINS})]
    for one in each_listing(events):
        found = _of_listing(one, config)
        rows.append(found.rows)
        chains.append(found.chains)
    return Detected(pl.concat(rows), pl.concat(chains))


def _of_listing(events: pl.DataFrame, config: DetectionOptions) -> Detected:
    from basalt_analytics.kernels.iceberg import chains

    dense, counted = encoded(with_snapshots(events, None)), events[COUNTS].to_numpy()
    times = events["EventTimestamp"].to_physical().to_numpy()
    found = chains(*dense.events, times, counted, dense.orders, max(dense.ranks, 1), _rules(config))
    whole = _chains(events, found)
    return Detected(_rows(events, found, whole), whole.filter(pl.col("IcebergKind").is_not_null()))


def _rules(config: DetectionOptions) -> "Rules":
    from basalt_analytics.kernels.iceberg import Rules

    return Rules(
        "excess" in config.detect,
        "refill" in config.detect,
        "synthetic" in config.detect,
        config.refilled_within,
        config.replaced_within,
        FITS.index(config.synthetic_size),
        config.min_tranches,
        config.min_hidden,
    )


def _chains(events: pl.DataFrame, found: "Chains") -> pl.DataFrame:
    """A row a chain, icebergs or not."""
    time = events["EventTimestamp"]
    columns = {
        "ListingId": at(events["ListingId"], found.first),
        "IcebergId": pl.Series(found.first).cast(pl.Int64),
        "IcebergKind": at(pl.Series(KINDS, dtype=ICEBERG_KIND), found.kind),
        "Side": at(events["Side"].cast(SIDE), found.first),
        "Price": at(events["Price"], found.first),
        "FirstTimestamp": at(time, found.first),
        "EventTimestamp": at(time, found.confirmed),
        "AmbiguousLinks": pl.Series(found.ambiguous).cast(pl.Int64),
        "End": at(pl.Series(ENDS, dtype=ICEBERG_END), found.end),
        "EndTimestamp": at(time, found.end_row),
        "EndCounts": at(events[COUNTS], found.end_row),
    }
    return pl.DataFrame(columns)


def _rows(events: pl.DataFrame, found: "Chains", chains: pl.DataFrame) -> pl.DataFrame:
    """The events that matter, with what they are to icebergs."""
    x = pl.col("ExecutionSize")
    fill = x.is_finite() & (x > 0) & (pl.col("Action") != "Insert")
    executed = events.select(pl.when(fill).then(x).cast(pl.Float64)).to_series()
    own = np.flatnonzero((found.of >= 0) | executed.is_not_null().to_numpy())
    of, executed = found.of[own], executed[own]
    hidden = pl.Series(found.hidden[own])
    added = {
        "IcebergId": at(chains["IcebergId"], of),
        "IcebergKind": at(chains["IcebergKind"], of),
        "IcebergSide": at(chains["Side"], of),
        "Confirmed": at(chains["EventTimestamp"], of),
        "HiddenSize": hidden.zip_with(executed.is_not_null(), hidden.clear(1)),
        "Peak": pl.Series(found.peaks[own], nan_to_null=True),
    }
    iceberg = added["IcebergKind"].is_not_null()
    kept = [series.zip_with(iceberg, series.clear(1)).alias(name) for name, series in added.items()]
    return events[own].with_columns(*kept, executed.alias("Executed")).select(*events.columns, *_OF_ROWS)


def at(values: pl.Series, places: Array) -> pl.Series:
    """The values at these places, null where one is below 0."""
    index = pl.Series(places)
    return values.gather(index.zip_with(index >= 0, index.clear(1)))
