"""The bucket rule of a pass: its own settings over the defaults, or over the rule of the pass it reads."""

from basalt.buckets import BucketRule, WholeDate
from basalt.config.model import PassConfig
from basalt.config.spellings import time_of_day
from basalt.documents import PassResult
from basalt.durations import DAY, parse_duration


def bucket_rule(config: PassConfig, source: PassResult | None = None) -> BucketRule | None:
    """The rule; None where `every` is left out and there is no source to take it from.

    A pass described without a rule has one row a date, and so has a pass that reads it and says nothing else.
    """
    fine = source.rule if source else None
    if config.timeline == "daily" or (config.every is None and source is not None and fine is None):
        return _whole_date(fine)
    if config.every is None and fine is None:
        return None
    default = fine or BucketRule(parse_duration(config.every or ""))
    return BucketRule(
        every=default.every if config.every is None else parse_duration(config.every),
        closed=config.closed or default.closed,
        label=config.label or default.label,
        origin=default.origin if config.origin is None else time_of_day(config.origin),
    )


def _whole_date(fine: BucketRule | None) -> WholeDate:
    """On the grid of the finer buckets, of which it holds a whole number."""
    if fine is None:
        return WholeDate()
    whole = -(-DAY // fine.every) * fine.every
    return WholeDate(every=whole, closed=fine.closed, label=fine.label, origin=fine.origin)
