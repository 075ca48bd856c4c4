"""Reading and setting the coordinates of a search in a wire and its drive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxtransport.arguments import is_traced, mapping, number, require_known
from jaxtransport.compute.precision import require_double
from jaxtransport.coordinates import Coordinate, coordinate
from jaxtransport.errors import InputError
from jaxtransport.hints import with_hints
from jaxtransport.parameters import Parameter
from jaxtransport.wire import Wire, require_wire


def read(varied: Coordinate, wire: Wire, drive: Mapping[str, Any]) -> float:
    """The value in a wire and its drive; NaN if the drive does not set it, or sites differ."""
    row = varied.parameter
    if not row.array:
        value = drive.get(row.name)
        return np.nan if value is None else float(value)
    values = np.abs(_along(wire, row)) if row.of_bonds else _along(wire, row)
    if varied.site is not None:
        return float(values[varied.site - 1])
    held = np.unique(values[np.asarray(_sites_of(row, wire, values))])
    return float(held[0]) if len(held) == 1 else np.nan


def put(
    varied: Coordinate, wire: Wire, drive: dict[str, Array], value: Array
) -> tuple[Wire, dict[str, Array]]:
    """The wire and the drive with this number set to `value`."""
    row = varied.parameter
    if not row.array:
        return wire, {**drive, row.name: value}
    old = getattr(wire, row.array)
    here = _sites_of(row, wire, old) if varied.site is None else jnp.arange(old.shape[0]) == varied.site - 1
    return eqx.tree_at(lambda w: getattr(w, row.array), wire, jnp.where(here, value, old)), drive


def _along(wire: Wire, row: Parameter) -> np.ndarray:
    """The array of a known wire with a parameter, without entries beyond the wire."""
    return np.asarray(getattr(wire, row.array))[: int(wire.length) - row.of_bonds]


def _sites_of(row: Parameter, wire: Wire, values: Any) -> Any:
    """Entries of `values` that one number for the whole wire sets."""
    site = np.arange(values.shape[0])
    if row.sites == "leads":
        return wire.leads.hold(site)
    if row.sites == "middle":
        return ~wire.leads.hold(site) & (values > 0)
    return np.ones(values.shape[0], bool)  # sites beyond the wire are cut off anyway


@with_hints
def vary(wire: Wire, values: Mapping[str, float]) -> Wire:
    """`wire` with some of its numbers changed, by their names: "gamma", "contact", "onsite[5]" ...

    Raises:
        InputError: a name that is not a parameter of this wire.
        PrecisionError: JAX is in single precision.
    """
    require_double()
    require_wire("wire", wire)
    require_known("wire", wire.length, wire.coupling)
    for name, value in mapping("values", values, "{'onsite[5]': 0.1}").items():
        changed = coordinate(name, of="values")
        if not changed.parameter.array:
            raise InputError(f"values: {name!r} belongs to the drive, not to the wire; pass it to `solve`")
        check_site(changed, wire, "values")
        possible = changed.parameter.domain
        value = number(f"values[{name!r}]", value, possible)
        if is_traced(value):
            value = jnp.where(possible.holds(value), value, jnp.nan)  # sets the status of the solution
        wire, _ = put(changed, wire, {}, jnp.asarray(value))
    return wire


def check_site(varied: Coordinate, wire: Wire, of: str = "over") -> None:
    """Raise `InputError` unless `wire` has the site or bond of a coordinate, and a number to vary there."""
    N, site, row = int(wire.length), varied.site, varied.parameter
    if not row.array:
        return
    coupling = np.asarray(wire.coupling)[:N]
    if site is None:
        if row.sites == "middle" and not np.any(coupling[1:-1] > 0):
            raise InputError(
                f"{of}: {row.name!r} varies the couplings of middle reservoirs, and the wire has none"
            )
        return
    last = N - row.of_bonds
    if not 1 <= site <= last:
        what = "bonds" if row.of_bonds else "sites"
        raise InputError(f"{of}: {varied.name!r} is not in the wire; its {what} are 1 to {last}")
    if row.sites == "middle" and not coupling[site - 1] > 0:
        raise InputError(f"{of}: {varied.name!r}: site {site} holds no reservoir; make it a probe first")
    if row.array == "strength" and site in (1, N):
        raise InputError(f"{of}: {varied.name!r}: site {site} is a lead, whose current is not given")
