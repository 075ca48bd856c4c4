r"""A wire of uniform resistance with currents fed in and drawn along it, by Kirchhoff (Sec. I, App. D).

    V_0 --R dx_1-- V_1 --R dx_2-- V_2 ... --R dx_m-- V_m         V_0 = V, V_m = 0 (reverse: 0, V)
                    |              |
                 s_1 I_g        s_2 I_g

    J_{i+1} - J_i = s_i I_g,     V_{i-1} - V_i = R dx_i J_i,     sum_i dx_i = 1

    I_1 = V/R - I_g sum_i dx_i S_i,      S_i = s_1 + ... + s_{i-1}

Currents and I_g are in V/R with V > 0 the size of the bias, heat in V^2/R, voltages in the unit of
V. Positions are fractions of the length. J is positive from left to right; currents at the ends are
positive into the wire. Nodes from `length` on are padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxtransport import layout as layouts
from jaxtransport.errors import InputError
from jaxtransport.layout import Layout
from jaxtransport.precision import require_double
from jaxtransport.probes.response import Response
from jaxtransport.wire import is_concrete, require_number


class Circuit(eqx.Module):
    """A resistive wire with `length` nodes, both ends counted, in arrays of at least as many entries.

    Usually made by `Circuit.dimers`, `Circuit.pair`, `Circuit.spaced` or `Circuit.custom`.
    """

    position: Float[Array, " node"]  # of each node, from 0 at the left end to 1 at the right end
    strength: Float[Array, " node"]  # injected current in I_g: + source, - drain
    length: Int[Array, ""]

    @classmethod
    def from_layout(cls, layout: Layout, *, strengths: Sequence[float] | None = None) -> Circuit:
        """A node on every site of `layout`, N - 1 equal resistors between them.

        Args:
            layout: where sources and drains sit.
            strengths: injected currents in units of I_g, one positive number per source and drain in
                order along the wire. Default: all 1.
        """
        require_double()
        return cls(
            position=jnp.linspace(0.0, 1.0, layout.N),
            strength=jnp.asarray(layout.strength(strengths)),
            length=jnp.asarray(layout.N),
        )

    @classmethod
    def dimers(cls, N: int, *, strengths: Sequence[float] | None = None) -> Circuit:
        """S, D, S, D ... on nodes 2 ... N-1 (N even)."""
        return cls.from_layout(layouts.dimers(N), strengths=strengths)

    @classmethod
    def pair(cls, N: int, *, strengths: Sequence[float] | None = None) -> Circuit:
        """One source at node 2, one drain at N-1."""
        return cls.from_layout(layouts.pair(N), strengths=strengths)

    @classmethod
    def spaced(cls, N: int, spacing: int, *, strengths: Sequence[float] | None = None) -> Circuit:
        """S, D, S, D ... every `spacing` nodes from 2."""
        return cls.from_layout(layouts.spaced(N, spacing), strengths=strengths)

    @classmethod
    def custom(cls, positions: Sequence[float], strengths: Sequence[float]) -> Circuit:
        """Sources and drains anywhere along the wire.

        Args:
            positions: fractions of the length, each between 0 and 1, in any order.
            strengths: injected current of each in I_g; positive for a source, negative for a drain.

        Raises:
            InputError: positions outside the wire or twice the same, lists of unequal length.
            PrecisionError: JAX is in single precision.
        """
        require_double()
        check_terminals(positions, strengths)
        order = np.argsort(positions)
        return cls(
            position=jnp.asarray([0.0, *np.asarray(positions, float)[order], 1.0]),
            strength=jnp.asarray([0.0, *np.asarray(strengths, float)[order], 0.0]),
            length=jnp.asarray(len(positions) + 2),
        )


def check_terminals(positions: Sequence[float], strengths: Sequence[float]) -> None:
    """Raise `InputError` unless these are places along a wire and a strength for each."""
    for name, values in (("positions", positions), ("strengths", strengths)):
        if not isinstance(values, list | tuple | np.ndarray) or not _are_numbers(values):
            raise InputError(f"{name} = {values!r}: pass a list of numbers")
    if len(positions) != len(strengths):
        raise InputError(
            f"strengths: {len(strengths)} numbers for {len(positions)} positions; pass one for each"
        )
    wrong = [x for x in positions if not 0 < x < 1]
    if wrong:
        raise InputError(
            f"positions: {wrong[0]} is not inside the wire; pass fractions of its length, 0 < x < 1"
        )
    if len(set(positions)) < len(positions):
        raise InputError("positions: one comes twice; pass each once, with the sum of its strengths")
    if not np.all(np.isfinite(strengths)):
        raise InputError(f"strengths = {list(strengths)}: pass finite numbers")


def _are_numbers(values: Any) -> bool:
    try:
        array = np.asarray(values)
    except ValueError:  # ragged
        return False
    return array.ndim == 1 and (array.size == 0 or array.dtype.kind in "iuf")


class CircuitState(eqx.Module):
    """A circuit under one bias. NaN beyond its nodes."""

    voltages: Float[Array, " node"]  # in the unit of `voltage`
    bond_currents: Float[Array, " bond"]  # J between nodes, in V/R, positive to the right
    heat: Float[Array, " bond"]  # J^2 R dx between nodes, in V^2/R
    left_current: Float[Array, ""]  # I_1 in V/R, positive into the wire
    right_current: Float[Array, ""]  # I_N in V/R, positive into the wire: minus what flows out
    residual: Float[Array, ""]  # what the voltages, summed along the wire, miss at its far end, / |V|


def respond(circuit: Circuit) -> Response:
    """I_1 = +-g - i r in V/R, with i = I_g R / V: g = 1 and r of a circuit."""
    lengths = jnp.diff(circuit.position)
    r = jnp.sum(lengths * jnp.cumsum(circuit.strength)[:-1])
    return Response(jnp.ones_like(r), r, jnp.sum(circuit.strength))


def solve_circuit(circuit: Circuit, *, voltage: Any = 1.0, injection: Any = 0.0) -> CircuitState:
    """Voltages and currents of `circuit` under a bias.

    Args:
        circuit: the circuit.
        voltage: voltage of the left end minus that of the right; the lower end is at 0. Negative for
            a reverse bias, not 0.
        injection: I_g R / |V|.

    Raises:
        InputError: numbers that are not finite, or voltage = 0.
        PrecisionError: JAX is in single precision.
    """
    require_double()
    if not isinstance(circuit, Circuit):
        raise InputError(f"circuit: a {type(circuit).__name__}; pass a Circuit")
    for name, value in {"voltage": voltage, "injection": injection}.items():
        require_number(name, value)
    if is_concrete(voltage) and float(voltage) == 0:
        raise InputError("voltage = 0: the unit of current vanishes; pass a bias that is not 0")
    return _solve_circuit(circuit, jnp.asarray(voltage, float), jnp.asarray(injection, float))


@jax.jit
def _solve_circuit(circuit: Circuit, voltage, injection) -> CircuitState:
    sign, size = jnp.sign(voltage), jnp.abs(voltage)
    response = respond(circuit)
    left_current = response.left_current(sign, injection)
    lengths = jnp.diff(circuit.position)
    J = left_current + injection * jnp.cumsum(circuit.strength)[:-1]
    drops = lengths * J
    start, end = jnp.maximum(sign, 0.0), jnp.maximum(-sign, 0.0)
    V = start - jnp.concatenate([jnp.zeros(1), jnp.cumsum(drops)])
    node = jnp.arange(circuit.position.shape[0])
    last = circuit.length - 1
    residual = jnp.abs(jnp.take(V, last) - end)
    between = node[:-1] < last
    return CircuitState(
        voltages=jnp.where(node <= last, size * V, jnp.nan),
        bond_currents=jnp.where(between, J, jnp.nan),
        heat=jnp.where(between, lengths * J**2, jnp.nan),
        left_current=left_current,
        right_current=response.right_current(sign, injection),
        residual=residual,
    )
