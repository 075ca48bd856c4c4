"""One grid point of a quantum sweep: a wire made from its parameters and solved for every bias.

`vmap` in `sweep.run` makes batches of it. Parameters are arguments throughout: a sweep with other
numbers runs the same compiled code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxtransport import nonlinear
from jaxtransport import status as codes
from jaxtransport.constant import conductance
from jaxtransport.green.along import each
from jaxtransport.green.kernels import careful, kernel_for, named
from jaxtransport.green.transmission import Transmission
from jaxtransport.laws import Law, Linear
from jaxtransport.linear import LinearResponse
from jaxtransport.parameters import GAMMA, MU_BAR, injection_of
from jaxtransport.patterns.traced import site_by_site
from jaxtransport.probes.roots import real_roots
from jaxtransport.reservoirs.wide import WIDTH
from jaxtransport.rules import Rules
from jaxtransport.wire import Wire


def evaluate(
    point: Mapping[str, Any],
    free: Mapping[str, Any],
    shared: Mapping[str, Any],
    *,
    names: tuple[str, ...],
    kernel: str,
    with_profile: bool,
    stage: int,
) -> dict[str, Any]:
    """The variables `names` and "status" at one point, for all free points (see `sweep.task`).

    `stage`: of those of the linear law.
    """
    given, wire = given_at(point, shared)
    names, along = _without_wire(names, wire)
    chosen = kernel_for(kernel, wire.sites, alone=False)
    chosen = careful(chosen) if Linear().stages[stage].careful else chosen
    if wire.rules is not None and wire.rules.any_constant:
        return _conductance(names, along, wire, given, free, chosen)
    solved = LinearResponse.of(wire, given[MU_BAR], chosen, with_profile=with_profile)

    def at_bias(free):
        drive = {**given, **free}
        return solved.observe(names, drive["delta_mu"], injection_of(drive))

    (count,) = {len(values) for values in free.values()}
    if count == 1:  # without an axis beside that of the points, which arrays along the wire keep innermost
        alone = at_bias({name: values[0] for name, values in free.items()}) | along
        return {name: value[None] for name, value in alone.items()}
    out = jax.vmap(at_bias)(free) if not with_profile or kernel == "dense" else lax.map(at_bias, free)
    return out | {name: jnp.broadcast_to(value, (count, *value.shape)) for name, value in along.items()}


def _conductance(
    names: tuple[str, ...],
    along: Mapping[str, Any],
    wire: Wire,
    given: Mapping[str, Any],
    free: Mapping[str, Any],
    kernel: type[Transmission],
) -> dict[str, Any]:
    """The same where linear response gives the conductance alone, for all biases."""
    biases = jnp.broadcast_to(free.get("delta_mu", given.get("delta_mu")), next(iter(free.values())).shape)
    G, status = jax.vmap(lambda bias: conductance(wire, given[MU_BAR], bias, kernel))(biases)
    known = {"conductance": jnp.where(codes.has_numbers(status), G, jnp.nan)} if names else {}
    stored = {name: jnp.broadcast_to(value, (len(biases), *value.shape)) for name, value in along.items()}
    return {**known, **stored, "status": status.astype(jnp.int8)}


def evaluate_nonlinear(
    point: Mapping[str, Any],
    free: Mapping[str, Any],
    shared: Mapping[str, Any],
    *,
    names: tuple[str, ...],
    kernel: str,
    law: Law,
    finite_temperature: bool,
    terminals: tuple[int, ...],
    stage: int,
) -> dict[str, Any]:
    """The same beyond linear response, in one of the law's stages. There are no free axes.

    `finite_temperature`: whether there is a temperature above zero, which is a number of the point.
    """
    given, wire = given_at(point, shared)
    injection, bias, how_hard = injection_of(given), given["delta_mu"], law.stages[stage]
    cold = jnp.zeros(()) if how_hard.patient else None  # a shorter way
    temperature = given["temperature"] if finite_temperature else cold
    names, along = _without_wire(names, wire)
    both = nonlinear.solve(wire, named(kernel), law, how_hard, given[MU_BAR], bias, injection, temperature)
    out = nonlinear.observed([name for name in names if not name.startswith("roots_")], both, law)
    roots = [name for name in names if name.startswith("roots_")]
    if roots:
        ends = (terminals[0], terminals[1])
        signs = jnp.array([1.0 if name.endswith("forward") else -1.0 for name in roots])
        of_sign = lambda sign: real_roots(wire, given[MU_BAR], sign * bias, injection * bias, ends)
        for name, found in zip(roots, lax.map(of_sign, signs), strict=True):
            out[name] = jnp.where(out["status"] == codes.SOLVED, found, jnp.nan)
    return {name: value[None] for name, value in (out | along).items()}


def _without_wire(names: tuple[str, ...], wire: Wire) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The variables that a solution has, and those of the wire itself; NaN beyond its length."""
    index = jnp.arange(wire.sites)
    own = {
        "site_onsite": lambda: each(lambda l, x: jnp.where(l < wire.length, x, jnp.nan), index, wire.onsite),
        "bond_hopping": lambda: each(
            lambda l, t: jnp.where(l < wire.length - 1, t, jnp.nan), index[:-1], wire.hopping
        ),
    }
    along = {name: own[name]() for name in names if name in own}
    return tuple(name for name in names if name not in own), along


def given_at(point: Mapping[str, Any], shared: Mapping[str, Any]) -> tuple[dict[str, Any], Wire]:
    """Every number of a point, and its wire."""
    given = {**shared["fixed"], **point}
    row = jnp.searchsorted(shared["lengths"], point["N"]) if "N" in point else 0
    return given, _wire(given, shared, row)


def _wire(given: Mapping[str, Any], shared: Mapping[str, Any], row: Any) -> Wire:
    """The wire of one point: the layout of its length, in row `row` of the tables, with its numbers.

    Goes along the sites one by one, as the kernels do, so that under `vmap` the batch is the
    innermost axis from the start and nothing has to be transposed: a quarter of the time of a sweep.
    """
    length = shared["lengths"][row]
    gamma, contact = _coupling(given, GAMMA, "width"), _coupling(given, "contact", "contact_width")
    left, right = (contact[0], contact[1]) if jnp.ndim(contact) else (contact, contact)
    sites = shared["occupied"].shape[0]

    def at_site(site):
        index, occupied, strength, gamma_here, *rules = site
        coupling = jnp.where(occupied[row], gamma if gamma_here is None else gamma_here, 0.0)
        coupling = jnp.where(index == 0, left, jnp.where(index == length - 1, right, coupling))
        return coupling, strength[row], *(table[row] for table in rules)

    along = gamma if jnp.ndim(gamma) else None
    rules = shared["rules"]
    of_rules = () if rules is None else (rules.code, rules.occupation)
    tables = (shared["occupied"], shared["strength"], along, *of_rules)
    coupling, strength, *rule = lax.map(at_site, (jnp.arange(sites), *tables))
    return Wire(
        onsite=_along("onsite", given, shared, sites, length, row),
        hopping=_along("hopping", given, shared, sites - 1, length - 1, row),
        coupling=coupling,
        strength=strength,
        length=length,
        reservoir=shared["reservoir"],
        rules=None if rules is None else Rules(rule[0], rule[1], rules.present),
    )


def _coupling(given: Mapping[str, Any], name: str, width: str) -> Any:
    """The coupling itself, or that of a wide band with a given broadening."""
    return jnp.sqrt(given[width] / WIDTH) if width in given else given[name]


def _along(
    name: str, given: Mapping[str, Any], shared: Mapping[str, Any], entries: int, length: Any, row: Any
):
    """On-site energies, or hoppings: one number, one of every site or bond, a table of lengths, a pattern."""
    if name in shared["patterns"]:
        return site_by_site(name, shared["patterns"][name], given, entries, length)
    value = given[name]
    if jnp.ndim(value) < 2:
        return jnp.broadcast_to(value, (entries,))
    return lax.map(lambda of_lengths: of_lengths[row], value)  # site by site, see `_wire`
