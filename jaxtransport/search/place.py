"""Parameters of a search put into a wire and its drive, and read from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxtransport.arguments import is_traced, mapping, number, require_known
from jaxtransport.errors import InputError
from jaxtransport.hints import with_hints
from jaxtransport.parameters import DRIVE, Parameter, allowed, parameter
from jaxtransport.precision import require_double
from jaxtransport.wire import Wire, require_wire


def read(parameter: Parameter, wire: Wire, drive: Mapping[str, Any]) -> float:
    """The value that a wire and its drive have; NaN if the drive does not say, or sites differ."""
    if parameter.quantity in DRIVE:
        value = drive.get(parameter.quantity)
        return np.nan if value is None else float(value)
    N = int(wire.length)
    coupling, strength = np.asarray(wire.coupling)[:N], np.asarray(wire.strength)[:N]
    onsite, hopping = np.asarray(wire.onsite)[:N], np.abs(np.asarray(wire.hopping)[: N - 1])
    if parameter.site is not None:
        along = {"gamma": coupling, "onsite": onsite, "hopping": hopping, "strength": strength}
        return float(along[parameter.quantity][parameter.site - 1])
    middle = coupling[1:-1][coupling[1:-1] > 0]
    values = {"gamma": middle, "contact": coupling[[0, -1]], "onsite": onsite, "hopping": hopping}
    held = np.unique(values[parameter.quantity])
    return float(held[0]) if len(held) == 1 else np.nan


def put(
    parameter: Parameter, wire: Wire, drive: dict[str, Array], value: Array
) -> tuple[Wire, dict[str, Array]]:
    """The wire and the drive with this number set to `value`."""
    if parameter.quantity in DRIVE:
        return wire, {**drive, parameter.quantity: value}
    field = {"gamma": "coupling", "contact": "coupling"}.get(parameter.quantity, parameter.quantity)
    old = getattr(wire, field)
    site = jnp.arange(old.shape[0])
    end = (site == 0) | (site == wire.length - 1)
    if parameter.site is not None:
        chosen = site == parameter.site - 1
    elif parameter.quantity == "gamma":
        chosen = ~end & (old > 0)
    elif parameter.quantity == "contact":
        chosen = end
    else:
        chosen = jnp.ones(old.shape, bool)  # sites beyond the wire are cut off anyway
    return eqx.tree_at(lambda w: getattr(w, field), wire, jnp.where(chosen, value, old)), drive


@with_hints
def vary(wire: Wire, values: Mapping[str, float]) -> Wire:
    """`wire` with some of its numbers changed, by their names: "gamma", "contact", "onsite[5]" ...

    Raises:
        InputError: a name that is not a number of this wire.
        PrecisionError: JAX is in single precision.
    """
    require_double()
    require_wire("wire", wire)
    require_known("wire", wire.length, wire.coupling)
    for name, value in mapping("values", values, "{'onsite[5]': 0.1}").items():
        changed = parameter(name, of="values")
        if changed.quantity in DRIVE:
            raise InputError(f"values: {name!r} belongs to the drive, not to the wire; give it to `solve`")
        check_site(changed, wire, "values")
        possible = allowed(changed.quantity)
        value = number(f"values[{name!r}]", value, possible)
        if is_traced(value):
            value = jnp.where(possible.holds(value), value, jnp.nan)  # a status where the wire is solved
        wire, _ = put(changed, wire, {}, jnp.asarray(value))
    return wire


def check_site(parameter: Parameter, wire: Wire, of: str = "over") -> None:
    """Raise `InputError` unless `wire` has the site or bond of `parameter`, and a number to vary there."""
    N, site, quantity = int(wire.length), parameter.site, parameter.quantity
    coupling = np.asarray(wire.coupling)[:N]
    if site is None:
        if quantity == "gamma" and not np.any(coupling[1:-1] > 0):
            raise InputError(
                f"{of}: 'gamma' varies the couplings of middle reservoirs, and the wire has none"
            )
        return
    last = N - 1 if quantity == "hopping" else N
    if not 1 <= site <= last:
        what = "bonds" if quantity == "hopping" else "sites"
        raise InputError(f"{of}: {parameter.name!r} is not in the wire; its {what} are 1 to {last}")
    if quantity in ("gamma", "strength") and not coupling[site - 1] > 0:
        raise InputError(f"{of}: {parameter.name!r}: site {site} holds no reservoir; make it a probe first")
    if quantity == "strength" and site in (1, N):
        raise InputError(f"{of}: {parameter.name!r}: site {site} is a lead, whose current is not given")
