"""Laws that every analytic keeps, ours and yours, and `AnalyticLaws`, which turns them into tests.

    from basalt.testing import AnalyticLaws
    from desk_spreads import desk_spread

    class TestDeskSpread(AnalyticLaws):
        analytic = desk_spread

A *law* is a name and a function that yields complaints about one trial: an analytic on one sample day. A complaint is
a clause that names the column, how many rows, and one of them; none means that the day could not falsify the law.
Nothing here needs pytest, so that a command can prove an analytic where pytest is not installed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import attrs
import polars as pl

from basalt.buckets import utc
from basalt.documents import ResultColumn
from basalt.metrics import Known
from basalt.testing.building import build, watched
from basalt.testing.changes import (
    DESCRIBING,
    STAMP,
    as_they_came,
    emptied,
    only,
    power,
    scaled,
    scaled_entry,
    shuffled,
    until,
)
from basalt.testing.days import DAYS
from basalt.testing.differences import clock, differences
from basalt.testing.trials import Frames, Setting, Trial

TIMES = 16.0
"""What prices and sizes are multiplied by: a power of two, so that nothing is rounded, with an exact root."""
UNSCALED = frozenset(("scale_dependent", "mixed_unit"))
PIECE = 10
"""Rows the engine takes at a time where it is made to work in pieces: few enough that a lost order shows."""


@attrs.frozen
class Law:
    """`once`: the day's rows do not matter, so that one day is enough."""

    name: str
    complaints: Callable[[Trial], Iterator[str]]
    once: bool = False

    def broken(self, trials: Sequence[Trial]) -> str | None:
        """The first complaint, in a sentence, or None where no trial falsifies the law."""
        for trial in trials[:1] if self.once else trials:
            for complaint in self.complaints(trial):
                return f"{self.name}: {complaint}, on the sample day {trial.day!r}"
        return None


def schema(trial: Trial) -> Iterator[str]:
    """What is computed has the declared names, order and dtypes."""
    found = trial.whole.schema
    if list(found) != list(trial.declared):
        yield f"the columns are {', '.join(found)}, declared are {', '.join(trial.declared)}"
    for name, dtype in trial.declared.items():
        if name in found and found[name] != dtype:
            yield f"{name} is declared as {dtype} and is {found[name]}: cast it, or declare that dtype"


def empty(trial: Trial) -> Iterator[str]:
    """No rows in, no rows out, and every declared column is there."""
    for frames, before, what in (
        (emptied(trial.frames), None, "its tables have no rows"),
        (emptied(trial.frames, keep=DESCRIBING), trial.frames, "nothing happens"),
    ):
        rows = trial.run(frames, before)
        if rows.height:
            yield f"a row comes out when {what}: {rows.row(0, named=True)}"
        if dict(rows.schema) != dict(trial.declared):
            yield f"the columns are {dict(rows.schema)} when {what}, declared are {dict(trial.declared)}"


def isolation(trial: Trial) -> Iterator[str]:
    """A listing gives the same alone as among others (an instrument, where that is the scope)."""
    key, schemas = trial.program.key, trial.plan.schemas
    groups = _groups(trial)
    for whose, of_tables, values in groups if len(groups) > 1 else []:
        alone = trial.run(only(trial.frames, of_tables, values, schemas))
        among = trial.whole.filter(pl.col(key).is_in(whose))
        yield from _differences(trial, among, alone, f"when {key} {_listed(whose)} was alone")


def look_ahead(trial: Trial) -> Iterator[str]:
    """What is final at a time is not changed by what happens later."""
    end = trial.rule.interval_end(pl.col("TimeBucket"))
    whole = trial.whole.with_columns(End=end)
    lags = {column.name: _nanoseconds(column.known_after) for column in trial.columns}
    for cut in _cuts(trial, [lag for lag in set(lags.values()) if lag is not None]):
        early = trial.run(until(trial.frames, cut, trial.plan.schemas), trial.frames).with_columns(End=end)
        for lag in sorted({lag for lag in lags.values() if lag is not None}):
            final = pl.col("End") <= cut - lag
            names = [name for name, known_after in lags.items() if known_after == lag]
            for found in differences(early.filter(final), whole.filter(final), trial.keys, names):
                yield found.when(f"that were final at {clock(utc(cut))} when later rows were added")


def row_order(trial: Trial) -> Iterator[str]:
    """Rows may come in any order, where no tie is decided by it, and in pieces of any size."""
    schemas = trial.plan.schemas
    for frames, what in (
        (as_they_came(trial.frames, schemas), "when the listings' rows came mixed in order of time"),
        (shuffled(trial.frames, schemas), "when untied rows came in another order"),
    ):
        yield from _differences(trial, trial.whole, trial.run(frames), what)
    with pl.Config(streaming_chunk_size=PIECE):
        pieces = trial.run(trial.frames)
    yield from _differences(trial, trial.whole, pieces, "when the rows came in small pieces")


def unit_scaling(trial: Trial) -> Iterator[str]:
    """Prices or sizes multiplied, every column answers as its unit says."""
    for what, price, size in (("prices", TIMES, 1.0), ("sizes", 1.0, TIMES)):
        factors = {c.name: f for c in trial.columns if (f := _factor(c, price, size)) is not None}
        found = _scaled_trial(trial, price, size).run(scaled(trial.frames, price, size, trial.plan.schemas))
        expected = trial.whole.with_columns(pl.col(name) * factor for name, factor in factors.items() if factor != 1)
        for difference in differences(expected, found, trial.keys, list(factors)):
            yield difference.when(f"from what its unit says when all {what} were multiplied by {TIMES:g}")


def laziness(trial: Trial) -> Iterator[str]:
    """Building a module, and a frame module's `compute`, read no rows: they return what the engine collects."""
    for program in trial.plan.programs:
        for use in trial.uses_of(program):
            with watched() as places:
                made = build(use, program, trial.plan)
            if places:
                yield f"{use.entry.module} runs a query at {places[0]}: return expressions and lazy frames"
            if made is not None and not isinstance(made, pl.LazyFrame):
                yield f"compute of {use.entry.module} returns a {type(made).__name__}: return a LazyFrame"


def nan_free(trial: Trial) -> Iterator[str]:
    """What is not defined is null: NaN and infinity never come out."""
    floats = [name for name, dtype in trial.whole.schema.items() if dtype.is_float()]
    wrong = trial.whole.select((~pl.col(floats).is_finite()).sum())
    for name in floats:
        if rows := wrong.item(0, name):
            yield f"{name} is NaN or infinite in {rows} rows: divide with ratio, and mind the values of bad rows"


LAWS = (
    Law("schema", schema),
    Law("empty", empty, once=True),
    Law("isolation", isolation),
    Law("look-ahead", look_ahead),
    Law("row order", row_order),
    Law("unit scaling", unit_scaling),
    Law("laziness", laziness, once=True),
    Law("NaN-free", nan_free),
)


class AnalyticLaws:
    """The laws as tests of one analytic: name the subclass `Test…` and set `analytic`.

    `analytic`: an `@analytic` function, a module class, a name, or a table of options as in a pipeline file. `every`
    and `options` are keys of its pass. `source`: modules of the pass it reads, of width `source_every`; one that looks
    back sees that pass on two previous dates, the day again and its morning. `days`: the sample days, of
    `basalt.testing.days.DATE`; set your own, with a value in every column, where these have none.
    """

    analytic: ClassVar[Any]
    every: ClassVar[str] = "1m"
    options: ClassVar[Mapping[str, Any]] = {}
    source: ClassVar[Sequence[Any]] = ()
    source_every: ClassVar[str] = "1m"
    days: ClassVar[Mapping[str, Callable[[], Frames]]] = DAYS

    def test_what_is_computed_is_what_is_declared(self) -> None:
        self._keeps("schema")

    def test_no_rows_in_give_no_rows_out(self) -> None:
        self._keeps("empty")

    def test_a_listing_alone_gives_the_same_as_among_others(self) -> None:
        self._keeps("isolation")

    def test_later_rows_change_nothing_that_was_final(self) -> None:
        self._keeps("look-ahead")

    def test_the_order_of_untied_rows_does_not_matter(self) -> None:
        self._keeps("row order")

    def test_values_scale_as_their_unit_says(self) -> None:
        self._keeps("unit scaling")

    def test_building_runs_no_query(self) -> None:
        self._keeps("laziness")

    def test_nan_and_infinity_never_come_out(self) -> None:
        self._keeps("NaN-free")

    def _keeps(self, name: str) -> None:
        law = next(law for law in LAWS if law.name == name)
        if complaint := law.broken(_trials(type(self))):
            raise AssertionError(complaint)


_made: dict[type[AnalyticLaws], list[Trial]] = {}


def _trials(laws: type[AnalyticLaws]) -> list[Trial]:
    """The trials of a class, made once; AssertionError where they could prove nothing."""
    if laws in _made:
        return _made[laws]
    setting = Setting(laws.analytic, laws.every, laws.options, laws.source, laws.source_every, laws.days)
    trials = setting.trials()
    if not any(trial.whole.height for trial in trials):
        raise AssertionError("no sample day gives the analytic a row, so no law is tried: set `days` to days that do")
    _made[laws] = trials
    return trials


def _differences(trial: Trial, before: pl.DataFrame, after: pl.DataFrame, when: str) -> Iterator[str]:
    for difference in differences(before, after, trial.keys, [c.name for c in trial.columns]):
        yield difference.when(when)


def _groups(trial: Trial) -> list[tuple[list[Any], str, list[Any]]]:
    """What must not know of the rest: listings, or the listings of an instrument; none where the scope is all. Of each
    the values of the pass's key, and the key and values by which tables are cut."""
    scopes = {program.scope for program in trial.plan.programs}
    key, schemas = trial.program.key, trial.plan.schemas
    if "universe" in scopes:
        return []
    keyed = [frame[key] for name, frame in trial.frames.items() if schemas[name].events and schemas[name].key == key]
    values = pl.concat(keyed).unique().sort().to_list() if keyed else []
    if keyed and "instrument" not in scopes:
        return [([value], key, [value]) for value in values]
    reference = trial.setting.days[trial.day]()["reference"]
    if not keyed:  # rows by instrument, made of listings'
        listings = reference.group_by("InstrumentId", maintain_order=True).agg("ListingId").rows()
        return [([instrument], "ListingId", ids) for instrument, ids in listings]
    of_instruments = reference.filter(pl.col(key).is_in(values)).group_by("InstrumentId", maintain_order=True).agg(key)
    return [(ids, key, ids) for ids in of_instruments[key].to_list()]


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(map(str, values))


def _cuts(trial: Trial, lags: Sequence[int]) -> list[int]:
    """Times (ns) to cut the day at: edges of buckets, the end of a lag after each, inside a bucket, at tied stamps."""
    ends = trial.whole.select(trial.rule.interval_end(pl.col("TimeBucket")).unique().sort()).to_series().to_list()
    if not ends:
        return []
    early, middle, late = (ends[len(ends) * part // 4] for part in (1, 2, 3))
    return sorted(
        {*(edge + lag for edge in (early, late) for lag in lags), middle + trial.rule.every // 2, *_ties(trial)}
    )


def _ties(trial: Trial) -> list[int]:
    """A stamp in the middle of the day that rows of one listing share, in the table with the most events."""
    events = [name for name in trial.frames if trial.plan.schemas[name].events]
    table = max(events, key=lambda name: trial.frames[name].height)
    stamps = trial.frames[table].group_by(trial.plan.schemas[table].key, At=STAMP).len().filter(pl.col("len") > 1)
    return stamps["At"].sort().slice(stamps.height // 2, 1).to_list()


def _nanoseconds(lag: timedelta | Known) -> int | None:
    """None for what is known only when the date is over: no cut can falsify it."""
    return None if isinstance(lag, Known) else lag // timedelta(microseconds=1) * 1000


def _factor(column: ResultColumn, price: float, size: float) -> float | None:
    return None if column.traits & UNSCALED else power(column.unit, price, size)


def _scaled_trial(trial: Trial, price: float, size: float) -> Trial:
    """The same trial with options that are prices or sizes multiplied along."""
    setting = trial.setting
    configs = {id(use.entry): use.module.config for use in trial.uses}
    entries = [entry for p in trial.plan.programs for entry in p.config.modules]
    changed = [scaled_entry(entry, configs[id(entry)], price, size) for entry in entries]
    return trial if changed == entries else setting.trial(trial.day, changed)
