"""`option`: one declaration of a configuration field, read by the parser, help texts, JSON schema and forms.

Configurations are attrs classes whose fields are options; the type annotation says what is allowed.
"""

from collections.abc import Callable
from typing import Any

import attrs

from basalt.columns import Unit


def option(
    doc: str,
    *,
    default: Any = attrs.NOTHING,
    factory: Callable[[], Any] | None = None,
    unit: Unit | None = None,
) -> Any:
    """A field of a Config. `doc`: one sentence for users. `unit`: of a quantity; the kit scales it with the data."""
    metadata = {"doc": doc, "unit": unit}
    if factory is not None:
        return attrs.field(factory=factory, metadata=metadata, kw_only=True)
    return attrs.field(default=default, metadata=metadata, kw_only=True)


@attrs.frozen
class NoOptions:
    """A component that takes no options."""
