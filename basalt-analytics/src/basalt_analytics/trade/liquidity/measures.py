"""Measures of `liquidity`: the described column of each, and the estimator behind it."""

from collections.abc import Mapping

import polars as pl

from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.metrics import LAST, SUM, Empty, mean
from basalt_analytics.trade import estimators

CHANGE, LOG_CHANGE = pl.col("Change"), pl.col("LogChange")
VOLUME, ROOT, VALUE = pl.col("SignedVolume"), pl.col("SignedRoot"), pl.col("Value")
SIGNED = ("KyleLambda", "KyleLambdaOrigin", "HasbrouckLambda")
"""Measures that read the aggressor's side, as Vpin does unless volume is classified in bulk."""
IMPACT = "+ when prices rise with buying"

OF_SUB_INTERVALS: Mapping[str, pl.Expr] = {
    "KyleLambda": estimators.kyle_lambda(CHANGE, VOLUME),
    "KyleLambdaOrigin": estimators.kyle_lambda_origin(CHANGE, VOLUME),
    "HasbrouckLambda": estimators.hasbrouck_lambda(LOG_CHANGE, ROOT),
    "Amihud": estimators.amihud(LOG_CHANGE, VALUE),
    "AmihudCount": estimators.amihud_count(LOG_CHANGE, VALUE).cast(pl.Int64),
}
"""Over the rows of `sub_intervals`."""

OF_TRADES: Mapping[str, pl.Expr] = {
    "Roll": estimators.roll(pl.col("Bounce")),
    "RollDemeaned": estimators.roll_demeaned(pl.col("Bounce")),
}
"""Over the bucket's trades, with the price change from the one before as `Bounce`."""

COLUMNS: Mapping[str, ResultColumn] = {
    c.name: c
    for c in (
        ResultColumn(
            "KyleLambda",
            Unit.PRICE_PER_SHARE,
            "How far the price moves for a share of net buying, by least squares over its sub-intervals; a few of them "
            "say little, and flow that follows the price looks like impact.",
            formula="Σ(x − x̄)(Δp − Δp̄) / Σ(x − x̄)², x = Σ D·q",
            citation="Kyle 1985",
            sign=IMPACT,
        ),
        ResultColumn(
            "KyleLambdaOrigin",
            Unit.PRICE_PER_SHARE,
            "The same through the origin: without flow no move; a drift of the price is taken for impact.",
            formula="Σ x·Δp / Σ x², x = Σ D·q",
            citation="Kyle 1985",
            sign=IMPACT,
        ),
        ResultColumn(
            "HasbrouckLambda",
            Unit.PER_SQRT_CURRENCY,
            "Log return for a root of net value bought, through the origin; many small trades count for more than one "
            "large one of their value.",
            formula="Σ S·r / Σ S², S = Σ D·√(P·q), r = Δ ln p",
            citation="Hasbrouck 2009",
            sign=IMPACT,
        ),
        ResultColumn(
            "Amihud",
            Unit.PER_CURRENCY,
            "Absolute log return for a million of value traded, averaged over sub-intervals with trades, whoever "
            "started them; a sub-interval with one tiny trade can be most of it.",
            over_time=mean("AmihudCount"),
            formula="1e6·mean(|r| / N), N = Σ P·q > 0",
            citation="Amihud 2002",
        ),
        ResultColumn(
            "AmihudCount",
            Unit.COUNT,
            "Sub-intervals behind Amihud: with trades, and with a price at both ends.",
            dtype=pl.Int64,
            over_time=SUM,
            over_listings=SUM,
            empty=Empty.ZERO,
            formula="n of |r| / N",
        ),
        ResultColumn(
            "Roll",
            Unit.PRICE,
            "Spread implied by the bounce of the bucket's trade prices; null where they trend, which says nothing of "
            "the spread.",
            formula="2·√(−γ), γ = mean(Δp_i·Δp_{i−1}) < 0",
            citation="Roll 1984",
        ),
        ResultColumn(
            "RollDemeaned",
            Unit.PRICE,
            "The same with the sample covariance, so that a steady drift takes nothing away; null where that is not "
            "negative.",
            formula="2·√(−γ), γ = cov(Δp_i, Δp_{i−1}) < 0, ddof 1",
            citation="Roll 1984",
        ),
        ResultColumn(
            "Vpin",
            Unit.RATIO,
            "Imbalance of the last complete volume buckets of the date, from 0 to 1; it moves with volume, not with "
            "time, and stays as it is while nothing trades.",
            over_time=LAST,
            empty=Empty.CARRY,
            formula="mean(|V_b − V_s| / V) over the last N volume buckets",
            citation="Easley, López de Prado & O'Hara 2012",
        ),
        ResultColumn(
            "UnsignedVolumeShare",
            Unit.RATIO,
            "Share of volume whose aggressor is unknown, which the signed measures leave out; where it is large they "
            "say little.",
            over_time=mean("UnsignedVolumeShareWeight"),
            over_listings=mean("UnsignedVolumeShareWeight"),
            formula="Σ q with D null / Σ q",
        ),
        ResultColumn(
            "UnsignedVolumeShareWeight",
            Unit.WEIGHT,
            "Weight of UnsignedVolumeShare when it is rolled up.",
            over_time=SUM,
            over_listings=SUM,
            empty=Empty.ZERO,
            formula="Σ q",
            hidden=True,
        ),
    )
}
