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
from jaxtransport.arguments import (
    AMOUNT,
    FRACTION,
    NOT_ZERO,
    REAL,
    Range,
    fields,
    instance,
    number,
    numbers,
    require_known,
    wrong,
)
from jaxtransport.compute.precision import require_double
from jaxtransport.compute.runtime import kept
from jaxtransport.errors import InputError
from jaxtransport.hints import with_hints
from jaxtransport.layout import Layout
from jaxtransport.probes.response import Response
from jaxtransport.renamed import Renamed


class Circuit(eqx.Module):
    """A resistive wire with `length` nodes, both ends counted, in arrays of at least as many entries.

    Usually made by `Circuit.dimers`, `Circuit.pair`, `Circuit.spaced` or `Circuit.custom`.
    """

    position: Float[Array, " node"]  # of each node, from 0 at the left end to 1 at the right end
    strength: Float[Array, " node"]  # injected current in I_g: + source, - drain
    length: Int[Array, ""]

    @classmethod
    @with_hints
    def from_layout(cls, layout: Layout, *, strengths: Sequence[float] | None = None) -> Circuit:
        """A node on every site of `layout`, N - 1 equal resistors between them.

        Args:
            layout: where sources and drains sit.
            strengths: injected currents in units of I_g, one positive number per source and drain in
                order along the wire. Default: all 1.
        """
        require_double()
        instance("layout", layout, Layout)
        layout.require_no_occupations("a circuit")
        return cls(
            position=jnp.linspace(0.0, 1.0, layout.N),
            strength=jnp.asarray(layout.strength(strengths)),
            length=jnp.asarray(layout.N),
        )

    @classmethod
    @with_hints
    def dimers(cls, N: int, *, strengths: Sequence[float] | None = None) -> Circuit:
        """S, D, S, D ... on nodes 2 ... N-1 (N even)."""
        return cls.from_layout(layouts.dimers(N), strengths=strengths)

    @classmethod
    @with_hints
    def pair(cls, N: int, *, strengths: Sequence[float] | None = None) -> Circuit:
        """One source at node 2, one drain at N-1."""
        return cls.from_layout(layouts.pair(N), strengths=strengths)

    @classmethod
    @with_hints
    def spaced(cls, N: int, spacing: int, *, strengths: Sequence[float] | None = None) -> Circuit:
        """S, D, S, D ... every `spacing` nodes from 2."""
        return cls.from_layout(layouts.spaced(N, spacing), strengths=strengths)

    @classmethod
    @with_hints
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
        places = _row("positions", positions, FRACTION)
        currents = _row("strengths", strengths, AMOUNT)
        if len(places) != len(currents):
            raise InputError(
                f"strengths: expected one number for each of {len(places)} positions, got {len(currents)}"
            )
        if len(np.unique(places)) < len(places):
            raise InputError("positions: duplicate position; give each once, with the sum of its strengths")
        order = np.argsort(places)
        return cls(
            position=jnp.asarray([0.0, *places[order], 1.0]),
            strength=jnp.asarray([0.0, *currents[order], 0.0]),
            length=jnp.asarray(len(places) + 2),
        )


def _row(name: str, values: Any, allowed: Range) -> np.ndarray:
    """A list of numbers, known now."""
    require_known(name, values)
    row = numbers(name, values, allowed)
    if row.ndim != 1:
        raise wrong(name, values, f"a list of numbers, each {allowed.words}")
    return row


class CircuitState(eqx.Module):
    """A circuit under one bias. NaN beyond its nodes."""

    voltage: Float[Array, " node"]  # in the unit of `voltage`
    bond_current: Float[Array, " bond"]  # J between nodes, in V/R, positive to the right
    heat: Float[Array, " bond"]  # J^2 R dx between nodes, in V^2/R
    current: Float[Array, ""]  # I_1 in V/R, positive into the wire
    right_current: Float[Array, ""]  # I_N in V/R, positive into the wire: minus what flows out
    residual: Float[Array, ""]  # what the voltages, summed along the wire, miss at its far end, / |V|

    voltages = Renamed("voltage")
    bond_currents = Renamed("bond_current")
    left_current = Renamed("current")


def response_of(circuit: Circuit) -> Response:
    """I_1 = +-g - i r in V/R, with i = I_g R / V: g = 1 and r of a circuit."""
    lengths = jnp.diff(circuit.position)
    r = jnp.sum(lengths * jnp.cumsum(circuit.strength)[:-1])
    return Response(jnp.ones_like(r), r, jnp.sum(circuit.strength) - r)


@with_hints
def solve_circuit(circuit: Circuit, *, voltage: Any = 1.0, injection: Any = 0.0) -> CircuitState:
    """Voltages and currents of `circuit` under a bias.

    Args:
        circuit: the circuit.
        voltage: voltage of the left end minus that of the right; the lower end is at 0. Negative for
            a reverse bias, not 0.
        injection: I_g R / |V|.

    Raises:
        InputError: numbers that are not finite, or voltage = 0. Where a traced number is not allowed, all of
            the state is NaN.
        PrecisionError: JAX is in single precision.
    """
    require_double()
    fields("circuit", circuit, Circuit, {"position": 0, "strength": 0})
    voltage, injection = number("voltage", voltage, NOT_ZERO), number("injection", injection, AMOUNT)
    return _solve_circuit(circuit, voltage, injection)


@kept
@jax.jit
def _solve_circuit(circuit: Circuit, voltage: Array, injection: Array) -> CircuitState:
    node, length = jnp.arange(circuit.position.shape[0]), circuit.length
    inside = REAL.holds(circuit.strength) & (circuit.position >= 0) & (circuit.position <= 1)
    good = jnp.all((node >= length) | inside) & (length >= 2) & (length <= node.size)
    good &= NOT_ZERO.holds(voltage) & AMOUNT.holds(injection)
    plain = Circuit(
        position=jnp.where(good, circuit.position.astype(float), 0.0),
        strength=jnp.where(good, circuit.strength.astype(float), 0.0),
        length=jnp.where(good, length, node.size),
    )
    solved = _solved(plain, jnp.where(good, voltage, 1.0), jnp.where(good, injection, 0.0))
    return jax.tree.map(lambda values: jnp.where(good, values, jnp.nan), solved)


def _solved(circuit: Circuit, voltage: Array, injection: Array) -> CircuitState:
    sign, size = jnp.sign(voltage), jnp.abs(voltage)
    response = response_of(circuit)
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
        voltage=jnp.where(node <= last, size * V, jnp.nan),
        bond_current=jnp.where(between, J, jnp.nan),
        heat=jnp.where(between, lengths * J**2, jnp.nan),
        current=left_current,
        right_current=response.right_current(sign, injection),
        residual=residual,
    )
