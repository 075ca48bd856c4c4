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
from jaxtransport.arguments import AMOUNT, NOT_NEGATIVE, NOT_ZERO, is_traced, number, show
from jaxtransport.driven import UNFINISHED, Driven, Effort, drive, efforts, observe_driven, traced_effort
from jaxtransport.errors import InputError
from jaxtransport.green.kernels import careful, kernel_for
from jaxtransport.green.long import Long
from jaxtransport.green.transmission import Transmission
from jaxtransport.hints import with_hints
from jaxtransport.observables import Biased, Solved, without_overflow
from jaxtransport.precision import require_double
from jaxtransport.probes.laws import Exact, Law, Linear, Series, checked_law
from jaxtransport.reservoir import BAND_EDGE, in_band
from jaxtransport.runtime import compiled_quickly, kept
from jaxtransport.wire import Wire, admit, require_wire


class State(eqx.Module):
    """The steady state of a wire under one bias. Currents in I_o = e |delta_mu| / 2 pi hbar.

    Numbers are NaN where `status` is neither 0 nor 7.
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
    current_error: Float[Array, ""]  # of I_1 and I_N by rounding, estimated; NaN beyond linear response
    quadrature_error: Float[
        Array, ""
    ]  # of all currents by the integrals over energy; NaN but in the exact law
    residual: Float[Array, ""]  # largest |I_l(potentials) - asked| of all reservoirs, in I_o
    status: Int[Array, ""]  # 0 solved, 7 with digits lost, else not: see `jaxtransport.status`
    steps: Int[Array, ""]  # of the search for the potentials; 0 in linear response
    nodes: Int[Array, ""]  # energies of the exact law, or order of the series; 1 in linear response
    outside_band: Int[Array, ""]  # 1 if a potential left the band |mu| < 2


@with_hints
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
    require_wire("wire", wire)
    mu_bar = _in_band(number("mu_bar", mu_bar), 0.0)
    chosen = kernel_for(kernel, wire.sites, alone=True)
    return _transmission(wire, mu_bar, chosen if chosen is Long else careful(chosen))


@kept
@partial(jax.jit, static_argnums=2)
def _transmission(wire, mu_bar, kernel) -> Transmission:
    """NaN throughout where a traced number is not allowed."""
    wire, good = admit(wire)
    good &= in_band(mu_bar)
    found = kernel.at(wire, jnp.where(good, mu_bar, 0.0))
    blank = lambda leaf: jnp.where(good, leaf, jnp.nan) if jnp.issubdtype(leaf.dtype, jnp.inexact) else leaf
    return jax.tree.map(blank, found)


@with_hints
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
            unknown law or kernel, a number that is not allowed. Under a transform, where values are
            unknown, a point outside the band has status 5 instead, any other such number status 4.
        PrecisionError: JAX is in single precision.

    A state may have status 3 (a reservoir exchanges nothing with the others) or 7 (rounding left fewer than
    nine digits, or the integrals of the exact law are not as good as its `tolerance`; the numbers are kept).
    Beyond linear response it may also have status 1 (the search for the potentials met its limit), 2
    (Newton's method diverged) or 5 (there is no solution with all potentials in the band).
    """
    require_wire("wire", wire)
    mu_bar, delta_mu, injection, law = _drive(mu_bar, delta_mu, injection, I_g, law)
    chosen = kernel_for(kernel, wire.sites, alone=True)
    if isinstance(law, Linear):
        given = (wire, mu_bar, delta_mu, injection)
        return _resolved(lambda kernel: _state(*given, kernel), chosen, given, lambda state: state.status)
    at = (wire, mu_bar, delta_mu, injection, chosen)
    return _tried(
        lambda effort: _driven_state(*at, *_static(law, effort)), law, at, lambda state: state.status
    )


@kept
@partial(jax.jit, static_argnums=4)
def _state(wire, mu_bar, delta_mu, injection, kernel) -> State:
    wire, delta_mu, injection, given, _ = _admitted(wire, delta_mu, injection, None)
    solved = Solved.of(wire, mu_bar, kernel, with_profile=True)
    biased = solved.under(jnp.sign(delta_mu), delta_mu, injection)
    status = without_overflow(solved.status(delta_mu, given), _numbers_of(biased))
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
        current_error=good(biased.current_error()),
        quadrature_error=jnp.asarray(jnp.nan),
        residual=good(biased.residual()),
        status=status,
        steps=jnp.zeros((), int),
        nodes=jnp.ones((), int),
        outside_band=biased.outside_band(),
    )


@partial(compiled_quickly, static_argnums=(4, 5))
def _driven_state(
    wire, mu_bar, delta_mu, injection, kernel, law: Series | Exact, effort, temperature
) -> State:
    """The state beyond linear response; the opposite bias is solved too, for the conductance."""

    wire, delta_mu, _, given, temperature = _admitted(wire, delta_mu, injection, temperature)

    def report(driven):
        status = without_overflow(driven.status, _numbers_of(driven))
        good = lambda value: jnp.where(codes.has_numbers(status), value, jnp.nan)
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
            current_error=jnp.asarray(jnp.nan),
            quadrature_error=good(driven.quadrature_error())
            if isinstance(law, Exact)
            else jnp.asarray(jnp.nan),
            residual=good(driven.residual()),
            status=status,
            steps=driven.balance.steps,
            nodes=driven.nodes,
            outside_band=driven.outside_band(),
        )

    both = jax.vmap(report)(drive(wire, kernel, law, effort, mu_bar, delta_mu, given, temperature))
    state = jax.tree.map(lambda leaf: leaf[0], both)
    difference = jnp.sign(delta_mu) * (both.left_current[0] - both.left_current[1])
    return eqx.tree_at(lambda s: s.conductance, state, difference / 2)


@partial(compiled_quickly, static_argnums=(4, 5))
def _driven_nonreciprocity(wire, mu_bar, delta_mu, injection, kernel, law, effort, temperature):
    """(Delta I, status) beyond linear response."""
    wire, delta_mu, _, given, temperature = _admitted(wire, delta_mu, injection, temperature)
    driven = drive(wire, kernel, law, effort, mu_bar, jnp.abs(delta_mu), given, temperature)
    seen = observe_driven(("nonreciprocity",), driven)
    return seen["nonreciprocity"], seen["status"]


@with_hints
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

    Arguments and errors as for `solve`. NaN where the state has no numbers.
    """
    require_wire("wire", wire)
    mu_bar, delta_mu, injection, law = _drive(mu_bar, delta_mu, injection, I_g, law)
    chosen = kernel_for(kernel, wire.sites, alone=True)
    if isinstance(law, Linear):
        given = (wire, mu_bar, delta_mu, injection)
        found = _resolved(lambda kernel: _nonreciprocity(*given, kernel), chosen, given, lambda r: r[1])
        return found[0]
    at = (wire, mu_bar, delta_mu, injection, chosen)
    tried = _tried(lambda effort: _driven_nonreciprocity(*at, *_static(law, effort)), law, at, lambda r: r[1])
    return tried[0]


@kept
@partial(jax.jit, static_argnums=4)
def _nonreciprocity(wire, mu_bar, delta_mu, injection, kernel) -> tuple[Array, Array]:
    """(Delta I, status) in linear response."""
    wire, delta_mu, injection, given, _ = _admitted(wire, delta_mu, injection, None)
    solved = Solved.of(wire, mu_bar, kernel, with_profile=False)
    status = solved.status(delta_mu, given)
    value = solved.response.nonreciprocity(injection)
    return jnp.where(codes.has_numbers(status), value, jnp.nan), status


def _admitted(wire: Wire, delta_mu: Array, injection: Array, temperature: Array | None):
    """Wire, bias, injection, the injection as the status judges it (NaN if not all is allowed), temperature.

    What a transform traces is known only here. Numbers that are not allowed are replaced, not carried along:
    NaN would spoil the gradients of everything in sum with them.
    """
    wire, good = admit(wire)
    biased, driven = NOT_ZERO.holds(delta_mu), AMOUNT.holds(injection)
    good &= biased & driven
    if temperature is not None:
        warm = NOT_NEGATIVE.holds(temperature)
        good &= warm
        temperature = jnp.where(warm, temperature, 1.0)
    delta_mu, injection = jnp.where(biased, delta_mu, 1e-3), jnp.where(driven, injection, 0.0)
    return wire, delta_mu, injection, jnp.where(good, injection, jnp.nan), temperature


def _numbers_of(biased: Biased | Driven) -> tuple[Array, ...]:
    """Of a state, what may overflow: potentials, what they drive and what that dissipates."""
    return biased.potential(), biased.site_current(), biased.heat(), biased.density()


def _static(law: Series | Exact, effort: Effort) -> tuple[Any, ...]:
    """The law as a static value, the effort, and the temperature, which may be traced."""
    if isinstance(law, Series):
        return law, effort, None
    warm = _is_warm(law) or effort.patient  # which has one program for all temperatures
    return replace(law, temperature=0.0), effort, jnp.asarray(law.temperature, float) if warm else None


def _is_warm(law: Law) -> bool:
    return isinstance(law, Exact) and (is_traced(law.temperature) or law.temperature > 0)


def _resolved(attempt, kernel: type[Transmission], at: tuple, status_of):
    """The result of `kernel`, or of a careful one where that lost digits.

    Within a transform nobody can look: there it is the careful one from the start, unless its N steps in a
    row are what `Long` is there to avoid.
    """
    traced = any(map(is_traced, jax.tree.leaves(at)))
    if traced and kernel is not Long:
        return attempt(careful(kernel))
    result = attempt(kernel)
    lost = status_of(result) == codes.NOT_RESOLVED
    if traced:
        return jax.lax.cond(lost, lambda: attempt(careful(kernel)), lambda: result)
    return attempt(careful(kernel)) if lost else result


def _tried(attempt, law: Series | Exact, at: tuple, status_of):
    """The result of the least effort that is enough; within a transform, of one effort for all."""
    traced = any(map(is_traced, jax.tree.leaves((at, getattr(law, "temperature", 0.0)))))
    if traced:
        return attempt(traced_effort(law))
    first, *others = efforts(law)
    best = attempt(first)
    for effort in others:
        if int(status_of(best)) not in UNFINISHED:
            break
        result = attempt(effort)
        if codes.is_better(status_of(result), status_of(best)):
            best = result
    return best


def _in_band(mu_bar: Any, delta_mu: Any) -> Any:
    """mu_bar, in the band with its window where both are known."""
    if is_traced(mu_bar) or is_traced(delta_mu) or abs(mu_bar) + abs(delta_mu) / 2 < BAND_EDGE:
        return mu_bar
    window, half = (f" with delta_mu = {show(delta_mu)}", " + |delta_mu| / 2") if delta_mu else ("", "")
    raise InputError(
        f"mu_bar = {show(mu_bar)}{window}: outside the band; expected |mu_bar|{half} < {BAND_EDGE:g} gamma_o"
    )


def _drive(mu_bar, delta_mu, injection, I_g, law) -> tuple[Any, Any, Any, Law]:
    """Every number of the drive, checked, and the law; of known numbers without a call to JAX."""
    require_double()
    law = checked_law(law)
    if injection is not None and I_g is not None:
        raise InputError("injection and I_g: both set the injected current; give one of them")
    mu_bar, delta_mu = number("mu_bar", mu_bar), number("delta_mu", delta_mu, NOT_ZERO)
    mu_bar = _in_band(mu_bar, delta_mu)
    if I_g is not None:
        injection = _over_unit(number("I_g", I_g, AMOUNT), delta_mu)
    elif injection is None:
        injection = np.float64(0.0)
    else:
        injection = number("injection", injection, AMOUNT)
    return mu_bar, delta_mu, injection, law


def _over_unit(I_g: Any, delta_mu: Any) -> Any:
    """I_g / I_o; NaN, with finite gradients, where a traced number is not allowed."""
    if not is_traced(I_g) and not is_traced(delta_mu):
        return 2 * np.pi * I_g / abs(delta_mu)
    good = AMOUNT.holds(I_g) & NOT_ZERO.holds(delta_mu)
    ratio = 2 * np.pi * jnp.where(good, I_g, 0.0) / jnp.where(good, jnp.abs(delta_mu), 1.0)
    return jnp.where(good, ratio, jnp.nan)
