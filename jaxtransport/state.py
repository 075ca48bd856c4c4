"""One wire, one bias: from parameters to the steady state.

    x_l = mu_l - mu_bar,   x_1 = delta_mu / 2,   x_N = -delta_mu / 2,
    I_l = strength_l I_g for every source, drain and probe in between

`solve` gives the whole state, `nonreciprocity` only Delta I. Both are plain functions of pytrees:
`jax.jit`, `jax.vmap` and `jax.grad` go through them, in every parameter of the wire and the drive.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxtransport import status as codes
from jaxtransport.driven import EFFORTS, UNFINISHED, Effort, drive, efforts, observe_driven
from jaxtransport.errors import InputError
from jaxtransport.green.kernels import careful, kernel_for
from jaxtransport.green.long import Long
from jaxtransport.green.transmission import Transmission
from jaxtransport.observables import Solved
from jaxtransport.precision import require_double
from jaxtransport.probes.laws import Exact, Law, Linear, Series
from jaxtransport.reservoir import BAND_EDGE
from jaxtransport.wire import Wire, is_concrete, require_number

# Where values are unknown, so that the nodes cannot be chosen by them: at T = 0 and above.
NODES_WITHIN_TRANSFORMS = (64, 128)


class State(eqx.Module):
    """The steady state of a wire under one bias. Currents in I_o = e |delta_mu| / 2 pi hbar.

    Numbers are NaN where `status` is not 0.
    """

    potentials: Float[Array, " site"]  # mu_l in gamma_o; NaN without reservoir
    currents: Float[Array, " site"]  # I_l, positive into the wire; 0 without reservoir
    bond_currents: Float[Array, " bond"]  # J_l, positive from site l to l+1
    heat: Float[Array, " site"]  # h_l in gamma_o^2 / hbar, positive into the reservoir
    density: Float[Array, " site"]  # delta n_l, dimensionless; NaN without reservoir
    left_current: Float[Array, ""]  # I_1
    right_current: Float[Array, ""]  # I_N
    conductance: Float[Array, ""]  # G in e^2/h
    injection_response: Float[Array, ""]  # delta I / I_g; NaN beyond linear response
    residual: Float[Array, ""]  # largest |I_l(potentials) - asked| of all reservoirs, in I_o
    status: Int[Array, ""]  # 0 solved, 1 limit met, 2 diverged, 3 singular, 4 not finite, 5 outside the band
    steps: Int[Array, ""]  # of Newton's method; 0 in linear response
    nodes: Int[Array, ""]  # energies of the exact law, or order of the series; 1 in linear response
    outside_band: Int[Array, ""]  # 1 if a potential left the band |mu| < 2


def transmission(wire: Wire, mu_bar: Any, *, kernel: str = "auto") -> Transmission:
    """Transmissions of `wire` at energy `mu_bar`.

    Args:
        wire: the wire.
        mu_bar: energy in gamma_o, |mu_bar| < 2.
        kernel: "chain" or "long" (O(N)), "dense" (O(N^3), offers the matrices) or "auto" (O(N)).

    Raises:
        InputError: an unknown kernel, or an energy outside the band.
        PrecisionError: JAX is in single precision.
    """
    require_double()
    _check_wire(wire)
    require_number("mu_bar", mu_bar)
    chosen = kernel_for(kernel, wire.sites, alone=True)
    return _transmission(wire, _energy("mu_bar", mu_bar, 0.0), chosen if chosen is Long else careful(chosen))


@partial(jax.jit, static_argnums=2)
def _transmission(wire, energy, kernel) -> Transmission:
    return kernel.at(wire, energy)


def solve(
    wire: Wire,
    *,
    mu_bar: Any,
    delta_mu: Any,
    injection: Any = None,
    I_g: Any = None,
    law: Law | None = None,
    kernel: str = "auto",
) -> State:
    """The steady state of `wire` between leads at mu_bar +- delta_mu / 2.

    Args:
        wire: the wire with its reservoirs.
        mu_bar: mean potential of the leads, gamma_o.
        delta_mu: mu_L - mu_R, gamma_o; negative for a reverse bias.
        injection: I_g / I_o, the current of every source and drain in units of
            I_o = e |delta_mu| / 2 pi hbar. Default 0.
        I_g: the same current in e gamma_o / hbar, instead of `injection`.
        law: `Linear()`, the default; `Series(3)`; `Exact(temperature=0.0)`.
        kernel: "chain" (site by site), "long" (pieces of a long wire at once), "dense" (matrices) or
            "auto", the faster of the first two for one wire; within `jax.vmap` that is "chain".

    Raises:
        InputError: energies outside the band, delta_mu = 0, both `injection` and `I_g`, an
            unknown law or kernel. Under a transform, where values are unknown, a point outside
            the band has status 5 instead.
        PrecisionError: JAX is in single precision.

    Beyond linear response a state may have status 1 (a limit of Newton steps or energies was met),
    2 (Newton's method diverged) or 5 (there is no solution with all potentials in the band).
    """
    _check_wire(wire)
    mu_bar, delta_mu, injection, law = _drive(mu_bar, delta_mu, injection, I_g, law)
    chosen = kernel_for(kernel, wire.sites, alone=True)
    if isinstance(law, Linear):
        given = (wire, mu_bar, delta_mu, injection)
        return _resolved(lambda kernel: _state(*given, kernel), chosen, given, lambda state: state.status)
    at = (wire, mu_bar, delta_mu, injection, chosen)
    return _tried(
        lambda effort: _driven_state(*at, *_static(law, effort)), law, at, lambda state: state.status
    )


@partial(jax.jit, static_argnums=4)
def _state(wire, mu_bar, delta_mu, injection, kernel) -> State:
    solved = Solved.of(wire, mu_bar, kernel, with_profile=True)
    biased = solved.under(jnp.sign(delta_mu), delta_mu, injection)
    status = solved.status(delta_mu, injection)
    good = lambda value: jnp.where(codes.has_numbers(status), value, jnp.nan)
    return State(
        potentials=good(biased.potential()),
        currents=good(biased.site_current()),
        bond_currents=good(biased.bond_current()),
        heat=good(biased.heat()),
        density=good(biased.density()),
        left_current=good(biased.left_current()),
        right_current=good(biased.right_current()),
        conductance=good(solved.response.conductance),
        injection_response=good(solved.response.injection),
        residual=good(biased.residual()),
        status=status,
        steps=jnp.zeros((), int),
        nodes=jnp.ones((), int),
        outside_band=biased.outside_band(),
    )


@partial(jax.jit, static_argnums=(4, 5, 6))
def _driven_state(
    wire, mu_bar, delta_mu, injection, kernel, law: Series | Exact, effort, temperature
) -> State:
    """The state beyond linear response; the opposite bias is solved too, for the conductance."""

    def under(sign):
        driven = drive(wire, kernel, law, effort, mu_bar, sign * delta_mu, injection, temperature)
        good = lambda value: jnp.where(codes.has_numbers(driven.status), value, jnp.nan)
        return State(
            potentials=good(driven.potential()),
            currents=good(driven.site_current()),
            bond_currents=good(driven.bond_current()),
            heat=good(driven.heat()),
            density=good(driven.density()),
            left_current=good(driven.left_current()),
            right_current=good(driven.right_current()),
            conductance=jnp.asarray(jnp.nan),
            injection_response=jnp.asarray(jnp.nan),
            residual=good(driven.residual()),
            status=driven.status,
            steps=driven.balance.steps,
            nodes=jnp.asarray(driven.nodes),
            outside_band=driven.outside_band(),
        )

    both = jax.vmap(under)(jnp.array([1.0, -1.0]))
    state = jax.tree.map(lambda leaf: leaf[0], both)
    difference = jnp.sign(delta_mu) * (both.left_current[0] - both.left_current[1])
    return eqx.tree_at(lambda s: s.conductance, state, difference / 2)


@partial(jax.jit, static_argnums=(4, 5, 6))
def _driven_nonreciprocity(wire, mu_bar, delta_mu, injection, kernel, law, effort, temperature):
    """(Delta I, status) beyond linear response."""

    def under(sign):
        return drive(wire, kernel, law, effort, mu_bar, sign * jnp.abs(delta_mu), injection, temperature)

    seen = observe_driven(("nonreciprocity",), under)
    return seen["nonreciprocity"], seen["status"]


def nonreciprocity(
    wire: Wire,
    *,
    mu_bar: Any,
    delta_mu: Any,
    injection: Any = None,
    I_g: Any = None,
    law: Law | None = None,
    kernel: str = "auto",
) -> Float[Array, ""]:
    """Delta I = |I_1(reverse)| - |I_1(forward)| at the left lead, in I_o; forward means |delta_mu|.

    Arguments and errors as for `solve`.
    """
    _check_wire(wire)
    mu_bar, delta_mu, injection, law = _drive(mu_bar, delta_mu, injection, I_g, law)
    chosen = kernel_for(kernel, wire.sites, alone=True)
    if isinstance(law, Linear):
        given = (wire, mu_bar, delta_mu, injection)
        found = _resolved(lambda kernel: _nonreciprocity(*given, kernel), chosen, given, lambda r: r[1])
        return found[0]
    at = (wire, mu_bar, delta_mu, injection, chosen)
    tried = _tried(lambda effort: _driven_nonreciprocity(*at, *_static(law, effort)), law, at, lambda r: r[1])
    return tried[0]


@partial(jax.jit, static_argnums=4)
def _nonreciprocity(wire, mu_bar, delta_mu, injection, kernel) -> tuple[Array, Array]:
    """(Delta I, status) in linear response."""
    solved = Solved.of(wire, mu_bar, kernel, with_profile=False)
    status = solved.status(delta_mu, injection)
    value = solved.response.nonreciprocity(injection)
    return jnp.where(codes.has_numbers(status), value, jnp.nan), status


def _check_wire(wire: Any) -> None:
    if not isinstance(wire, Wire):
        raise InputError(f"wire: a {type(wire).__name__}; pass a Wire")


def _static(law: Series | Exact, effort: Effort) -> tuple[Any, ...]:
    """The law as a static value, the effort, and the temperature, which may be traced."""
    if isinstance(law, Series):
        return law, effort, None
    cold = is_concrete(law.temperature) and float(law.temperature) == 0
    return Exact(), effort, None if cold else jnp.asarray(law.temperature, float)


def _resolved(attempt, kernel: type[Transmission], at: tuple, status_of):
    """The result of `kernel`, or of a careful one where that lost digits.

    Within a transform nobody can look: there it is the careful one from the start, unless its N steps in a
    row are what `Long` is there to avoid.
    """
    traced = not all(is_concrete(leaf) for leaf in jax.tree.leaves(at))
    if traced and kernel is not Long:
        return attempt(careful(kernel))
    result = attempt(kernel)
    lost = status_of(result) == codes.NOT_RESOLVED
    if traced:
        return jax.lax.cond(lost, lambda: attempt(careful(kernel)), lambda: result)
    return attempt(careful(kernel)) if lost else result


def _tried(attempt, law: Series | Exact, at: tuple, status_of):
    """The result of the least effort that is enough; within a transform, of one effort for all."""
    nodes = law.nodes if isinstance(law, Exact) else None
    traced = not all(is_concrete(leaf) for leaf in jax.tree.leaves((at, getattr(law, "temperature", 0.0))))
    if traced or nodes is not None:
        warm = isinstance(law, Exact) and not (is_concrete(law.temperature) and law.temperature == 0)
        return attempt(replace(EFFORTS[1], nodes=nodes or NODES_WITHIN_TRANSFORMS[warm]))
    for effort in efforts(isinstance(law, Exact) and float(law.temperature) > 0):
        result = attempt(effort)
        if int(status_of(result)) not in UNFINISHED:
            break
    return result


def _energy(name: str, mu_bar: Any, delta_mu: Any) -> Array:
    """mu_bar as an array; where its value is known, checked to lie in the band with its window."""
    if is_concrete(mu_bar) and is_concrete(delta_mu):
        reach = np.abs(np.asarray(mu_bar)) + np.abs(np.asarray(delta_mu)) / 2
        if not np.all(reach < BAND_EDGE):
            window = f" with delta_mu = {delta_mu}" if np.any(delta_mu) else ""
            raise InputError(
                f"{name} = {mu_bar}{window}: outside the band; "
                f"pass |mu_bar| + |delta_mu| / 2 < {BAND_EDGE:g} gamma_o"
            )
    return jnp.asarray(mu_bar, float)


def _drive(mu_bar, delta_mu, injection, I_g, law) -> tuple[Array, Array, Array, Law]:
    require_double()
    law = Linear() if law is None else law
    if not isinstance(law, Linear | Series | Exact):
        raise InputError(f"law = {law!r}: pass Linear(), Series(order) or Exact(temperature)")
    if injection is not None and I_g is not None:
        raise InputError("injection and I_g: both say the injected current; pass one of them")
    given = {"mu_bar": mu_bar, "delta_mu": delta_mu, "injection": injection, "I_g": I_g}
    for name, value in given.items():
        if value is not None or name in ("mu_bar", "delta_mu"):
            require_number(name, value)
    mu_bar = _energy("mu_bar", mu_bar, delta_mu)
    if is_concrete(delta_mu) and not np.all(np.asarray(delta_mu) != 0):
        raise InputError("delta_mu = 0: I_o, the unit of current, vanishes; pass a bias that is not 0")
    delta_mu = jnp.asarray(delta_mu, float)
    if I_g is not None:
        injection = I_g * 2 * jnp.pi / jnp.abs(delta_mu)
    return mu_bar, delta_mu, jnp.asarray(0.0 if injection is None else injection, float), law
