"""The search of a spec: its wires at every point of the outer grid, and the zeros found there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxtransport.compute.batches import padded
from jaxtransport.coordinates import DRIVE, coordinate
from jaxtransport.kinds import band_of
from jaxtransport.laws import Law
from jaxtransport.models.quantum.numbers import numbers_of_patterns
from jaxtransport.models.quantum.point import given_at
from jaxtransport.models.quantum.reservoirs_table import kinds_of
from jaxtransport.models.quantum.task import law_of, shared_by
from jaxtransport.parameters import GAMMA
from jaxtransport.patterns.paths import numbers_of, replaced
from jaxtransport.patterns.traced import site_by_site
from jaxtransport.search.combine import joined, with_outer
from jaxtransport.search.current_difference import WireBatch, grouped
from jaxtransport.search.curves import find_curves
from jaxtransport.search.lengths import LENGTH, find_lengths
from jaxtransport.search.points import Points, find_points, sampled
from jaxtransport.search.report import curves_dataset, lengths_dataset, points_dataset
from jaxtransport.search.wires import generic
from jaxtransport.search.zeros import model_of, within_band
from jaxtransport.spec.checks import lengths_of
from jaxtransport.spec.spec import Spec
from jaxtransport.wire import Wire

if TYPE_CHECKING:
    import xarray

Report = Callable[[int, int], None]  # (done, total) searches


def search(spec: Spec, report: Report = lambda done, total: None) -> xarray.Dataset:
    """Run the [search] of `spec` at every point of its grid."""
    over: Any = spec.search
    grid = spec.grid()
    points = grid.points(np.arange(grid.size))
    report(0, grid.size)
    if LENGTH in over:
        find = partial(_lengths, spec, over[LENGTH])
    else:
        find = partial(_curves, spec) if len(over) == 2 else partial(_points, spec)
    data = find(points, grid.size, report)
    if grid.axes:
        every = (*grid.axes, *grid.columns)
        labels = {a.name: {"units": a.unit, "long_name": a.long_name, "symbol": a.symbol} for a in every}
        data = with_outer(data, {name: (values, labels[name]) for name, values in points.items()})
    return data


def _points(spec: Spec, points: dict[str, np.ndarray], count: int, report: Report) -> xarray.Dataset:
    """Zeros in one parameter: many wires at once, the short ones first."""
    bounds, model, cut = asked(spec)
    found: list[tuple[np.ndarray, Points]] = []
    done = 0
    for rows, size in _grouped(spec, points, count):
        batch = wire_batch(spec, points, rows, size)
        found.append((rows, find_points(model, batch, bounds[0])))
        done += len(rows)
        report(done, count)
    whole = Points.joined(found)
    many = bool(spec.axes)
    line = None if many else sampled(model, wire_batch(spec, points, np.array([0])), bounds[0])
    return points_dataset(whole, model.parameters[0], bounds[0], cut, many=many, line=line)


def _curves(spec: Spec, points: dict[str, np.ndarray], count: int, report: Report) -> xarray.Dataset:
    bounds, model, cut = asked(spec)
    parts = []
    sizes = np.zeros(count, int)
    for rows, size in _grouped(spec, points, count):
        sizes[rows] = size
    for i in range(count):
        batch = wire_batch(spec, points, np.array([i]), int(sizes[i]))
        wire, drive = batch.one(0)
        parts.append(curves_dataset(find_curves(model, batch, bounds), model, wire, drive, bounds, cut))
        report(i + 1, count)
    return _together(spec, parts)


def _lengths(
    spec: Spec, bounds: tuple[float, float], points: dict[str, np.ndarray], count: int, report: Report
) -> xarray.Dataset:
    low, high = (int(bound) for bound in bounds)
    N = np.array(lengths_of(spec.tables["wire"], low, high))
    model = model_of((), _law(spec), spec.tables["solve"].kernel)  # type: ignore[attr-defined]
    parts = []
    for i in range(count):
        here = {name: np.full(len(N), values[i]) for name, values in points.items()} | {LENGTH: N}
        batch = wire_batch(spec, here, np.arange(len(N)))
        parts.append(lengths_dataset(find_lengths(model, batch), batch, (low, high)))
        report(i + 1, count)
    return _together(spec, parts)


def _together(spec: Spec, parts: list[xarray.Dataset]) -> xarray.Dataset:
    if not spec.axes:
        return parts[0]
    data = joined(parts)
    grid = spec.grid()
    lines = []
    for i, part in enumerate(parts):
        at = ", ".join(f"{name} = {values[0]:g}" for name, values in grid.points(np.array([i])).items())
        lines.append(f"{at}: {part.attrs['message']}")
    data.attrs["message"] = "\n".join(lines)
    return data


def asked(spec: Spec):
    """Windows and model of a search in one or two parameters, and a note if a window was cut."""
    over: Any = spec.search
    leads, _ = kinds_of(spec.tables["reservoirs"])
    numbers = numbers_of_patterns(spec.tables["wire"])
    searched = [coordinate(name, band=band_of(leads), built=numbers) for name in over]
    drive: Any = spec.tables["drive"]
    law = _law(spec)
    axis = spec.varied("delta_mu")
    widest = {"delta_mu": float(axis.values.max()) if axis is not None else drive.delta_mu}
    bounds, cut = within_band(searched, list(over.values()), widest, law)
    build = _with_numbers if any(p.built for p in searched) else None
    model = model_of(searched, law, spec.tables["solve"].kernel, build)  # type: ignore[attr-defined]
    return bounds, model, cut


def _law(spec: Spec) -> Law:
    """The law of a search; any temperature above zero means that thermal tails are needed."""
    law = law_of(spec)
    solve: Any = spec.tables["solve"]
    swept = spec.varied("temperature") is not None
    return law.at_temperature(1.0 if swept else solve.temperature or 0.0)


def _grouped(spec: Spec, points: dict[str, np.ndarray], count: int) -> Iterator[tuple[np.ndarray, int]]:
    """Points of the grid whose wires are solved together: (their numbers, array size)."""
    wire: Any = spec.tables["wire"]
    yield from grouped(points.get(LENGTH, np.full(count, wire.N or 0)))


def wire_batch(
    spec: Spec, points: dict[str, np.ndarray], rows: np.ndarray, size: int | None = None
) -> WireBatch:
    """Wires and drives at some points of the grid, in arrays of `size` sites."""
    wire: Any = spec.tables["wire"]
    lengths = points[LENGTH][rows].tolist() if LENGTH in points else [wire.N]
    size = padded(max(lengths)) if size is None else size
    sizes = {int(N): size for N in lengths}
    shared = shared_by(spec, sizes, size)
    for name in (GAMMA, "contact"):  # searched, and put in later
        shared["fixed"].setdefault(name, np.asarray(1.0))
    for name, fewer in ((GAMMA, 0), ("onsite", 0), ("hopping", 1)):
        along = shared["fixed"].get(name)
        if along is not None and np.ndim(along):  # one number per site: cut off beyond the wire anyway
            shared["fixed"][name] = np.pad(along, (0, size - fewer - len(along)))
    searched = spec.search or {}
    here = {name: values[rows] for name, values in points.items()} | {"_": np.zeros(len(rows))}
    here |= {name: np.full(len(rows), generic(bounds)) for name, bounds in searched.items() if "." in name}
    wires, given, patterns = _wires(
        jax.tree.map(jnp.asarray, here),
        jax.tree.map(jnp.asarray, shared),
    )
    of_search = {n: p for n, p in patterns.items() if searched.keys() & numbers_of(n, p).keys()}
    drive = {name: given[name] for name in DRIVE if name in given}
    for name in DRIVE:
        if name in searched:
            drive[name] = jnp.full(len(rows), searched[name][0], float)
    if "injection" in searched or "I_g" in searched:
        drive.pop("I_g" if "injection" in searched else "injection", None)
    return WireBatch(wires, drive, of_search)


@jax.jit
def _wires(points, shared):
    def one(point):
        given, wire = given_at(point, shared)
        patterns = {name: replaced(name, pattern, given) for name, pattern in shared["patterns"].items()}
        return wire, {name: value for name, value in given.items() if name in DRIVE}, patterns

    return jax.vmap(one, out_axes=-1)(points)


def _with_numbers(problem: WireBatch, numbers: dict[str, jax.Array]) -> Wire:
    """The wire of one problem with searched numbers of its patterns."""
    wire = problem.wire
    for name, pattern in problem.patterns.items():
        less = int(name == "hopping")
        along = site_by_site(name, pattern, numbers, wire.sites - less, wire.length - less)
        wire = eqx.tree_at(lambda wire: getattr(wire, name), wire, along)  # noqa: B023
    return wire
