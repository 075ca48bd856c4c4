"""A tight-binding wire with a reservoir on any of its sites (Eqs. 10-12).

    H = sum_l eps_l |l><l| - sum_l (t_l |l><l+1| + h.c.),    reservoirs coupled with gamma_l

        gamma_1   gamma_2   gamma_3         gamma_N
           |         |         |               |
         eps_1 --- eps_2 --- eps_3 --- ... - eps_N
              -t_1      -t_2      -t_3

The leads sit on the first and the last site (`Wire.leads`); their potentials are given. Every other reservoir
injects a given current, `strength` times I_g: +1 a source, -1 a drain, 0 a probe.

The number of sites N is data, not a shape: arrays may be longer than the wire. Entries beyond N
hold no coupling and no strength, and the kernels cut them off. One compiled kernel so serves many
lengths.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact, Int

from jaxtransport import layout as layouts
from jaxtransport.arguments import (
    POSITIVE,
    REAL,
    Range,
    amplitudes,
    fields,
    instance,
    is_list,
    is_traced,
    number,
    numbers,
    refuse_entries,
    whole,
    wrong,
)
from jaxtransport.compute.precision import require_double
from jaxtransport.errors import InputError
from jaxtransport.hints import with_hints
from jaxtransport.layout import Layout
from jaxtransport.parameters import GAMMA, QUANTUM
from jaxtransport.patterns import may_be_patterns, pattern_of
from jaxtransport.patterns.paths import check_numbers, numbers_of, rows
from jaxtransport.probe_rules import codes_of
from jaxtransport.reservoirs import CHAIN, Reservoir, Tabulated, WideBand, reservoir_of
from jaxtransport.reservoirs.wide import WIDTH
from jaxtransport.rules import Rules

ALONG = Range("0 or a number > 0", low=0.0)  # couplings along a wire, 0 without a reservoir


def _contacts(gamma: Any, contact: Any) -> Any:
    """Couplings of the left and right lead: as given, else the ends of `gamma`, else 1."""
    if contact is None:
        return gamma if jnp.ndim(gamma) else np.ones(2)
    return numbers("contact", contact, POSITIVE, 2)


def _coupled(name: str, coupling: Any, of_width: str, width: Any, reservoir: Reservoir) -> Any:
    """The coupling, or that which makes a wide band broaden its site by `width`."""
    if isinstance(reservoir, Tabulated):
        for given, value in ((name, coupling), (of_width, width)):
            if value is not None:
                raise InputError(f"{given}: a table holds the self-energy itself; leave {given} out")
        return np.float64(1.0) if name == GAMMA else np.ones(2)
    if width is None:
        return coupling
    if coupling is not None:
        raise InputError(f"{name} and {of_width}: both set the coupling; give one of them")
    if not isinstance(reservoir, WideBand):
        raise InputError(f'{of_width}: that of a wide band; pass reservoirs="wide"')
    one = of_width == "width"
    given = number(of_width, width, POSITIVE) if one else numbers(of_width, width, POSITIVE, 2)
    root = jnp.sqrt if is_traced(given) else np.sqrt
    return root(given / WIDTH)


def _warn_of(reservoir: Reservoir) -> None:
    """Warn of what is odd about reservoirs that are allowed all the same."""
    for part in {reservoir.leads, reservoir.middle}:
        if isinstance(part, Tabulated) and (said := part.doubt()):
            warnings.warn(f"reservoirs: {said}", stacklevel=4)


def _couplings(gamma: Any, occupied: np.ndarray) -> Any:
    """One coupling for all middle reservoirs, or one per site and 0 where there is none."""
    N = occupied.size
    if gamma is None and not occupied[1:-1].any():
        return np.float64(0.0)
    coupling = numbers(GAMMA, gamma, ALONG if is_list(gamma) or np.ndim(gamma) else POSITIVE, N)
    if not np.ndim(coupling) or is_traced(coupling):
        return coupling
    empty = ~occupied
    empty[[0, -1]] = False
    for site in np.flatnonzero(empty & (coupling != 0))[:1]:
        raise wrong(
            f"gamma[{site + 1}]",
            coupling[site],
            "0, as no reservoir sits there; or make it a probe",
        )
    refuse_entries(GAMMA, gamma, np.where(occupied, coupling, 1.0), POSITIVE)
    return coupling


def _patterned(name: str, value: Any, length: int) -> Any:
    """The numbers of a pattern; whatever else came is checked as it is."""
    if not may_be_patterns(value):
        return value
    pattern = pattern_of(name, value, of_bonds=name == "hopping")
    check_numbers(QUANTUM[name], pattern)
    values = {path: number for path, number in numbers_of(name, pattern).items() if is_traced(number)}
    if not values:
        return pattern.along(np.arange(length), length)
    allowed = [
        row.domain.holds(values[path]) & (not row.integer or values[path] == jnp.floor(values[path]))
        for path, row in rows(QUANTUM[name], pattern).items()
        if path in values and row.domain is not QUANTUM[name].domain
    ]
    along = pattern.along(np.arange(length), length, jnp)
    return _marked(along, jnp.all(jnp.asarray(allowed))) if allowed else along


def _marked(value: Any, allowed: Any) -> Any:
    """`value`, traced, with NaN where it is not allowed, which sets the status of the solution."""
    return jnp.where(allowed, value, jnp.nan)


class Leads(NamedTuple):
    """Sites (from 0) of the two reservoirs with given potentials."""

    first: Any  # the left lead, at mu_bar + delta_mu / 2
    last: Any  # the right lead, at mu_bar - delta_mu / 2

    def hold(self, site: Any) -> Any:
        """True where `site` (from 0) is one of them."""
        return (site == self.first) | (site == self.last)

    def at(self, site: Any, left: Any, right: Any, others: Any) -> Array:
        """The value of the lead at `site` (from 0), or that of `others`."""
        return jnp.where(site == self.first, left, jnp.where(site == self.last, right, others))

    def put(self, left: Any, right: Any, others: Array) -> Array:
        """`others` (..., site) with the values of the leads put in."""
        return self.at(jnp.arange(others.shape[-1]), left, right, others)

    def of(self, values: Array) -> tuple[Array, Array]:
        """The entries of both leads in `values` (site)."""
        return jnp.take(values, self.first), jnp.take(values, self.last)


class Wire(eqx.Module):
    """A wire of `length` sites, in arrays of `site` >= length entries. Energies in gamma_o.

    Usually made by `Wire.dimers`, `Wire.pair`, `Wire.spaced` or `Wire.custom`.
    """

    onsite: Float[Array, " site"]  # eps_l
    hopping: Inexact[Array, " bond"]  # t_l between sites l and l+1; H holds -t_l
    coupling: Float[Array, " site"]  # gamma_l; 0 for no reservoir
    strength: Float[Array, " site"]  # injected current in I_g: +1 source, -1 drain, 0 otherwise
    length: Int[Array, ""]  # N
    reservoir: Reservoir = CHAIN  # what couples with `coupling`
    rules: Rules | None = None  # None: leads, sources, drains and voltage probes, which have potentials

    @classmethod
    @with_hints
    def from_layout(
        cls,
        layout: Layout,
        *,
        gamma: Any = None,
        contact: Any = None,
        onsite: Any = 0.0,
        hopping: Any = 1.0,
        strengths: Sequence[float] | None = None,
        reservoirs: Any = None,
        width: Any = None,
        contact_width: Any = None,
        probe: Any = "voltage",
        occupations: Mapping[Any, float] | None = None,
    ) -> Wire:
        """A wire with the reservoirs of `layout`.

        Args:
            layout: where sources, drains and probes sit.
            gamma: coupling of every source, drain and probe; or one number per site, gamma_1 ...
                gamma_N, whose ends couple the leads unless `contact` is given. Needed wherever there is one,
                unless their self-energy is a table.
            contact: coupling gamma_1 = gamma_N of the leads, or (gamma_1, gamma_N). Default: 1,
                a contact without reflection.
            onsite: eps_l, one number or N, a pattern, {"pattern": "disorder", "width": 1.0, "seed": 7}, or a
                list of patterns, which are added.
            hopping: t_l, one number or N - 1, or patterns; may be complex, though along an open wire phases
                drop out.
            strengths: injected currents in units of I_g, one positive number per source and drain
                in order along the wire. Default: all 1.
            reservoirs: their kind, "chain" (default) or "wide"; a table, {"kind": "chain", "hopping": 1.5,
                "onsite": 0.2}; a self-energy in numbers, {"kind": "table", "file": "sigma.csv"} or
                {"kind": "table", "energies": [...], "values": [...]}; or {"leads": ..., "middle": ...} for
                leads of one kind and all others of another.
            width: Gamma of all middle reservoirs in gamma_o, wide bands, in place of gamma.
            contact_width: Gamma of the leads, or (Gamma_1, Gamma_N), wide bands, in place of contact.
            probe: the rule of every probe: "voltage" (no net current), "dephasing" (no current at any energy)
                or "white" (an occupation that is the same at all energies, no net current); or rules by the
                sites of probes, {3: "dephasing"}, the others being voltage probes.
            occupations: given occupations, the same at all energies, by site: {5: 0.5}, from 1. Such a site
                holds a reservoir besides those of the layout; 1 or N, or "left" and "right", is a lead.

        Raises:
            InputError: a wrong shape, a coupling or hopping that is not positive, NaN. Of traced numbers
                only the shape is known here: what is solved with a wrong one has status 4.
            PrecisionError: JAX is in single precision.
        """
        require_double()
        instance("layout", layout, Layout)
        if occupations is not None:
            layout = layout.with_occupations(occupations)
        N, occupied = layout.N, layout.occupied()
        rules = Rules.of(codes_of(layout, probe), np.nan_to_num(layout.given_occupations()))
        kind = reservoir_of(reservoirs)
        _warn_of(kind)
        gamma = _coupled(GAMMA, gamma, "width", width, kind.middle)
        contact = _coupled("contact", contact, "contact_width", contact_width, kind.leads)
        gamma = _couplings(gamma, occupied)
        contact = _contacts(gamma, contact)
        onsite = numbers("onsite", _patterned("onsite", onsite, N), REAL, N)
        hopping = amplitudes("hopping", _patterned("hopping", hopping, N - 1), N - 1)
        strength = layout.strength(strengths)
        traced = any(map(is_traced, (gamma, contact, onsite, hopping)))
        xp = jnp if traced else np  # without JAX a few times faster, and the same
        site = np.arange(N)
        left, right = (contact[0], contact[-1]) if xp.ndim(contact) else (contact, contact)
        coupling = xp.where(occupied, gamma, 0.0)
        coupling = xp.where(site == 0, left, xp.where(site == N - 1, right, coupling))
        if traced:
            held = occupied | Leads(0, N - 1).hold(site)
            coupling = _marked(coupling, ~held | POSITIVE.holds(coupling))
            onsite = _marked(onsite, REAL.holds(onsite))
            hopping = _marked(hopping, POSITIVE.holds(hopping if jnp.isrealobj(hopping) else abs(hopping)))
        return cls(
            onsite=jnp.asarray(xp.broadcast_to(onsite, (N,))),
            hopping=jnp.asarray(xp.broadcast_to(hopping, (N - 1,))),
            coupling=jnp.asarray(coupling),
            strength=jnp.asarray(strength),
            length=jnp.asarray(N),
            reservoir=kind,
            rules=rules,
        )

    @classmethod
    @partial(with_hints, passing_to=from_layout)
    def dimers(cls, N: int, **parameters: Any) -> Wire:
        """S, D, S, D ... on sites 2 ... N-1 (N even). Parameters: see `from_layout`."""
        return cls.from_layout(layouts.dimers(N), **parameters)

    @classmethod
    @partial(with_hints, passing_to=from_layout)
    def pair(cls, N: int, **parameters: Any) -> Wire:
        """One source at site 2, one drain at N-1. Parameters: see `from_layout`."""
        return cls.from_layout(layouts.pair(N), **parameters)

    @classmethod
    @partial(with_hints, passing_to=from_layout)
    def spaced(cls, N: int, spacing: int, **parameters: Any) -> Wire:
        """S, D, S, D ... every `spacing` sites from 2. Parameters: see `from_layout`."""
        return cls.from_layout(layouts.spaced(N, spacing), **parameters)

    @classmethod
    @partial(with_hints, passing_to=from_layout)
    def custom(
        cls,
        N: int,
        *,
        sources: Iterable[int] = (),
        drains: Iterable[int] = (),
        probes: Iterable[int] = (),
        gains: Iterable[int] = (),
        losses: Iterable[int] = (),
        **parameters: Any,
    ) -> Wire:
        """Sources, drains, probes, gains and losses on any middle sites, from 1.

        Gains and losses are reservoirs whose occupation is 1 and 0 at all energies. Parameters: see
        `from_layout`.
        """
        return cls.from_layout(layouts.custom(N, sources, drains, probes, gains, losses), **parameters)

    @classmethod
    @partial(with_hints, passing_to=from_layout)
    def probes(cls, N: int, spacing: int = 1, **parameters: Any) -> Wire:
        """A probe on every `spacing`-th middle site from 2. Parameters: see `from_layout`."""
        return cls.from_layout(layouts.probes(N, spacing), **parameters)

    @property
    def leads(self) -> Leads:
        """The first and the last site."""
        return Leads(jnp.zeros_like(self.length), self.length - 1)

    @property
    def sites(self) -> int:
        """Number of array entries, at least the length of the wire."""
        return self.onsite.shape[0]

    def pad(self, sites: int) -> Wire:
        """The same wire in arrays of `sites` entries; the added sites are cut off."""
        sites = whole("sites", sites, self.sites)
        more = sites - self.sites
        return replace(
            self,
            onsite=jnp.pad(self.onsite, (0, more)),
            hopping=jnp.pad(self.hopping, (0, more)),
            coupling=jnp.pad(self.coupling, (0, more)),
            strength=jnp.pad(self.strength, (0, more)),
            rules=None if self.rules is None else self.rules.pad(more),
        )


def require_wire(name: str, wire: Any) -> None:
    """Raise `InputError` unless `wire` is one wire whose arrays fit together."""
    fields(name, wire, Wire, {"onsite": 0, "hopping": -1, "coupling": 0, "strength": 0})


def silenced(wire: Wire, mu_bar: Any, reach: Any = 0.0) -> Any:
    """Whether a source or drain, which has to carry a current, has no band within `reach` of mu_bar."""
    if wire.reservoir.is_one_kind:
        return jnp.asarray(False)
    return ~wire.reservoir.middle.band.meets(mu_bar, reach) & jnp.any(wire.strength != 0)


def admit(wire: Wire) -> tuple[Wire, Array]:
    """`wire` in double precision, and whether all its numbers are allowed; for compiled code.

    Where one is not, a plain wire stands in for it: whatever is computed stays finite, its gradients too.
    """
    onsite, coupling, strength = (x.astype(float) for x in (wire.onsite, wire.coupling, wire.strength))
    hopping = wire.hopping.astype(complex if jnp.iscomplexobj(wire.hopping) else float)
    sites, length = wire.sites, wire.length
    site = jnp.arange(sites)
    held = wire.leads.hold(site) | (strength != 0) | (coupling != 0)
    whole_length = (length >= 2) & (length <= sites)
    # Entry by entry: one look at all of them before the first is used would keep XLA from fusing this
    # with the sweep along the wire.
    levels = (site >= length) | (REAL.holds(onsite) & REAL.holds(strength))
    couples = (site >= length) | ~held | POSITIVE.holds(coupling)
    bonds = (site[:-1] >= length - 1) | ALONG.holds(jnp.abs(hopping))  # 0 cuts a wire made by hand
    plain = replace(
        wire,
        onsite=jnp.where(levels, onsite, 0.0),
        hopping=jnp.where(bonds, hopping, 1.0),
        coupling=jnp.where(couples, coupling, 1.0),
        strength=jnp.where(levels, strength, 0.0),
        length=jnp.where(whole_length, length, sites),
    )
    return plain, jnp.all(levels & couples) & jnp.all(bonds) & whole_length
