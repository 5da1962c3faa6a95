"""Rules between keys of a pipeline file, checked once every key has the right type."""

from collections.abc import Iterator

from basalt.config.check_rules import broken_checks
from basalt.config.explain import Mistake
from basalt.config.model import DatesConfig, PipelineConfig
from basalt.config.pass_rules import broken_pass
from basalt.config.universe_rules import broken_universes


def broken(config: PipelineConfig) -> Iterator[Mistake]:
    """Every rule the pipeline breaks."""
    if not config.passes:
        yield Mistake(("passes",), " is empty: add [[passes]] with a name")
    first: dict[str, int] = {}
    for i, each in enumerate(config.passes):
        if first.setdefault(each.name, i) != i:
            yield Mistake(
                ("passes", i, "name"), f" = {each.name!r} is taken by passes[{first[each.name]}]: rename one of them"
            )
        yield from (Mistake(("passes", i, *m.path), m.said) for m in broken_pass(each))
        yield from broken_checks(each, i)
    yield from _dates(config.dates)
    yield from broken_universes(config.universes)


def _dates(dates: DatesConfig) -> Iterator[Mistake]:
    if dates.list_ is not None and (dates.from_ or dates.to):
        other = "from" if dates.from_ else "to"
        yield Mistake(("dates", "list"), f" cannot stand beside dates.{other}: keep the list, or the range")
    if dates.list_ == []:
        yield Mistake(("dates", "list"), " = [] names no date: name one, or leave the key out")
    twice = next((day for day in dates.list_ or [] if (dates.list_ or []).count(day) > 1), None)
    if twice:
        yield Mistake(("dates", "list"), f" names {twice} twice: name it once")
    if dates.from_ and dates.to and dates.to < dates.from_:
        yield Mistake(("dates", "to"), f" = {dates.to} is before dates.from = {dates.from_}: swap them")
