"""One wire, one bias: from parameters to the steady state.

    x_l = mu_l - mu_bar,   x_1 = delta_mu / 2,   x_N = -delta_mu / 2,
    I_l = strength_l I_g for every source, drain and probe in between

`solve` gives the whole state, `nonreciprocity` only Delta I. Both are plain functions of pytrees:
`jax.jit`, `jax.vmap` and `jax.grad` go through them, in every parameter of the wire and the drive.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxtransport import nonlinear
from jaxtransport import status as codes
from jaxtransport.arguments import AMOUNT, NOT_NEGATIVE, NOT_ZERO, is_traced, number
from jaxtransport.budget import Stage
from jaxtransport.compute.precision import require_double
from jaxtransport.compute.runtime import compiled_quickly, kept
from jaxtransport.constant import conductance
from jaxtransport.drive import checked, in_band
from jaxtransport.green.kernels import careful, kernel_for
from jaxtransport.green.parallel_chain import ParallelChain
from jaxtransport.green.transmission import Transmission
from jaxtransport.hints import with_hints
from jaxtransport.laws import Law, require_rules
from jaxtransport.linear import LinearResponse
from jaxtransport.parameters import MU_BAR
from jaxtransport.renamed import Renamed
from jaxtransport.steady import Steady, without_overflow
from jaxtransport.wire import Wire, admit, require_wire


class State(eqx.Module):
    """The steady state of a wire under one bias. Currents in I_o = e |delta_mu| / 2 pi hbar.

    Attributes have the names of a result file, without `_forward` and `_reverse`.

    Numbers are NaN where `status` is neither 0 nor 7.
    """

    potential: Float[Array, " site"]  # mu_l in gamma_o; NaN without reservoir
    site_current: Float[Array, " site"]  # I_l, positive into the wire; 0 without reservoir
    bond_current: Float[Array, " bond"]  # J_l, positive from site l to l+1
    heat: Float[Array, " site"]  # h_l in gamma_o^2 / hbar, positive into the reservoir
    density: Float[Array, " site"]  # delta n_l, dimensionless; NaN without reservoir
    current: Float[Array, ""]  # I_1, at the left lead
    right_current: Float[Array, ""]  # I_N, at the right lead
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
    outside_band: Int[Array, ""]  # 1 if one left the band of its reservoirs
    occupation: Float[Array, " site"]  # n_l where it is the same at all energies; NaN elsewhere

    bond_currents = Renamed("bond_current")

    @property
    def potentials(self) -> Array:
        """`potential`."""
        return self.potential

    @property
    def currents(self) -> Array:
        """`site_current`."""
        return self.site_current

    @property
    def left_current(self) -> Array:
        """`current`."""
        return self.current

    @classmethod
    def of(
        cls,
        steady: Steady,
        status: Array,
        *,
        conductance: Any = jnp.nan,
        injection_response: Any = jnp.nan,
        steps: Any = 0,
        nodes: Any = 1,
    ) -> State:
        """The state made from a steady state and its `status`; numbers that overflow change the status."""
        status = without_overflow(status, steady.numbers())
        good: Callable[[Any], Array] = lambda value: jnp.where(codes.has_numbers(status), value, jnp.nan)
        return cls(
            potential=good(steady.potential()),
            site_current=good(steady.site_current()),
            bond_current=good(steady.bond_current()),
            heat=good(steady.heat()),
            density=good(steady.density()),
            current=good(steady.left_current()),
            right_current=good(steady.right_current()),
            conductance=good(conductance),
            injection_response=good(injection_response),
            current_error=good(steady.current_error()),
            quadrature_error=good(steady.quadrature_error()),
            residual=good(steady.residual()),
            status=status,
            steps=jnp.asarray(steps, int),
            nodes=jnp.asarray(nodes, int),
            outside_band=steady.outside_band(),
            occupation=good(steady.occupation()),
        )

    @classmethod
    def of_conductance(cls, sites: int, conductance: Array, status: Array) -> State:
        """Where linear response gives no more than the conductance: all other numbers are NaN."""
        known = jnp.where(codes.has_numbers(status), conductance, jnp.nan)
        shape = dict.fromkeys(("potential", "site_current", "heat", "density", "occupation"), (sites,))
        shape["bond_current"] = (sites - 1,)
        whole = {"steps": 0, "nodes": 1, "outside_band": 0}
        numbers = {
            field: jnp.full(shape.get(field, ()), whole.get(field, jnp.nan))
            for field in cls.__dataclass_fields__
        }
        return cls(**{**numbers, "conductance": known, "status": status})


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
    mu_bar = in_band(number(MU_BAR, mu_bar), 0.0, wire.reservoir.band)
    chosen = kernel_for(kernel, wire.sites, alone=True)
    return _transmission(wire, mu_bar, chosen if chosen is ParallelChain else careful(chosen))


@kept
@partial(jax.jit, static_argnums=2)
def _transmission(wire: Wire, mu_bar: Array, kernel: type[Transmission]) -> Transmission:
    """NaN throughout where a traced number is not allowed."""
    wire, good = admit(wire)
    good &= wire.reservoir.band.holds(mu_bar)
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
    With gains, losses, white probes or given occupations linear response gives the conductance alone, and the
    numbers of the state beside it are NaN.
    Beyond linear response it may also have status 1 (the search for the potentials met its limit), 2
    (Newton's method diverged) or 5 (there is no solution with all potentials in the band).
    """
    given, law, chosen = checked(wire, mu_bar, delta_mu, injection, I_g, law, kernel)
    one = _linear_state if law.is_linear else _nonlinear_state
    return _tried(one, given, law, chosen, lambda state: state.status)


@kept
@partial(jax.jit, static_argnums=4)
def _linear_state(
    wire: Wire, mu_bar: Array, delta_mu: Array, injection: Array, kernel: type[Transmission]
) -> State:
    wire, delta_mu, injection, given, _ = _admitted(wire, delta_mu, injection, None)
    if wire.rules is not None and wire.rules.any_constant:
        G, status = conductance(wire, mu_bar, delta_mu, kernel)
        return State.of_conductance(wire.sites, G, jnp.where(jnp.isnan(given), codes.NOT_FINITE, status))
    solved = LinearResponse.of(wire, mu_bar, kernel, with_profile=True)
    return State.of(
        solved.at_bias(jnp.sign(delta_mu), delta_mu, injection),
        solved.status(delta_mu, given),
        conductance=solved.response.conductance,
        injection_response=solved.response.injection,
    )


@partial(compiled_quickly, static_argnums=(4, 5))
def _nonlinear_state(
    wire: Wire,
    mu_bar: Array,
    delta_mu: Array,
    injection: Array,
    kernel: type[Transmission],
    law: Law,
    stage: Stage,
    temperature: Array | None,
) -> State:
    """The state beyond linear response; the opposite bias is solved too, for the conductance."""
    wire, delta_mu, _, given, temperature = _admitted(wire, delta_mu, injection, temperature)
    both = nonlinear.solve(wire, kernel, law, stage, mu_bar, delta_mu, given, temperature)
    of_one: Callable[[nonlinear.Nonlinear], State] = lambda one: State.of(
        one, one.status, steps=one.balance.steps, nodes=one.nodes
    )
    states = jax.vmap(of_one)(both)
    difference = jnp.sign(delta_mu) * (states.left_current[0] - states.left_current[1])
    state = jax.tree.map(lambda leaf: leaf[0], states)
    return eqx.tree_at(lambda s: s.conductance, state, difference / 2)


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
    given, law, chosen = checked(wire, mu_bar, delta_mu, injection, I_g, law, kernel)
    require_rules(wire, law)
    one = _linear_nonreciprocity if law.is_linear else _nonlinear_nonreciprocity
    return _tried(one, given, law, chosen, lambda result: result[1])[0]


@kept
@partial(jax.jit, static_argnums=4)
def _linear_nonreciprocity(
    wire: Wire, mu_bar: Array, delta_mu: Array, injection: Array, kernel: type[Transmission]
) -> tuple[Array, Array]:
    """(Delta I, status) in linear response."""
    wire, delta_mu, injection, given, _ = _admitted(wire, delta_mu, injection, None)
    solved = LinearResponse.of(wire, mu_bar, kernel, with_profile=False)
    status = solved.status(delta_mu, given)
    value = solved.response.nonreciprocity(injection)
    return jnp.where(codes.has_numbers(status), value, jnp.nan), status


@partial(compiled_quickly, static_argnums=(4, 5))
def _nonlinear_nonreciprocity(
    wire: Wire,
    mu_bar: Array,
    delta_mu: Array,
    injection: Array,
    kernel: type[Transmission],
    law: Law,
    stage: Stage,
    temperature: Array | None,
) -> tuple[Array, Array]:
    """(Delta I, status) beyond linear response."""
    wire, delta_mu, _, given, temperature = _admitted(wire, delta_mu, injection, temperature)
    both = nonlinear.solve(wire, kernel, law, stage, mu_bar, jnp.abs(delta_mu), given, temperature)
    seen = nonlinear.observed(("nonreciprocity",), both, law)
    return seen["nonreciprocity"], seen["status"]


def _admitted(
    wire: Wire, delta_mu: Array, injection: Array, temperature: Array | None
) -> tuple[Wire, Array, Array, Array, Array | None]:
    """Wire, bias, injection, the injection as the status judges it (NaN if not all is allowed), temperature.

    Traced values are checked here. Numbers that are not allowed are replaced, since NaN would spoil the
    gradients of everything that is summed with them.
    """
    wire, good = admit(wire)
    biased, driven = NOT_ZERO.holds(delta_mu), AMOUNT.holds(injection)
    good &= biased & driven
    if temperature is not None:
        finite_temperature = NOT_NEGATIVE.holds(temperature)
        good &= finite_temperature
        temperature = jnp.where(finite_temperature, temperature, 1.0)
    delta_mu, injection = jnp.where(biased, delta_mu, 1e-3), jnp.where(driven, injection, 0.0)
    return wire, delta_mu, injection, jnp.where(good, injection, jnp.nan), temperature


def _tried(
    one: Callable[..., Any],
    given: tuple[Any, ...],
    law: Law,
    kernel: type[Transmission],
    status_of: Callable[[Any], Array],
) -> Any:
    """Result of `one` for `given` in the first of the law's stages that suffices.

    Within a transform, where the status is unknown, the law's stage for transforms is used. But the careful
    kernel takes N sequential steps, which `ParallelChain` avoids: `ParallelChain` is used even so.
    """
    attempt: Callable[[Stage], Any] = lambda stage: one(*given, *_static(given[0], law, kernel, stage))
    first, *others = law.stages
    if any(map(is_traced, jax.tree.leaves((given, getattr(law, "temperature", 0.0))))):
        if not law.is_linear or kernel is not ParallelChain:
            return attempt(law.traced)
        result = attempt(first)
        lost = status_of(result) == codes.NOT_RESOLVED
        return jax.lax.cond(lost, lambda: attempt(law.traced), lambda: result)
    best = attempt(first)
    for stage in others:
        if int(status_of(best)) not in law.unfinished:
            break
        result = attempt(stage)
        if codes.is_better(status_of(result), status_of(best)):
            best = result
    return best


def _static(wire: Wire, law: Law, kernel: type[Transmission], stage: Stage) -> tuple[Any, ...]:
    """Static arguments of a stage: the kernel; beyond linear response also law, stage and temperature."""
    if law.is_linear:
        return (careful(kernel) if stage.careful else kernel,)
    # Newton's method has one program for all temperatures.
    by_newton = stage.patient or (wire.rules is not None and wire.rules.any_constant)
    finite_temperature = law.finite_temperature or by_newton
    temperature = jnp.asarray(getattr(law, "temperature", 0.0), float) if finite_temperature else None
    return kernel, law.at_temperature(0.0), stage, temperature
