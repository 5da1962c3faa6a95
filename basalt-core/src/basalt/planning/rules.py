"""The bucket rule of a pass: its own settings over the defaults, or over the rule of the pass it reads."""

from datetime import time

from basalt.buckets import BucketRule
from basalt.config.model import PassConfig
from basalt.durations import NANOSECONDS, parse_duration
from basalt.errors import UserError


def bucket_rule(config: PassConfig, source: BucketRule | None = None) -> BucketRule | None:
    """The rule; None where `every` is left out and there is no source to take it from."""
    if config.every is None and source is None:
        return None
    default = source or BucketRule(parse_duration(config.every or ""))
    return BucketRule(
        every=default.every if config.every is None else parse_duration(config.every),
        closed=config.closed or default.closed,
        label=config.label or default.label,
        origin=default.origin if config.origin is None else origin_offset(config.origin),
    )


def origin_offset(text: str) -> int:
    """Nanoseconds after UTC midnight of a time of day written as `09:30` or `09:30:00.5`."""
    try:
        at = time.fromisoformat(text)
    except ValueError as error:
        raise UserError(f"origin = {text!r} is no UTC time of day: write it as '09:30' or '09:30:00.5'") from error
    seconds = (at.hour * 60 + at.minute) * 60 + at.second
    return seconds * NANOSECONDS["s"] + at.microsecond * NANOSECONDS["us"]
