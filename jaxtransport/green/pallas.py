"""The elimination of `green.chain` as one GPU kernel: the state of a point stays in registers.

XLA makes several kernels of every step, each of which reads and writes all carries of all points. Here a
block of points goes from the right end to the left and back by itself. Three numbers per site and point (u,
v and R of `RightPart`) are written to memory and read back: 48 bytes, and 16 more where couplings differ from
point to point.

The steps are those of `green.chain`, points the lanes of a block. It has no gradients: sweeps need none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton
from jaxtyping import Array, Bool, Float

from jaxtransport.errors import InputError
from jaxtransport.green.chain import Chain
from jaxtransport.green.elimination import (
    Corner,
    LeftPart,
    Point,
    RightPart,
    Site,
    corner,
    eliminate,
)
from jaxtransport.green.transmission import LeadResponse
from jaxtransport.reservoirs.reservoir import Surface
from jaxtransport.wire import Wire

WARPS = 4
POINTS = 32 * WARPS  # of a block: one for each thread


class PallasChain(Chain):
    """The chain, with its response at the leads from one GPU kernel. Made by `Registers.at`."""

    at_lead: Float[Array, ""]  # tau
    from_lead: Float[Array, ""]  # B
    sharpest: Float[Array, ""]
    no_pole: Bool[Array, ""]  # all corners are finite

    @classmethod
    def at(cls, wire: Wire, energy: Float[Array, ""]) -> PallasChain:
        """As `Chain.at`, whose own sweeps `jax.jit` removes unless values at the sites are used."""
        if not wire.reservoir.is_one_kind:
            raise InputError("the GPU kernel takes one kind of reservoir; unset JAXTRANSPORT_PALLAS")
        chain = Chain.at(wire, energy)
        site = Site.of(wire)
        fields = {field.name: getattr(chain, field.name) for field in dataclasses.fields(chain)}
        tau, to_left_lead, sharpest, no_pole = _swept(
            site.onsite,
            site.coupling,
            site.left,
            site.right,
            chain.strength,
            energy,
            *wire.reservoir.at(energy),
            wire.length,
        )
        return cls(**fields, at_lead=tau, from_lead=to_left_lead, sharpest=sharpest, no_pole=no_pole)

    @property
    def finite(self) -> Array:
        return self.no_pole

    def lead_response(self) -> LeadResponse:
        return self._lead_response(self.at_lead, self.from_lead, self.sharpest)


@custom_vmap
def _swept(
    onsite: Array,
    coupling: Array,
    left: Array,
    right: Array,
    strength: Array,
    energy: Array,
    shift: Array,
    width: Array,
    length: Array,
) -> tuple[Array, ...]:
    """tau, B, the sharpness and whether all corners are finite, of one point."""
    alone = _blocks(
        onsite, coupling, left, right, strength, energy[None], shift[None], width[None], length[None]
    )
    return tuple(value[0] for value in alone)


@_swept.def_vmap
def _many(points: int, batched: Any, *arguments: Array) -> tuple[tuple[Array, ...], tuple[bool, ...]]:
    """Of many: sites first, so that points lie side by side."""
    sites = [jnp.moveaxis(v, 0, 1) if b else v for v, b in zip(arguments[:5], batched[:5], strict=True)]
    each = [v if b else jnp.full(points, v) for v, b in zip(arguments[5:], batched[5:], strict=True)]
    return _blocks(*sites, *each), (True,) * 4


def _blocks(
    onsite: Array,
    coupling: Array,
    left: Array,
    right: Array,
    strength: Array,
    energy: Array,
    shift: Array,
    width: Array,
    length: Array,
) -> tuple[Array, ...]:
    """Arrays (site,) or (site, point), and (point,), through the kernel, filled up to whole blocks."""
    points = energy.shape[0]
    blocks = pl.cdiv(points, POINTS)
    extra = blocks * POINTS - points
    fill: Callable[[Array], Array] = lambda v: jnp.pad(v, [(0, 0)] * (v.ndim - 1) + [(0, extra)], mode="edge")
    along = [v if v.ndim == 1 else fill(v) for v in (onsite, coupling, left, right, strength)]
    sites = coupling.shape[0]
    of_point = pl.BlockSpec((POINTS,), lambda block: (block,))
    of_site = pl.BlockSpec((sites,), lambda block: (0,))
    of_both = pl.BlockSpec((sites, POINTS), lambda block: (0, block))
    total, kept = ((blocks * POINTS,), (sites, blocks * POINTS))
    tau, to_left_lead, sharpest, leftmost, *_ = pl.pallas_call(
        _sweeps,
        grid=(blocks,),
        in_specs=[*(of_site if v.ndim == 1 else of_both for v in along), *[of_point] * 4],
        out_specs=[of_point] * 4 + [of_both] * 4,
        out_shape=[jax.ShapeDtypeStruct(shape, energy.dtype) for shape in [total] * 4 + [kept] * 4],
        compiler_params=triton.CompilerParams(num_warps=WARPS),
        interpret=jax.default_backend() == "cpu",
    )(*along, *map(fill, (energy, shift, width, length)))
    return tau[:points], to_left_lead[:points], sharpest[:points], jnp.isfinite(leftmost[:points])


def _sweeps(
    onsite: Any,
    coupling: Any,
    left: Any,
    right: Any,
    strength: Any,
    energy: Any,
    shift: Any,
    width: Any,
    length: Any,
    tau: Any,
    to_left_lead: Any,
    sharpest: Any,
    leftmost: Any,
    u: Any,
    v: Any,
    R: Any,
    doubt: Any,
) -> None:
    """Both sweeps of a block of points. Arguments are references; the last four keep every `RightPart`."""
    sites = coupling.shape[0]
    point = Point(energy[...], Surface(shift[...], width[...]), length[...])
    zero = jnp.zeros_like(point.energy)

    def row(reference: Any, l: Any) -> Array:
        return reference[l] if len(reference.shape) == 1 else reference[l, :]

    def site_at(l: Any) -> Site:
        return Site(l, *(row(part, l) for part in (onsite, coupling, left, right)))

    def leftward(i: Any, beyond: Corner) -> Corner:
        l = sites - 1 - i
        u[l, :], v[l, :], R[l, :], doubt[l, :] = beyond.part()
        return corner(beyond, site_at(l), point)

    def rightward(l: Any, before: LeftPart) -> LeftPart:
        beyond = RightPart(u[l, :], v[l, :], R[l, :], doubt[l, :])
        return eliminate(before, site_at(l), beyond, row(strength, l), point)[0]

    lax.fori_loop(0, sites, leftward, Corner(*(zero,) * 5))
    end = lax.fori_loop(0, sites, rightward, LeftPart(*(zero,) * 11))
    tau[...], to_left_lead[...], sharpest[...] = end.tau, end.to_left_lead, end.sharpness
    leftmost[...] = u[0, :] + R[0, :]  # non-finite values propagate left
