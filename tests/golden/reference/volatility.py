"""Module l2_volatility: returns on grids and from row to row, one listing at a time."""

from collections.abc import Callable, Mapping, Sequence
from math import sqrt
from typing import Any, NamedTuple

from . import estimators as est
from .book_bars import Book, bar_of
from .book_groups import Rows
from .clock import Row, Rule, nanoseconds
from .day import Cell, Column, Predicate, Table
from .grids import Returns, memories, of_events, on_grid
from .intervals import admissible
from .values import highest, last, lowest, mean, median, ratio, std

DEFAULT = {"sources": ["Mid"], "sampling": ["1s"], "measures": ["RV", "Vol", "AnnVol"]}
RANGES: dict[str, Callable[..., float]] = {
    "Parkinson": est.parkinson,
    "GarmanKlass": est.garman_klass,
    "RogersSatchell": est.rogers_satchell,
}
EDGES = ("Open", "High", "Low", "Close")
WINDOWS: dict[str, Callable[[Sequence[float]], Any]] = {
    "Min": lowest,
    "Max": highest,
    "Mean": mean,
    "Median": median,
    "Std": std,
    "Last": last,
}
STRIDED = ("RVSub", "TSRV", "TSRVAdj")


class Sample:
    """The returns of one bucket. `strides`: differences over K steps; `seconds`: the time that they cover."""

    def __init__(self, segments: Sequence[Returns], strides: Returns, seconds: float, step: float | None) -> None:
        self.segments, self.strides, self.seconds, self.step = segments, strides, seconds, step
        self.n = len(est.known(segments))


class Counted(NamedTuple):
    """Every row of a listing and whether it passes `where`; `told`: whether market states are."""

    rows: Sequence[tuple[Row, bool]]
    told: bool


def _counted(table: Table, where: Mapping[str, Predicate], options: Mapping[str, Any]) -> Counted:
    asked = where.get(options.get("where", ""), lambda row: True)
    return Counted([(row, asked(row) is True) for row in table.rows], table.changes is not None)


def volatility_bars(
    table: Table,
    rule: Rule,
    options: Mapping[str, Any],
    where: Mapping[str, Predicate],
    labels: Sequence[int],
) -> dict[str, Column]:
    """Columns by name, with a cell for every label."""
    asked = {**DEFAULT, **options}
    rows = Rows(table, rule, options, where)
    found: dict[str, Column] = {}
    for source in asked["sources"]:
        for sampling in asked["sampling"]:
            samples = _samples(_counted(table, where, asked), rows, source, sampling, asked, labels)
            token = "" if sampling == "event" else sampling
            for measure in asked["measures"]:
                if measure not in RANGES:
                    found |= _measured(f"{source}{measure}{token}", measure, samples, asked, rows)
            if token:
                found |= _windowed(f"{source}Vol{token}", samples, sampling, asked, rows)
        for measure in asked["measures"]:
            if measure in RANGES:
                found[f"{source}{measure}"] = _range(rows, source, measure, asked, labels)
    return {options.get("prefix", "") + k: v for k, v in found.items()}


def _samples(
    counted: Counted, rows: Rows, source: str, sampling: str, options: Mapping[str, Any], labels: Sequence[int]
) -> dict[int, Sample]:
    if sampling == "event":
        return _event_samples(rows, source, labels)
    every = [(Book(row, options, rows.depth), counts) for row, counts in counted.rows]
    timed = [(b.row["EventTimestamp"], b.price(source) if counts else None) for b, counts in every]
    step, stride = nanoseconds(sampling), options.get("subsample", 5)
    age = None if options.get("max_age") is None else nanoseconds(options["max_age"])
    strict = rows.rule.closed == "left"
    found = memories(timed, rows.time, strict, not counted.told)
    samples = {}
    for label in labels:
        interval = rows.rule.interval(label)
        returns = on_grid(found, interval, step, strict, age)
        strides = on_grid(found, interval, step, strict, age, stride)
        n = len(est.known([returns]))
        samples[label] = Sample([returns], strides, n * step / 1e9, step / 1e9)
    return samples


def _event_samples(rows: Rows, source: str, labels: Sequence[int]) -> dict[int, Sample]:
    timed = [(b.row["EventTimestamp"], b.price(source)) for b in rows.books]
    found = of_events(timed, rows.runs, rows.places)
    length = {k: admissible(rows.time, rows.rule.interval(k)) / 1e9 for k in labels}
    return {k: Sample(found.get(k, []), [], length[k], None) for k in labels}


def _measured(
    name: str, measure: str, samples: Mapping[int, Sample], options: Mapping[str, Any], rows: Rows
) -> dict[str, Column]:
    strided = f"{name}K{options.get('subsample', 5)}"
    if measure in STRIDED:
        name = strided
    if measure == "RK":
        name = f"{name}H{options.get('kernel_bandwidth', 5)}"
    values = {k: value(measure, sample, options) for k, sample in samples.items()}
    weights = {k: sample.n for k, sample in samples.items()}
    rollup = {"ReturnCount": "sum", "RV": "sum", "ZeroReturnShare": "mean"}.get(measure, "none")
    empty = "zero" if measure == "ReturnCount" else "null"
    cells = {k: Cell(x, weights[k]) for k, x in values.items()}
    found = {name: Column(cells, empty, rollup, rows.runs)}
    if measure in ("TSRV", "TSRVAdj"):
        flags = {k: Cell(None if x is None else x < 0) for k, x in values.items()}
        found[f"{name}Negative"] = Column(flags, "null", "none", rows.runs)
    return found


def _session(options: Mapping[str, Any]) -> float:
    """Seconds of the pass's session, else the usual ones."""
    hours = options.get("session")
    return 30600 if hours is None else (hours[1] - hours[0]) / 1e9


def value(measure: str, sample: Sample, options: Mapping[str, Any]) -> Any:
    """One measure of one bucket."""
    segments, corrected = sample.segments, options.get("bipower_correction", False)
    k, returns = options.get("subsample", 5), est.known(sample.segments)
    per_session, sessions = options.get("session_seconds", _session(options)), options.get("sessions_per_year", 252)
    if measure == "AnnVol":
        rv, share = est.variance(segments), ratio(per_session, sample.seconds)
        return None if rv is None or share is None else sqrt(rv * share * sessions)
    if measure in ("Std", "AnnStd"):
        spread = std(returns)
        factor = sqrt(per_session / sample.step * sessions) if measure == "AnnStd" and sample.step else 1.0
        return None if spread is None else spread * factor
    simple: dict[str, Callable[[], Any]] = {
        "ReturnCount": lambda: sample.n,
        "ZeroReturnShare": lambda: est.zero_share(segments),
        "RV": lambda: est.variance(segments),
        "Vol": lambda: None if not returns else sqrt(est.variance(segments) or 0.0),
        "BV": lambda: est.bipower(segments, corrected),
        "MinRV": lambda: est.min_variance(segments),
        "MedRV": lambda: est.median_variance(segments),
        "JumpShare": lambda: est.jump_share(segments, corrected),
        "RVSub": lambda: est.subsampled(segments, sample.strides, k),
        "TSRV": lambda: est.two_scales(segments, sample.strides, k)[0],
        "TSRVAdj": lambda: est.two_scales(segments, sample.strides, k)[1],
        "RK": lambda: est.kernel(segments, options.get("kernel_bandwidth", 5)),
        "NoiseVar": lambda: est.noise_variance(segments),
    }
    return simple[measure]()


def _windowed(
    name: str, samples: Mapping[int, Sample], sampling: str, options: Mapping[str, Any], rows: Rows
) -> dict[str, Column]:
    found = {}
    for window in options.get("windows", []):
        size = nanoseconds(window) // nanoseconds(sampling)
        cut = {k: est.windows(sample.segments[0], size) for k, sample in samples.items()}
        for aggregation in options.get("window_aggregations", ["Mean"]):
            cells = {k: Cell(_of_windows(aggregation, pairs)) for k, pairs in cut.items()}
            found[f"{name}Win{window}{aggregation}"] = Column(cells, "null", "none", rows.runs)
    return found


def _of_windows(aggregation: str, pairs: Sequence[tuple[float, int]]) -> Any:
    if aggregation == "WMean":
        return ratio(sum(v * n for v, n in pairs), sum(n for _, n in pairs))
    return WINDOWS[aggregation]([v for v, _ in pairs])


def _range(rows: Rows, source: str, measure: str, options: Mapping[str, Any], labels: Sequence[int]) -> Column:
    bars = {label: [rows.books[k] for k in those] for label, those in rows.places.items()}
    mode = options.get("open_mode", "prev_close")
    columns = bar_of(source, bars, rows.rule, rows.runs, mode)
    end = "C" if mode == "prev_close" else ""
    cells = {}
    for label in labels:
        each = [columns[f"{source}{edge}{end}"].cells for edge in EDGES]
        bar = [c[label].value if mode == "prev_close" or label in c else None for c in each]
        cells[label] = Cell(None if None in bar else RANGES[measure](*bar))
    return Column(cells, "null", "none", rows.runs)
