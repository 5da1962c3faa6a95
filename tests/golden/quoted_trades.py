"""Fixture F's trades with the quotes in force before them and the mids after them, put there by hand.

Valid mids of F: 100.02 from 0, .025 from 2, .035 from 5, .015 from 9 (12 is one-sided), .02 from 14 (locked; 16 is
crossed), .04 from 18 until the session ends at 28.
"""

import polars as pl

COLUMNS = ("BidPrice", "AskPrice", "MidAtTrade", "QuoteAgeSeconds", "MidAfter1s", "MidAfter5s", "MidAfter10s")
QUOTES = [
    (100.00, 100.04, 100.02, 1.0, 100.025, 100.035, 100.015),  # 1, t = 1
    (100.01, 100.04, 100.025, 1.0, 100.025, 100.035, 100.015),  # 2, t = 3
    (100.01, 100.04, 100.025, 2.0, 100.035, 100.015, 100.02),  # 3, t = 4, cancelled
    (100.02, 100.05, 100.035, 1.0, 100.035, 100.015, 100.02),  # 4, t = 6
    (100.02, 100.05, 100.035, 3.0, 100.015, 100.015, 100.04),  # 5, t = 8
    (100.00, 100.03, 100.015, 0.5, 100.015, 100.02, 100.04),  # 6, t = 9.5, of unknown side
    (100.00, 100.03, 100.015, 1.0, 100.015, 100.02, 100.04),  # 7, t = 10
    (100.00, 100.03, 100.015, 1.0, 100.015, 100.02, 100.04),  # 8, 1 ns later
    (100.01, None, None, 1.0, 100.02, 100.04, 100.04),  # 9, t = 13: one-sided
    (100.05, 100.03, None, 1.0, 100.04, 100.04, 100.04),  # 10, t = 17: crossed
    (100.02, 100.06, 100.04, 1.0, 100.04, 100.04, None),  # 11, t = 19: 29 is past the session's end
    (100.02, 100.06, 100.04, 7.0, 100.04, None, None),  # 12, t = 25, invalid
]


def quoted(trades: pl.DataFrame) -> pl.DataFrame:
    """The twelve trades of F with these columns."""
    quotes = pl.DataFrame(QUOTES, schema=dict.fromkeys(COLUMNS, pl.Float64), orient="row")
    return pl.concat([trades, quotes], how="horizontal")
