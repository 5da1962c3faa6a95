"""Rules between the keys of one pass: buckets, timeline, hours and group columns."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from basalt.buckets import BucketRule
from basalt.config.explain import Mistake
from basalt.config.model import PassConfig
from basalt.config.words import shown
from basalt.durations import parse_duration
from basalt.errors import UserError


def broken_pass(config: PassConfig) -> Iterator[Mistake]:
    """Every rule the pass breaks; paths begin below the pass."""
    if config.market_states == []:
        yield Mistake(("market_states",), " = [] lets no row count: name a state, or leave the key out")
    yield from _buckets(config)
    yield from _hours(config)
    yield from _keys(config)


def _buckets(config: PassConfig) -> Iterator[Mistake]:
    if config.timeline == "daily":
        for name in ("every", "label", "closed", "origin"):
            if getattr(config, name) is not None:
                said = f" = {shown(getattr(config, name))} cannot stand beside timeline = 'daily', whose one bucket is "
                yield Mistake((name,), f"{said}the session: leave {name} out")
    if config.halts == "keep" and config.timeline != "dense":
        yield Mistake(("halts",), " = 'keep' is for timeline = 'dense' alone: leave it out, or set the timeline")
    if config.every is not None:
        try:
            BucketRule(parse_duration(config.every))
        except UserError as error:
            yield Mistake(("every",), str(error).removeprefix("every"))


def _hours(config: PassConfig) -> Iterator[Mistake]:
    if config.session is None:
        return
    if config.calendar is not None:
        yield Mistake(("calendar",), f" = {shown(config.calendar)} cannot stand beside session: keep one of them")
    try:
        ZoneInfo(config.session.tz)
    except (KeyError, ValueError, OSError):
        yield Mistake(
            ("session", "tz"), f" = {shown(config.session.tz)} is no time zone known here: write it as 'Europe/London'"
        )


def _keys(config: PassConfig) -> Iterator[Mistake]:
    keys = config.keys
    if keys is None:
        return
    if not keys:
        yield Mistake(("keys",), " = [] groups by nothing: name the table's own key, or leave the key out")
    twice = next((name for name in keys if keys.count(name) > 1), None)
    if twice is not None:
        yield Mistake(("keys",), f" names {shown(twice)} twice: name it once")
    if len(keys) > 1 and config.timeline == "dense":
        yield Mistake(
            ("timeline",), f" = 'dense' has rows by {keys[0]} alone, and keys names more: make it sparse or daily"
        )
