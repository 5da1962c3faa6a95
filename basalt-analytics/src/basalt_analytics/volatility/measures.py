"""Measures: what each estimator is called, means and rolls up to, for any series of returns."""

from collections.abc import Callable, Iterator, Mapping

import attrs
import polars as pl

from basalt.columns import DType, Unit
from basalt.errors import UserError
from basalt.metrics import NONE, SUM, Empty, Metric, Rollup, mean
from basalt_analytics.volatility.estimators import (
    bipower,
    count,
    deviation,
    jump_share,
    kernel,
    med_rv,
    min_rv,
    noise_variance,
    realised,
    subsampled,
    two_scales,
    two_scales_adjusted,
    zero_share,
)
from basalt_analytics.volatility.options import USUAL_SESSION, Estimation
from basalt_analytics.volatility.returns import Returns


@attrs.frozen(eq=False)
class Series:
    """Returns with how they were taken. `token`: their grid in names, "" for events; `step`: its seconds, None for
    events; `words`: of what, and how they were taken."""

    returns: Returns
    token: str
    step: float | None
    words: str

    @property
    def seconds(self) -> pl.Expr:
        """The seconds that the returns of a bucket stand for."""
        if self.step is None:
            return pl.col("AdmissibleSeconds").first()
        return self.returns.r.count() * self.step


@attrs.frozen(eq=False)
class Measure:
    """`expr` of a series and the options; `doc` and `formula` are of returns {words}. `token`: what its name has behind
    the grid. `on_grids`: it has no meaning for events."""

    expr: Callable[[Series, Estimation], pl.Expr]
    unit: Unit
    doc: str
    formula: str
    over_time: Callable[[Returns], Rollup] = lambda x: NONE
    citation: str | None = None
    token: Callable[[Estimation], str] = lambda options: ""
    on_grids: bool = False
    empty: Empty = Empty.NULL
    dtype: DType = pl.Float64
    sign: str | None = None


def _session_seconds(options: Estimation) -> pl.Expr:
    """As configured, else those of the pass's hours, else the usual ones."""
    if options.session_seconds is not None:
        return pl.lit(options.session_seconds)
    return pl.col("SessionSeconds").first().fill_null(USUAL_SESSION)


def _annualised(series: Series, options: Estimation) -> pl.Expr:
    seconds = series.seconds
    scale = pl.when(seconds > 0).then(_session_seconds(options) * options.sessions_per_year / seconds)
    return (realised(series.returns) * scale).sqrt()


def _annualised_deviation(series: Series, options: Estimation) -> pl.Expr:
    assert series.step is not None
    scale = _session_seconds(options) / series.step * options.sessions_per_year
    return deviation(series.returns) * scale.sqrt()


def _subsample(options: Estimation) -> str:
    return f"K{options.subsample}"


def _bandwidth(options: Estimation) -> str:
    return f"H{options.kernel_bandwidth}"


NOISE = "It misleads where bid-ask bounce moves the price more than news does."
MEASURES: Mapping[str, Measure] = {
    "ReturnCount": Measure(
        lambda s, o: count(s.returns),
        Unit.COUNT,
        "Number of returns of {words}; one needs a price at both its ends inside one stretch.",
        "n",
        lambda x: SUM,
        empty=Empty.ZERO,
        dtype=pl.Int64,
    ),
    "ZeroReturnShare": Measure(
        lambda s, o: zero_share(s.returns),
        Unit.RATIO,
        "Share of returns of {words} that are 0; near 1 the price is too stale for that sampling.",
        "n(r = 0) / n",
        lambda x: mean(x.r.count()),
    ),
    "RV": Measure(
        lambda s, o: realised(s.returns),
        Unit.VARIANCE,
        f"Realised variance from returns of {{words}}. {NOISE}",
        "Σ r²",
        lambda x: SUM,
        "Andersen, Bollerslev, Diebold & Labys 2001",
    ),
    "Vol": Measure(
        lambda s, o: realised(s.returns).sqrt(),
        Unit.LOG_RETURN,
        f"Realised volatility of the bucket from returns of {{words}}, not annualised. {NOISE}",
        "√Σ r²",
        citation="Andersen, Bollerslev, Diebold & Labys 2001",
    ),
    "AnnVol": Measure(
        _annualised,
        Unit.LOG_RETURN,
        "Realised volatility from returns of {words} as if every second of every session of the year were like those "
        "seen; a busy minute makes it large.",
        "√(Σ r² · session_seconds / seconds · sessions_per_year)",
        citation="Andersen, Bollerslev, Diebold & Labys 2001",
    ),
    "Std": Measure(
        lambda s, o: deviation(s.returns),
        Unit.LOG_RETURN,
        "Standard deviation (ddof 1) of returns of {words}; it leaves their mean, the drift of the bucket, out.",
        "std r (ddof 1)",
    ),
    "AnnStd": Measure(
        _annualised_deviation,
        Unit.LOG_RETURN,
        "Standard deviation of returns of {words}, scaled to a year of sessions.",
        "std r · √(session_seconds / δ · sessions_per_year)",
        on_grids=True,
    ),
    "BV": Measure(
        lambda s, o: bipower(s.returns, o.bipower_correction),
        Unit.VARIANCE,
        "Bipower variation of returns of {words}: variance without jumps, as a jump meets a small neighbour; two in a "
        "row stay in it.",
        "(π/2) Σ |r_k|·|r_{k−1}|, times n/(n − 1) with bipower_correction",
        citation="Barndorff-Nielsen & Shephard 2004",
    ),
    "MinRV": Measure(
        lambda s, o: min_rv(s.returns),
        Unit.VARIANCE,
        "Variance without jumps from the smaller of each two returns of {words}; zero returns pull it down.",
        "π/(π − 2) · n/(n − 1) · Σ min(|r_k|, |r_{k−1}|)²",
        citation="Andersen, Dobrev & Schaumburg 2012",
    ),
    "MedRV": Measure(
        lambda s, o: med_rv(s.returns),
        Unit.VARIANCE,
        "Variance without jumps from the middle of each three returns of {words}; zero returns pull it down less.",
        "π/(6 − 4√3 + π) · n/(n − 2) · Σ med(|r_k|, |r_{k−1}|, |r_{k−2}|)²",
        citation="Andersen, Dobrev & Schaumburg 2012",
    ),
    "JumpShare": Measure(
        lambda s, o: jump_share(s.returns, o.bipower_correction),
        Unit.RATIO,
        "Share of the realised variance of {words} that bipower variation does not explain; with many zero returns it "
        "says jumps where there are none.",
        "max(RV − BV, 0) / RV",
        citation="Huang & Tauchen 2005",
    ),
    "RVSub": Measure(
        lambda s, o: subsampled(s.returns, o.subsample),
        Unit.VARIANCE,
        "Mean realised variance of the K offset grids of K returns of {words} each; it wastes no price, and still has "
        "the noise of the sparser grid.",
        "(1/K) Σ (ln p_j − ln p_{j−K})²",
        citation="Zhang, Mykland & Aït-Sahalia 2005",
        token=_subsample,
    ),
    "TSRV": Measure(
        lambda s, o: two_scales(s.returns, o.subsample),
        Unit.VARIANCE,
        "Two-scales realised variance of {words}: the noise that the fine scale shows taken off the coarse one; may be "
        "below 0, which is reported as it is and flagged.",
        "RVSub − (n̄/n)·RV, n̄ = (n − K + 1)/K",
        citation="Zhang, Mykland & Aït-Sahalia 2005",
        token=_subsample,
        sign="below 0 where noise outweighs what the coarse scale shows",
    ),
    "TSRVAdj": Measure(
        lambda s, o: two_scales_adjusted(s.returns, o.subsample),
        Unit.VARIANCE,
        "Two-scales realised variance of {words} with its small-sample factor; may be below 0, which is reported as it "
        "is and flagged.",
        "TSRV / (1 − n̄/n)",
        citation="Zhang, Mykland & Aït-Sahalia 2005",
        token=_subsample,
        sign="below 0 where noise outweighs what the coarse scale shows",
    ),
    "RK": Measure(
        lambda s, o: kernel(s.returns, o.kernel_bandwidth),
        Unit.VARIANCE,
        "Realised kernel of {words}: realised variance with its first H autocovariances, which cancel noise; may be "
        "below 0 in short buckets.",
        "Σ_{|h| ≤ H} k(|h|/(H + 1)) γ_h, k = Parzen, γ_h = Σ r_j·r_{j−h}",
        citation="Barndorff-Nielsen, Hansen, Lunde & Shephard 2008",
        token=_bandwidth,
        sign="below 0 where neighbouring returns reverse more than they vary",
    ),
    "NoiseVar": Measure(
        lambda s, o: noise_variance(s.returns),
        Unit.VARIANCE,
        "Variance of the noise in the price of {words}, from neighbouring returns that reverse; null where they do "
        "not.",
        "−γ_1/n, null where γ_1 ≥ 0",
        citation="Oomen 2006",
    ),
}
FLAGGED = ("TSRV", "TSRVAdj")


def estimates(measure: str, series: Series, options: Estimation, named: Callable[[str], str]) -> Iterator[Metric]:
    """The measure of a series, and for those that should not be negative the flag that they are. `named`: the column's
    name from what stands behind the measure's."""
    made = MEASURES[measure]
    if made.on_grids and series.step is None:
        raise UserError(f"{measure} has no meaning for event sampling: name a grid step, as sampling = ['1s']")
    value, name = made.expr(series, options), named(f"{series.token}{made.token(options)}")
    yield Metric(
        name,
        value,
        made.unit,
        made.doc.format(words=series.words),
        made.dtype,
        made.over_time(series.returns),
        empty=made.empty,
        formula=made.formula,
        citation=made.citation,
        sign=made.sign,
    )
    if measure in FLAGGED:
        doc = f"Whether {name} is below 0: noise outweighs what it measures, so that the bucket is too short for it."
        yield Metric(f"{name}Negative", value < 0, Unit.FLAG, doc, pl.Boolean, formula=f"{name} < 0")
