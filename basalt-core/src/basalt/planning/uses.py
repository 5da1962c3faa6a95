"""Uses: module entries of a pass, configured. A *place* is the key path an error names: `passes.bars.modules[0]`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
import polars as pl

from basalt.buckets import BucketRule
from basalt.config.model import ModuleEntry, PassConfig
from basalt.config.structure import check_reserved, structure
from basalt.documents import PassResult
from basalt.errors import BasaltError, DataError, PluginError, UserError, one_line
from basalt.modules import BucketModule, FrameModule, Lag, Part
from basalt.options import anchored
from basalt.planning.known import Columns, Known
from basalt.planning.rules import bucket_rule
from basalt.planning.substitutes import check_substitutes
from basalt.plugins.components import Component
from basalt.running.frames import Frame
from basalt.tables import US_UTC

Lags = Mapping[str, Mapping[str, Lag]]
"""By table and column, how much later than its row it is known, where it is later."""
NOUNS = {"analytics": "module", "transforms": "transform"}


@attrs.frozen(eq=False)
class Use:
    """One module entry: where it stands, what it is, and the configured module with the parts it computes.

    A frame module has no parts, but `inputs`: the tables it reads, of the optional ones those that are there; `rule`:
    the pass's buckets as they are over the pass it reads; and `frame`: the rows whose stretches its values are carried
    in, None where the date is one stretch.
    """

    place: str
    entry: ModuleEntry
    component: Component
    module: BucketModule | FrameModule
    parts: Sequence[Part] = ()
    inputs: tuple[str, ...] = ()
    rule: BucketRule | None = None
    frame: Frame | None = None

    @property
    def title(self) -> str:
        """`module trade (basalt-analytics 0.1.0)`, for messages."""
        return _title(self.component)

    @property
    def over(self) -> PassResult | None:
        """The earlier pass whose rows, keys and buckets a frame module takes up; None where tables come first."""
        return self.module.source if isinstance(self.module, FrameModule) and self.inputs[:1] == ("source",) else None


def uses(config: PassConfig, columns_of: Mapping[str, Columns], known: Known, lags: Lags) -> list[Use]:
    """The pass's module entries, configured in order; UserError for the first that cannot be."""
    if not config.modules:
        raise UserError(f"passes.{config.name} has no modules: add [[passes.modules]] with module = a name")
    return [one for i, entry in enumerate(config.modules) for one in _uses(config, i, entry, columns_of, known, lags)]


def _uses(
    config: PassConfig, i: int, entry: ModuleEntry, columns_of: Mapping[str, Columns], known: Known, lags: Lags
) -> Iterator[Use]:
    """One, but for a bucket module that has frame modules beside it."""
    place = f"passes.{config.name}.modules[{i}]"
    component = known.registry.get("analytics", entry.module)
    made = component.load()
    check_reserved(made.Config, "analytics", _title(component))
    options = anchored(structure(made.Config, entry.options, place), known.folder)
    with door(place, component):
        if not issubclass(made, BucketModule):
            yield _frame_use(place, entry, component, made, options, config, columns_of, known)
            return
        columns, beside = _table(entry, made, columns_of, known), made.beside(options)
        module = made(options, columns, bucket_rule(config), lags.get(_read(made.table, entry), {}))
        further = [name for names in beside.reads(options) for name in names] if beside else []
        use = _bucket_use(place, entry, component, module, attrs.evolve(known, columns_of=columns_of), further)
        if use.parts:
            yield use
        if beside:
            own = (made.table, *made.further)
            yield _frame_use(place, entry, component, beside, options, config, columns_of, known, own)


def _frame_use(
    place: str,
    entry: ModuleEntry,
    component: Component,
    made: type[FrameModule],
    options: Any,
    config: PassConfig,
    columns_of: Mapping[str, Columns],
    known: Known,
    beside: Sequence[str] = (),
) -> Use:
    """`beside`: tables that the rest of the entry reads."""
    wanted, further = made.reads(options)
    there = [name for name in further if _read(name, entry) in columns_of]
    asker, inputs = f"module {entry.module}", (*wanted, *there)
    if made.whole_book:
        check_whole_book(f"{place}: {asker}", known)
    names = [name for name in inputs if name != "source"]
    tables = {name: _found(_read(name, entry), asker, columns_of, known) for name in names}
    check_substitutes(entry, [*tables, *beside], attrs.evolve(known, columns_of=columns_of))
    source = _source(wanted, entry, known)
    rule = bucket_rule(config, source if inputs[:1] == ("source",) else None)
    return Use(place, entry, component, made(options, tables, source, rule), inputs=inputs, rule=rule)


def check_whole_book(asker: str, known: Known) -> None:
    """UserError for one that follows orders where the source has only a part of them."""
    if not known.complete_book:
        raise UserError(
            f"{asker} follows all orders of a book, and the l3 of source {known.source!r} holds only a part of them: "
            "read the books that the source has as l2"
        )


def _bucket_use(
    place: str,
    entry: ModuleEntry,
    component: Component,
    module: BucketModule,
    known: Known,
    beside: Sequence[str],
) -> Use:
    """`beside`: tables that the rest of the entry reads."""
    own = tuple(module.parts())
    check_substitutes(entry, [*(part.reads.table for part in own), *beside], known, any_key=not beside)
    for part in own:
        known.table(_read(part.reads.table, entry), f"module {entry.module}")
    parts = [attrs.evolve(part, reads=attrs.evolve(part.reads, table=_read(part.reads.table, entry))) for part in own]
    use = Use(place, entry, component, module, tuple(parts))
    names = [metric.name for part in use.parts for metric in part.metrics]
    if not names and module.beside(module.config) is None:
        raise PluginError(f"{place}: {use.title} emits no metric with these options")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PluginError(f"{place}: {use.title} emits {', '.join(twice)} more than once")
    return use


@contextmanager
def door(place: str, component: Component) -> Iterator[None]:
    """Where a module's own code is called while planning: what it raises gets the place, and its owner."""
    try:
        yield
    except DataError:
        raise
    except UserError as error:
        raise UserError(f"{place}: {error}") from error
    except BasaltError as error:
        said = str(error)
        raise type(error)(said if said.startswith(place) else f"{place}: {_title(component)}: {said}") from error
    except Exception as error:
        raise PluginError(f"{place}: {_title(component)} raised {one_line(error)}") from error


def _table(entry: ModuleEntry, made: type[BucketModule], columns_of: Mapping[str, Columns], known: Known) -> Columns:
    if entry.source is not None:
        raise UserError(f"module {entry.module} reads table {made.table!r}, not an earlier pass: drop `source`")
    return _found(_read(made.table, entry), f"module {entry.module}", columns_of, known)


def _read(table: str, entry: ModuleEntry) -> str:
    """What the entry puts in the table's place."""
    return entry.tables.get(table, table)


def _found(name: str, asker: str, columns_of: Mapping[str, Columns], known: Known) -> Columns:
    return columns_of[name] if name in columns_of else known.table(name, asker)


def _source(wanted: Sequence[str], entry: ModuleEntry, known: Known) -> PassResult | None:
    if "source" not in wanted:
        if entry.source is not None:
            raise UserError(
                f"module {entry.module} reads {_listed(wanted)} with these options, and no earlier pass: drop `source`"
            )
        return None
    passes: Sequence[str] = list(known.results)
    if entry.source is None:
        raise UserError(f"module {entry.module} reads an earlier pass: add source = one of {_listed(passes)}")
    if entry.source in known.results:
        return known.results[entry.source]
    if entry.source in known.published:
        return known.published[entry.source]
    there = ", ".join(map(repr, known.published))
    raise UserError(
        f"source = {entry.source!r} is no earlier pass; earlier passes: {_listed(passes)}"
        + (f"; published results that source {known.source!r} has: {there}" if there else "")
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(n) for n in names) or "none (put the pass it reads before this one)"


def _title(component: Component) -> str:
    owner = component.owner
    return f"{NOUNS[component.kind]} {component.name} ({' '.join(filter(None, [owner.distribution, owner.version]))})"


def frame_inputs(
    use: Use, tables: Mapping[str, pl.LazyFrame], results: Mapping[str, pl.LazyFrame]
) -> dict[str, pl.LazyFrame]:
    """What a frame module's `compute` gets: its tables, and the earlier pass as "source"."""
    assert isinstance(use.module, FrameModule)
    names = {name: _read(name, use.entry) for name in use.inputs}
    return {n: results[str(use.entry.source)] if n == "source" else tables[read] for n, read in names.items()}


def empty_inputs(
    use: Use, columns_of: Mapping[str, Columns], results: Mapping[str, PassResult]
) -> dict[str, pl.LazyFrame]:
    """The same without rows; a source of several dates with its column Date."""
    assert isinstance(use.module, FrameModule)
    names = [_read(name, use.entry) for name in use.inputs if name != "source"]
    tables = {name: pl.LazyFrame(schema=dict(columns_of[name])) for name in names}
    inputs = frame_inputs(use, tables, {name: empty_result(result) for name, result in results.items()})
    if use.module.history and "source" in inputs:
        inputs["source"] = inputs["source"].with_columns(Date=pl.lit(None, pl.Date))
    return inputs


def empty_result(result: PassResult) -> pl.LazyFrame:
    """A pass's result without rows."""
    keys = dict(zip(result.keys, result.key_dtypes, strict=True))
    return pl.LazyFrame(schema={**keys, "TimeBucket": US_UTC, **{c.name: c.dtype for c in result.columns}})
