"""`model = "circuit"`: the resistive wire of `classical.circuit` over a grid."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxtransport.models.padding import fixed_numbers, layout_tables, of_size, plain_task, sizes_of
from jaxtransport.spec.spec import Spec
from jaxtransport.sweep.task import Task
from jaxtransport.variables import CIRCUIT


def make_task(spec: Spec) -> Task:
    """The task of a spec with `model = "circuit"`."""
    wire: Any = spec.tables["wire"]
    nodes = (
        {len(wire.positions) + 2: len(wire.positions) + 2}
        if wire.layout == "custom"
        else sizes_of(spec, spec.grid())
    )
    return plain_task(spec, CIRCUIT, nodes, _evaluate, _shared)


def _shared(spec: Spec, sizes: dict[int, int], size: int) -> dict[str, Any]:
    wire: Any = spec.tables["wire"]
    if wire.layout == "custom":
        order = np.argsort(wire.positions)
        lengths = [size]
        position = np.array([0.0, *np.array(wire.positions)[order], 1.0])[:, None]
        strength = np.array([0.0, *np.array(wire.strengths)[order], 0.0])[:, None]
        segments = np.ones(1)  # sigma is that of the whole wire
    else:
        lengths = of_size(sizes, size)
        _, strength = layout_tables(wire, lengths, size)
        segments = np.array(lengths) - 1.0
        position = np.minimum(np.arange(size)[:, None] / segments, 1.0)
    fixed = fixed_numbers(spec, ("wire", "drive"))
    return {
        "lengths": np.array(lengths),
        "segments": segments,
        "position": position,
        "strength": strength,
        "fixed": fixed,
    }


def _evaluate(point, free, shared, *, names):
    """The variables `names` and "status" at one point; there are no free axes."""
    import jax.numpy as jnp  # JAX is loaded when computing starts

    from jaxtransport.classical.circuit import Circuit, response_of, solve_circuit
    from jaxtransport.models.two_biases import seen_from_the_ends

    given = {**shared["fixed"], **point}
    column = jnp.searchsorted(shared["lengths"], point["N"]) if "N" in point else 0
    circuit = Circuit(
        position=shared["position"][:, column],
        strength=shared["strength"][:, column],
        length=shared["lengths"][column],
    )
    forward = solve_circuit(circuit, voltage=given["voltage"], injection=given["injection"])
    reverse = solve_circuit(circuit, voltage=-given["voltage"], injection=given["injection"])
    response = response_of(circuit)
    node = jnp.arange(circuit.position.shape[0])
    more = {
        "conductance": response.conductance * given["sigma"] / shared["segments"][column],
        "position": jnp.where(node < circuit.length, circuit.position, jnp.nan),
    }
    along = ("voltage", "bond_current", "heat")
    return seen_from_the_ends(names, response, given["injection"], forward, reverse, along, more)
