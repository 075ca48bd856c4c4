r"""The function delta I, which vanishes where the current is reciprocal, for many wires at once.

    I_1(+-) = +- G delta mu - delta I        under forward and reverse bias, for any law
    Delta I = 2 sgn(G delta I) min(|G delta mu|, |delta I|)

Delta I has kinks where the two parts cross; delta I = -[I_1(+) + I_1(-)] / 2 is smooth, vanishes where
Delta I does, and is 0 without injection. In linear response delta I = I_g r with r of `probes.response`,
for any bias. Everything here is in I_o = e |delta mu| / 2 pi hbar.

Wires of a batch have equally many array entries and lie along the *last* axis of every array: the
axis that the kernels sweep over then comes first, and nothing is transposed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array

from jaxtransport import nonlinear
from jaxtransport import status as codes
from jaxtransport.compute import interrupts
from jaxtransport.compute.batches import filled, padded
from jaxtransport.coordinates import Coordinate
from jaxtransport.green.dense import Dense
from jaxtransport.green.kernels import careful
from jaxtransport.green.transmission import Transmission
from jaxtransport.laws import Law
from jaxtransport.linear import LinearResponse
from jaxtransport.nonlinear import Nonlinear
from jaxtransport.parameters import MU_BAR, injection_of
from jaxtransport.patterns import Pattern
from jaxtransport.rules import alike
from jaxtransport.search.vary import put
from jaxtransport.wire import Wire

KEPT = 24  # numbers that a kernel keeps per site and energy
NO_BIAS = 1e-300  # linear response is the limit of none: it needs no room for one in the band
BATCH_BYTES = 2**28  # of one batch: a search above T = 0 keeps megabytes a point
SMALL, LARGE = 256, 2**17  # points of a small batch; sites x points of a large one: it fits a cache

ONE_SIZE = 2**16  # sites x searches that are done in arrays of one size
TOGETHER = 2**17  # sites x searches that are done at once


class WireBatch(eqx.Module):
    """Wires and their drives, along the last axis of every array."""

    wire: Wire
    drive: dict[str, Array]  # mu_bar; delta_mu, injection or I_g, temperature where given
    patterns: dict[str, Pattern] = eqx.field(default_factory=dict)  # those of which a number is searched

    def __len__(self) -> int:
        return self.wire.length.shape[0]

    @classmethod
    def of(cls, wires: Sequence[Wire], drive: Mapping[str, Any]) -> WireBatch:
        """Several wires under one drive, padded to a common size: few sizes, because each is compiled."""
        sites = padded(max(int(wire.length) for wire in wires))
        longest = max(wire.sites for wire in wires)

        def along(*leaves: Array) -> np.ndarray:
            arrays = [np.asarray(leaf) for leaf in leaves]
            entries = max(array.size for array in arrays)
            full = sites - (longest - entries)  # one entry less for bonds
            out = np.zeros((*[full] * arrays[0].ndim, len(arrays)), np.result_type(*arrays))
            for i, array in enumerate(arrays):
                cut = tuple(slice(full) for _ in array.shape)
                out[..., i][tuple(slice(n) for n in array[cut].shape)] = array[cut]
            return out

        rules = alike([wire.rules for wire in wires], [wire.sites for wire in wires])
        wires = [replace(wire, rules=own) for wire, own in zip(wires, rules, strict=True)]
        stacked = jax.tree.map(along, *wires)
        full = {name: np.full(len(wires), value, float) for name, value in drive.items()}
        return cls(*jax.tree.map(jnp.asarray, (stacked, full)))

    def one(self, i: int) -> tuple[Wire, dict[str, Array]]:
        """Wire and drive number `i`, as host data."""
        return jax.tree.map(lambda leaf: np.asarray(leaf)[..., i], (self.wire, self.drive))


Build = Callable[[WireBatch, dict[str, Array]], Wire]  # of one problem, without a last axis


def grouped(lengths: Sequence[int] | np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
    """Wires that are solved together, of similar length and not too many: (their numbers, array size).

    A size is compiled for seconds, so a few searches are quicker in arrays of one size.
    """
    sizes = np.array([padded(int(N)) for N in lengths])
    if len(sizes) * sizes.max() <= ONE_SIZE:
        sizes[:] = sizes.max()
    for size in np.unique(sizes):
        rows = np.flatnonzero(sizes == size)
        step = max(1, TOGETHER // int(size))
        for start in range(0, len(rows), step):
            yield rows[start : start + step], int(size)


class Parts(NamedTuple):
    """Parts of the current that do and do not change sign with the bias, in I_o, with status."""

    delta_I: Array  # delta I = -[I_1(+) + I_1(-)] / 2
    G_delta_mu: Array  # G delta mu = [I_1(+) - I_1(-)] / 2
    status: Array
    error: Array  # of delta I, by rounding; 0 beyond linear response

    def nonreciprocity(self) -> Any:
        """Delta I."""
        b, a = self.delta_I, self.G_delta_mu
        return 2 * np.where(abs(b) <= abs(a), np.sign(a) * b, a * np.sign(b))


@dataclass(frozen=True)
class Model:
    """Law and kernel for the currents, and the parameters that are coordinates."""

    parameters: tuple[Coordinate, ...]
    law: Law
    kernel: type[Transmission]
    finite_temperature: bool = False  # exact law above T = 0
    stage: int = 0  # of those of the law
    build: Build | None = None  # the wire of a problem with the searched numbers that it is built from

    @property
    def in_turn(self) -> bool:
        """Whether a CPU is faster with one wire after the other: each one uses whole matrices."""
        return self.kernel is Dense or self.law.one_by_one

    def at(self, problem: WireBatch, coordinates: Array) -> tuple[Wire, dict[str, Array]]:
        """Wire and drive of one problem, with `coordinates` (one for each parameter) put in."""
        values = list(zip(self.parameters, coordinates, strict=True))
        wire, given = problem.wire, problem.drive
        if self.build is not None:
            wire = self.build(problem, {p.name: value for p, value in values if p.built})
        for parameter, value in values:
            if not parameter.built:
                wire, given = put(parameter, wire, given, value)
        return wire, given

    def parts(self, problem: WireBatch, coordinates: Array) -> Parts:
        """delta I and G delta mu of one problem, with `coordinates` (one for each parameter) put in."""
        wire, given = self.at(problem, coordinates)
        size = given.get("delta_mu", jnp.ones(()))
        injection = injection_of(given)
        if self.law.is_linear:
            kernel = careful(self.kernel) if self.law.stages[self.stage].careful else self.kernel
            solved = LinearResponse.of(wire, given[MU_BAR], kernel, with_profile=False)
            status = solved.status(jnp.asarray(NO_BIAS), injection)
            answer = solved.response
            error = jnp.abs(injection) * answer.injection_error
            return self._finished(injection * answer.injection, answer.conductance, status, error)
        temperature = given["temperature"] if self.finite_temperature else None
        at = (given[MU_BAR], size, injection, temperature)
        both = nonlinear.solve(wire, self.kernel, self.law, self.law.stages[self.stage], *at)
        forward, reverse = jax.vmap(Nonlinear.left_current)(both)
        return self._finished(-(forward + reverse) / 2, (forward - reverse) / 2, codes.worst(both.status))

    def point_bytes(self, sites: int) -> int:
        """Approximate memory of one point while computed; points in turn share it."""
        kept = KEPT * self.law.biases * (1 + len(self.parameters))
        stage = self.law.stages[self.stage]
        return self.law.point_bytes(stage, sites, kept=kept, dense=issubclass(self.kernel, Dense))

    @staticmethod
    def _finished(delta_I: Array, G_delta_mu: Array, status: Array, error: Array | float = 0.0) -> Parts:
        good = codes.has_numbers(status)
        blank = lambda value: jnp.where(good, value, jnp.nan)
        return Parts(blank(delta_I), blank(G_delta_mu), status, jnp.broadcast_to(error, jnp.shape(delta_I)))


def _mapped(model: Model, one: Callable, batch: WireBatch, index: Array, coordinates: Array, count) -> Any:
    """`one` at every point; in turn only the first `count` of them, the others are 0."""
    if not model.in_turn or jax.default_backend() != "cpu":
        chosen = jax.tree.map(lambda leaf: leaf[..., index], batch)
        return jax.vmap(one, in_axes=-1)(chosen, coordinates)

    def at(i):
        chosen = jax.tree.map(lambda leaf: leaf[..., index[i]], batch)
        return one(chosen, coordinates[:, i])

    shapes = jax.eval_shape(at, jnp.asarray(0))
    nothing = jax.tree.map(lambda leaf: jnp.zeros((len(index), *leaf.shape), leaf.dtype), shapes)
    put = lambda i, out: jax.tree.map(lambda all, here: all.at[i].set(here), out, at(i))
    return lax.fori_loop(0, count, put, nothing)


@partial(jax.jit, static_argnums=0)
def _parts(model: Model, batch: WireBatch, index: Array, coordinates: Array, count: Array) -> Parts:
    return _mapped(model, model.parts, batch, index, coordinates, count)


@partial(jax.jit, static_argnums=0)
def _slopes(
    model: Model, batch: WireBatch, index: Array, coordinates: Array, count: Array
) -> tuple[Parts, Array]:
    """The parts, and the derivatives of delta I and of G delta mu in every coordinate, shape (d, 2)."""

    def one(problem, at):
        def along(direction):
            parts, tangent = jax.jvp(lambda at: model.parts(problem, at), (at,), (direction,))
            return parts, jnp.stack([tangent.delta_I, tangent.G_delta_mu])

        return jax.vmap(along, out_axes=(None, 0))(jnp.eye(len(model.parameters)))

    return _mapped(model, one, batch, index, coordinates, count)


@partial(jax.jit, static_argnums=0)
def wires_at(model: Model, batch: WireBatch, index: Array, coordinates: Array) -> Wire:
    """The wires of problems `index` (n,) at `coordinates` (d, n), along the last axis."""
    of = lambda i: jax.tree.map(lambda leaf: leaf[..., i], batch)
    return jax.vmap(lambda i, at: model.at(of(i), at)[0], in_axes=-1, out_axes=-1)(index, coordinates)


class CurrentDifference:
    """delta I of a batch of problems at any points, computed in batches of two fixed shapes."""

    def __init__(self, model: Model, batch: WireBatch) -> None:
        self.model = model
        count = len(batch)
        size = 1 << (count - 1).bit_length()  # few counts: each is compiled
        if size > count:
            every = filled(np.arange(count), size)
            batch = jax.tree.map(lambda leaf: leaf[..., every], batch)
        self.batch = batch
        self.large = max(SMALL, 8 * (LARGE // batch.wire.sites // 8))

    def values(self, index: np.ndarray, coordinates: np.ndarray) -> Parts:
        """delta I and the rest at points (index of a problem, its coordinates), shapes (n,) and (d, n)."""
        return self._tried(_parts, lambda parts: parts, index, coordinates)

    def slopes(self, index: np.ndarray, coordinates: np.ndarray) -> tuple[Parts, np.ndarray]:
        """The same with d delta I / d coordinate, shape (d, n)."""
        parts, slopes = self.jacobian(index, coordinates)
        return parts, slopes[0]

    def jacobian(self, index: np.ndarray, coordinates: np.ndarray) -> tuple[Parts, np.ndarray]:
        """The same with the derivatives of delta I and of G delta mu, shape (2, d, n)."""
        parts, slopes = self._tried(_slopes, lambda result: result[0], index, coordinates)
        return parts, slopes.transpose(2, 1, 0)

    def _tried(self, compiled, parts_of, index, coordinates):
        """Compute all points by the first stage, and those that it leaves unfinished by the next ones."""
        law, first = self.model.law, self.model.stage
        result = self._batches(compiled, self.model, index, coordinates)
        for stage in range(first + 1, len(law.stages)):
            left = np.flatnonzero(np.isin(parts_of(result).status, law.unfinished))
            if not len(left):
                break
            harder = replace(self.model, stage=stage)
            better = self._batches(compiled, harder, index[left], coordinates[:, left])
            taken = codes.is_better(parts_of(better).status, parts_of(result).status[left])
            for old, new in zip(jax.tree.leaves(result), jax.tree.leaves(better), strict=True):
                old[left[taken]] = new[taken]
        return result

    def _batches(self, compiled, model, index, coordinates):
        """Results in batches filled up to a fixed shape by repeating points, as NumPy."""
        n, coordinates = len(index), np.asarray(coordinates, float)
        most = 8 * max(1, BATCH_BYTES // model.point_bytes(self.batch.wire.sites) // 8)
        if model.in_turn:
            most = SMALL  # so that interrupts are checked often
        small, large = min(SMALL, most), min(self.large, most)
        if n == 0:  # one point, discarded: gives the shape of the result
            index, coordinates = np.zeros(1, int), np.zeros((len(coordinates), 1))
        host, start = [], 0
        while start < len(index):
            size = large if len(index) - start > small else small
            count = min(size, len(index) - start)
            rows = filled(np.arange(start, start + count), size)
            interrupts.check()  # all computations of a search pass here
            result = compiled(model, self.batch, index[rows], coordinates[:, rows], np.asarray(count))
            host.append(jax.tree.map(np.asarray, result))
            start += size
        return jax.tree.map(lambda *parts: np.concatenate(parts)[:n], *host)
