"""A tight-binding wire with a reservoir on any of its sites (Eqs. 10-12).

    H = sum_l eps_l |l><l| - sum_l (t_l |l><l+1| + h.c.),    reservoirs coupled with gamma_l

        gamma_1   gamma_2   gamma_3         gamma_N
           |         |         |               |
         eps_1 --- eps_2 --- eps_3 --- ... - eps_N
              -t_1      -t_2      -t_3

The leads sit on the first and the last site; their potentials are given. Every other reservoir
injects a given current, `strength` times I_g: +1 a source, -1 a drain, 0 a probe.

The number of sites N is data, not a shape: arrays may be longer than the wire. Entries beyond N
hold no coupling and no strength, and the kernels cut them off. One compiled kernel so serves many
lengths.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact, Int

from jaxtransport import layout as layouts
from jaxtransport.errors import InputError
from jaxtransport.layout import Layout
from jaxtransport.precision import require_double


def is_concrete(value: Any) -> bool:
    """True where the value is known now: not inside a transform of JAX."""
    return not isinstance(value, jax.core.Tracer)


def require_number(name: str, value: Any) -> None:
    """Raise `InputError` unless `value` is one real, finite number (or traced, and then one number)."""
    _check(name, value, None, positive=False)


def _check(name: str, value: Any, length: int | None, *, positive: bool) -> None:
    """Kind and shape of a parameter, and its range where its value is known (not under a transform)."""
    more = "" if length is None else f" or {length} numbers"
    if not isinstance(value, int | float | complex | np.ndarray | np.generic | jax.Array):
        raise InputError(f"{name} = {value!r}: pass one number{more}")
    shape = jnp.shape(value)
    if shape not in ((), (length,)):
        hint = "; for many at once, use jax.vmap" if length is None else ""
        raise InputError(f"{name}: shape {shape}; pass one number{more}{hint}")
    if jnp.iscomplexobj(value) or not np.issubdtype(jnp.result_type(value), np.number):
        raise InputError(f"{name} = {value}: pass real numbers")
    if is_concrete(value):
        numbers = np.asarray(value)
        if not np.all(np.isfinite(numbers)):
            raise InputError(f"{name} = {value}: pass finite numbers")
        if positive and not np.all(numbers > 0):
            raise InputError(f"{name} = {value}: pass numbers > 0")


def _array(value: Any) -> Any:
    """Lists and tuples as arrays; what is a number or an array already stays as it is."""
    return jnp.asarray(value) if isinstance(value, list | tuple) else value


def _contacts(gamma: Any, contact: Any) -> tuple[Any, Any]:
    """Couplings of the left and right lead: as given, else the ends of `gamma`, else 1."""
    if contact is None:
        return (gamma[0], gamma[-1]) if jnp.shape(gamma) else (1.0, 1.0)
    if not isinstance(contact, tuple | list) and jnp.shape(contact) == ():
        return (contact, contact)
    if len(contact) != 2:
        raise InputError(f"contact: {len(contact)} numbers; pass one, or two for left and right")
    return tuple(contact)


def _check_couplings(gamma: Any, occupied: np.ndarray) -> None:
    """One coupling for all middle reservoirs, or one per site and 0 where there is none."""
    N = occupied.size
    if jnp.shape(gamma) == ():
        return _check("gamma", gamma, N, positive=True)
    _check("gamma", gamma, N, positive=False)
    if not is_concrete(gamma):
        return None
    values = np.asarray(gamma)[1:-1]
    holds = occupied[1:-1]
    for site in np.flatnonzero(holds & ~(values > 0))[:1] + 2:
        raise InputError(
            f"gamma: site {site} holds a reservoir of coupling {values[site - 2]}; pass a number > 0"
        )
    for site in np.flatnonzero(~holds & (values != 0))[:1] + 2:
        raise InputError(
            f"gamma: site {site} has coupling {values[site - 2]} but no source, drain or probe; "
            "make it a probe, or pass 0 there"
        )
    return None


class Wire(eqx.Module):
    """A wire of `length` sites, in arrays of `site` >= length entries. Energies in gamma_o.

    Usually made by `Wire.dimers`, `Wire.pair`, `Wire.spaced` or `Wire.custom`.
    """

    onsite: Float[Array, " site"]  # eps_l
    hopping: Inexact[Array, " bond"]  # t_l between sites l and l+1; H holds -t_l
    coupling: Float[Array, " site"]  # gamma_l; 0 for no reservoir
    strength: Float[Array, " site"]  # injected current in I_g: +1 source, -1 drain, 0 otherwise
    length: Int[Array, ""]  # N

    @classmethod
    def from_layout(
        cls,
        layout: Layout,
        *,
        gamma: Any,
        contact: Any = None,
        onsite: Any = 0.0,
        hopping: Any = 1.0,
        strengths: Sequence[float] | None = None,
    ) -> Wire:
        """A wire with the reservoirs of `layout`.

        Args:
            layout: where sources, drains and probes sit.
            gamma: coupling of every source, drain and probe; or one number per site, gamma_1 ...
                gamma_N, whose ends couple the leads unless `contact` is given.
            contact: coupling gamma_1 = gamma_N of the leads, or (gamma_1, gamma_N). Default: 1,
                a contact without reflection.
            onsite: eps_l, one number or N.
            hopping: t_l, one number or N - 1; may be complex, though along an open wire phases drop out.
            strengths: injected currents in units of I_g, one positive number per source and drain
                in order along the wire. Default: all 1.

        Raises:
            InputError: a wrong shape, a coupling or hopping that is not positive, NaN.
            PrecisionError: JAX is in single precision.
        """
        require_double()
        N, occupied = layout.N, layout.occupied()
        gamma, onsite, hopping = (_array(value) for value in (gamma, onsite, hopping))
        contact = _contacts(gamma, contact)
        _check_couplings(gamma, occupied)
        for value in contact:
            _check("contact", value, None, positive=True)
        _check("onsite", onsite, N, positive=False)
        _check("hopping", jnp.abs(hopping) if jnp.iscomplexobj(hopping) else hopping, N - 1, positive=True)
        coupling = jnp.where(occupied, jnp.asarray(gamma, float), 0.0)
        return cls(
            onsite=jnp.broadcast_to(jnp.asarray(onsite, float), (N,)),
            hopping=jnp.broadcast_to(jnp.asarray(hopping) * 1.0, (N - 1,)),
            coupling=coupling.at[0].set(contact[0]).at[-1].set(contact[1]),
            strength=jnp.asarray(layout.strength(strengths)),
            length=jnp.asarray(N),
        )

    @classmethod
    def dimers(cls, N: int, **parameters: Any) -> Wire:
        """S, D, S, D ... on sites 2 ... N-1 (N even). Parameters: see `from_layout`."""
        return cls.from_layout(layouts.dimers(N), **parameters)

    @classmethod
    def pair(cls, N: int, **parameters: Any) -> Wire:
        """One source at site 2, one drain at N-1. Parameters: see `from_layout`."""
        return cls.from_layout(layouts.pair(N), **parameters)

    @classmethod
    def spaced(cls, N: int, spacing: int, **parameters: Any) -> Wire:
        """S, D, S, D ... every `spacing` sites from 2. Parameters: see `from_layout`."""
        return cls.from_layout(layouts.spaced(N, spacing), **parameters)

    @classmethod
    def custom(
        cls,
        N: int,
        *,
        sources: Iterable[int] = (),
        drains: Iterable[int] = (),
        probes: Iterable[int] = (),
        **parameters: Any,
    ) -> Wire:
        """Sources, drains and probes on any middle sites, from 1. Parameters: see `from_layout`."""
        return cls.from_layout(layouts.custom(N, sources, drains, probes), **parameters)

    @property
    def sites(self) -> int:
        """Number of array entries, at least the length of the wire."""
        return self.onsite.shape[0]

    def pad(self, sites: int) -> Wire:
        """The same wire in arrays of `sites` entries; the added sites are cut off."""
        if sites < self.sites:
            raise InputError(f"sites = {sites}: fewer than the {self.sites} of this wire")
        more = sites - self.sites
        return Wire(
            onsite=jnp.pad(self.onsite, (0, more)),
            hopping=jnp.pad(self.hopping, (0, more)),
            coupling=jnp.pad(self.coupling, (0, more)),
            strength=jnp.pad(self.strength, (0, more)),
            length=self.length,
        )
