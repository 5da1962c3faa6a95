"""The bucket rule of a pass: its own settings over the defaults, or over the rule of the pass it reads."""

from basalt.buckets import BucketRule
from basalt.config.model import PassConfig
from basalt.config.spellings import time_of_day
from basalt.durations import parse_duration


def bucket_rule(config: PassConfig, source: BucketRule | None = None) -> BucketRule | None:
    """The rule; None where `every` is left out and there is no source to take it from."""
    if config.every is None and source is None:
        return None
    default = source or BucketRule(parse_duration(config.every or ""))
    return BucketRule(
        every=default.every if config.every is None else parse_duration(config.every),
        closed=config.closed or default.closed,
        label=config.label or default.label,
        origin=default.origin if config.origin is None else time_of_day(config.origin),
    )
