"""The laws by the names that sweep files give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxtransport.arguments import instance
from jaxtransport.errors import InputError
from jaxtransport.laws.exact import Exact
from jaxtransport.laws.law import Law, Option
from jaxtransport.laws.linear import Linear
from jaxtransport.laws.series import Series

if TYPE_CHECKING:
    from jaxtransport.wire import Wire

LAWS: dict[str, type[Law]] = {law.name: law for law in (Linear, Series, Exact)}

__all__ = ["LAWS", "Exact", "Law", "Linear", "Option", "Series", "checked_law", "require_rules"]


def checked_law(law: Any) -> Law:
    """The given law, or linear response if it is None."""
    words = "Linear(), Series(order) or Exact(temperature)"
    return Linear() if law is None else instance("law", law, Law, words)


def require_rules(wire: Wire, law: Law) -> None:
    """Raise `InputError` where a law does not know the currents of a wire with such probes."""
    if wire.rules is not None and (why := law.refuses(wire.rules.present)):
        raise InputError(f"law: {why}")
