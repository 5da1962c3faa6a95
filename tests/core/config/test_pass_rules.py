"""Rules between the keys of one pass, told with the place in the file."""

import pytest

from basalt.config.read import read_pipeline
from basalt.errors import UserError

HEAD = """
name = "desk"
[source]
type = "parquet"
root = "data"
[[passes]]
name = "bars"
"""
SESSION = 'session = { start = "08:00", end = "16:30" }'


def said(tmp_path, text):
    """What a pipeline with these keys of its pass is refused for."""
    file = tmp_path / "desk.toml"
    file.write_text(HEAD + text)
    with pytest.raises(UserError) as caught:
        read_pipeline(file)
    return str(caught.value).replace(f"{file}: ", "").splitlines()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'timeline = "daily"\nevery = "1m"',
            ["passes.bars.every = '1m' cannot stand beside timeline = 'daily', whose one bucket is the session: leave "
             "every out"],
        ),
        (
            'timeline = "daily"\nlabel = "end"\nclosed = "left"\norigin = "09:00"',
            ["passes.bars.label = 'end' cannot stand beside timeline = 'daily', whose one bucket is the session: leave "
             "label out",
             "passes.bars.closed = 'left' cannot stand beside timeline = 'daily', whose one bucket is the session: "
             "leave closed out",
             "passes.bars.origin = '09:00' cannot stand beside timeline = 'daily', whose one bucket is the session: "
             "leave origin out"],
        ),
        (
            'timeline = "daily"\nhalts = "keep"',
            ["passes.bars.halts = 'keep' is for timeline = 'dense' alone: leave it out, or set the timeline"],
        ),
        (
            f'calendar = "XLON"\n{SESSION}',
            ["passes.bars.calendar = 'XLON' cannot stand beside session: keep one of them"],
        ),
        (
            'session = { start = "08:00", end = "16:30", tz = "London" }',
            ["passes.bars.session.tz = 'London' is no time zone known here: write it as 'Europe/London'"],
        ),
        (
            'session = { start = "08:00", end = "16:30", tz = "../../etc" }',
            ["passes.bars.session.tz = '../../etc' is no time zone known here: write it as 'Europe/London'"],
        ),
        (
            "keys = []",
            ["passes.bars.keys = [] groups by nothing: name the table's own key, or leave the key out"],
        ),
        (
            'keys = ["ListingId", "Venue", "Venue"]',
            ["passes.bars.keys names 'Venue' twice: name it once"],
        ),
        (
            'timeline = "dense"\nkeys = ["ListingId", "Venue"]',
            ["passes.bars.timeline = 'dense' has rows by ListingId alone, and keys names more: make it sparse or "
             "daily"],
        ),
        (
            "market_states = []",
            ["passes.bars.market_states = [] lets no row count: name a state, or leave the key out"],
        ),
        (
            'every = "-1m"',
            ["passes.bars.every = '-1m' is no bucket width: it must be a positive whole number of microseconds, as in "
             "'1m' or '250us'"],
        ),
    ],
)  # fmt: skip
def test_keys_that_do_not_go_together(tmp_path, text, expected):
    assert said(tmp_path, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        'timeline = "daily"\nkeys = ["ListingId", "Venue"]',
        f'every = "1m"\ntimeline = "dense"\nhalts = "keep"\n{SESSION}',
        'every = "1m"\nsession = { start = "17:00", end = "16:00", tz = "America/Chicago" }',
        'every = "1m"\ncalendar = "XLON"\nkeys = ["ListingId", "Venue"]',
    ],
)
def test_keys_that_do(tmp_path, text):
    file = tmp_path / "desk.toml"
    file.write_text(HEAD + text)
    assert read_pipeline(file).passes[0].name == "bars"
