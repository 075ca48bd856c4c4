"""Zeros of nonreciprocity: where |I_1| is the same under forward and reverse bias, Delta I = 0.

    find_zeros(wire, over={"mu_bar": (-1.99, 1.99)})                        points on a line
    find_zeros(wire, over={"gamma": (0.1, 1), "mu_bar": (-1.9, 1.9)})       curves in a plane
    find_zeros(lambda width: Wire.pair(...), over={"width": (0, 2)})        of a wire that it makes
    find_zeros(lambda N: Wire.pair(N, gamma=0.5), over={"N": (4, 40)})      lengths

This module checks the arguments and returns labelled data; the searches are in `search.points`,
`search.curves` and `search.lengths`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jaxtransport.arguments import (
    AMOUNT,
    POSITIVE,
    REAL,
    mapping,
    number,
    pair,
    require_known,
    require_outside,
    show,
    wrong,
)
from jaxtransport.band import Band
from jaxtransport.compute import interrupts
from jaxtransport.compute.runtime import computing
from jaxtransport.coordinates import DRIVE, MOST_LENGTHS, Coordinate
from jaxtransport.errors import InputError
from jaxtransport.green.kernels import named
from jaxtransport.hints import with_hints
from jaxtransport.laws import Law, checked_law, require_rules
from jaxtransport.parameters import MU_BAR
from jaxtransport.search.current_difference import Build, Model, WireBatch, grouped
from jaxtransport.search.curves import find_curves
from jaxtransport.search.lengths import LENGTH, find_lengths
from jaxtransport.search.points import Points, find_points, sampled
from jaxtransport.search.report import curves_dataset, lengths_dataset, points_dataset
from jaxtransport.search.wires import checked_wires, subject
from jaxtransport.wire import Wire

if TYPE_CHECKING:
    import xarray


@with_hints
@interrupts.held(breakable=True)
def find_zeros(
    wire: Wire | Sequence[Wire] | Callable[..., Wire],
    over: Mapping[str, Any],
    *,
    mu_bar: Any = None,
    delta_mu: Any = None,
    injection: Any = None,
    I_g: Any = None,
    law: Law | None = None,
    kernel: str = "auto",
) -> xarray.Dataset:
    """Every zero of Delta I in a window of one parameter, or all curves of zeros in two.

    Args:
        wire: a wire; several of them, searched together; or a function that takes numbers of `over` by
            keyword and returns a wire, traceable by JAX: `lambda width: Wire.pair(9, gamma=0.5,
            onsite={"pattern": "disorder", "width": width, "seed": 7})`. For `over={"N": ...}` a function of
            N, such as `lambda N: Wire.pair(N, gamma=0.5)`.
        over: the window (low, high) of one parameter or two: "mu_bar", "delta_mu", "injection", "I_g",
            "temperature"; of a wire "gamma", "contact", "onsite", "hopping", or one site's, as in
            "onsite[5]"; of a function any argument, on a linear coordinate; "N".
        mu_bar: mean potential of the leads, gamma_o; where it is not searched.
        delta_mu: bias, gamma_o, > 0. Needed beyond linear response, where zeros depend on it.
        injection: I_g / I_o. Default 1; zeros in linear response do not depend on it.
        I_g: the same current in e gamma_o / hbar, instead; needs `delta_mu`.
        law: `Linear()`, the default; `Series(3)`; `Exact(temperature=0.0)`.
        kernel: "auto" (the chain), "chain", "long" or "dense".

    Returns:
        One parameter, over `zero`: the parameter; `residual` |Delta I| there (I_o); `slope`, the derivative
        of Delta I (I_o per unit of the parameter); `multiplicity`, 2 where Delta I touches 0 without a change
        of sign, 3 where it crosses 0 without a slope; `family`, which closed form of one pair has this zero
        (0 none, 1 first, 2 second, 3 both; not asked of wires that a function makes); for several wires
        `searched`, the index of the wire, from 0.
        `finding` is the outcome of each search: 0 zeros, 1 no zero, 2 flat (Delta I vanishes throughout),
        3 unsolved (no steady state anywhere). The attribute `message` summarises it.

        Two parameters, over `zero`, the points along all curves: both parameters, `residual`, and `curve`,
        the index of the curve, from 0; over `line`: `points`, `closed`, `multiplicity`; Delta I on a map.

    Raises:
        InputError: a parameter that cannot be varied, a window that is empty or outside the band, a wrong
            wire or drive, a function that makes no wire or that JAX cannot trace.

    Double precision is used here, independent of the setting of JAX. Cannot be called inside `jax.jit`.
    """
    require_outside("find_zeros")
    names = tuple(mapping("over", over, "{'mu_bar': (-1.99, 1.99)}"))
    if not 1 <= len(names) <= 2:
        raise InputError(
            f"over = {show(over)}: expected one or two parameters with their windows, such as "
            'over={"mu_bar": (-1.99, 1.99)}; for more, see nearest_zero'
        )
    with computing():
        if LENGTH in names:
            return _lengths(wire, over, mu_bar, delta_mu, injection, I_g, law, kernel)
        wires, searched, bounds, build, _ = subject(wire, over)
        band = wires[0].reservoir.band
        law, drive = checked_drive(searched, bounds, mu_bar, delta_mu, injection, I_g, law, band)
        for each in wires:
            require_rules(each, law)
        bounds, cut = within_band(searched, bounds, drive, law)
        model = model_of(searched, law, kernel, build)
        if len(searched) == 2:
            if len(wires) > 1:
                raise InputError(
                    f"wire: expected one, got {len(wires)}; curves are followed for one wire at a time"
                )
            curves = find_curves(model, WireBatch.of(wires, drive), bounds)
            return curves_dataset(curves, model, wires[0], drive, bounds, cut)
        parts = []
        for rows, _ in grouped([int(each.length) for each in wires]):
            batch = WireBatch.of([wires[i] for i in rows], drive)
            parts.append((rows, find_points(model, batch, bounds[0])))
        points = Points.joined(parts)
        many = isinstance(wire, Sequence)
        line = None if many else sampled(model, batch, bounds[0])
        return points_dataset(points, searched[0], bounds[0], cut, many=many, line=line)


def _lengths(wire, over, mu_bar, delta_mu, injection, I_g, law, kernel) -> xarray.Dataset:
    if len(over) > 1:
        raise InputError("over: 'N' must be searched alone; to search other parameters too, go wire by wire")
    if not callable(wire) or isinstance(wire, Wire):
        raise InputError(
            "wire: a search over N varies its length; expected a function from N to a wire, "
            "such as lambda N: jt.Wire.pair(N, gamma=0.5)"
        )
    low, high = bounds = pair("over['N']", over[LENGTH])
    if low != int(low) or high != int(high) or not 2 <= low < high:
        raise wrong("over['N']", over[LENGTH], "two whole numbers, (shortest, longest), from 2")
    if high - low >= MOST_LENGTHS:
        raise InputError(
            f"over['N'] = {show(bounds)}: {high - low + 1:,.0f} lengths; expected at most {MOST_LENGTHS:,}"
        )
    wires = {}
    for N in range(int(low), int(high) + 1):
        with contextlib.suppress(InputError):  # such as dimers of an odd N
            wires[N] = wire(N)
    if not wires:
        wire(int(low))  # raises the reason
    for N, each in wires.items():
        if not isinstance(each, Wire) or int(each.length) != N:
            what = f"{int(each.length)} sites" if isinstance(each, Wire) else show(each)
            raise InputError(f"wire: the function gives {what} at N = {N}; expected a Wire of N sites")
        checked_wires(each)
    band = next(iter(wires.values())).reservoir.band
    law, drive = checked_drive((), [], mu_bar, delta_mu, injection, I_g, law, band)
    for each in wires.values():
        require_rules(each, law)
    batch = WireBatch.of(list(wires.values()), drive)
    found = find_lengths(model_of((), law, kernel), batch)
    return lengths_dataset(found, batch, (int(low), int(high)))


def checked_drive(
    searched: Sequence[Coordinate],
    bounds: Sequence[tuple[float, float]],
    mu_bar: Any,
    delta_mu: Any,
    injection: Any,
    I_g: Any,
    law: Law | None,
    band: Band,
) -> tuple[Law, dict[str, float]]:
    """The law, and a number for every parameter of the drive (a placeholder for searched ones)."""
    law = checked_law(law)
    given = {MU_BAR: mu_bar, "delta_mu": delta_mu, "injection": injection, "I_g": I_g}
    ranges = {p.name: b for p, b in zip(searched, bounds, strict=True)}
    for name, value in given.items():
        if value is not None and name in ranges:
            raise InputError(f"{name} = {show(value)}: given and also searched; keep one of the two")
    drive = {name: known(name, value) for name, value in given.items() if value is not None}
    drive |= {name: bounds[0] for name, bounds in ranges.items() if name in DRIVE}
    if MU_BAR not in drive:
        raise InputError("mu_bar: missing; expected the mean potential of the leads, in gamma_o")
    if "injection" in drive and "I_g" in drive:
        raise InputError("injection and I_g: both set the injected current; give one of them")
    if "delta_mu" not in drive and ("I_g" in drive or not law.is_linear):
        why = "I_g is measured by it" if "I_g" in drive else "beyond linear response zeros depend on it"
        raise InputError(f"delta_mu: missing; expected the bias, in gamma_o: {why}")
    if "I_g" not in drive and "injection" not in drive:
        if not law.is_linear:
            raise InputError(
                "injection: missing; expected I_g / I_o (or I_g): beyond linear response zeros depend on it"
            )
        drive["injection"] = 1.0
    if "temperature" in ranges and "temperature" not in law.options:
        raise InputError("over: 'temperature' requires law=Exact(); remove it, or pass that law")
    if "temperature" in law.options and "temperature" not in ranges:
        temperature = law.temperature  # type: ignore[attr-defined]
        require_known("temperature", temperature)
        drive["temperature"] = float(temperature)
    if MU_BAR not in ranges:
        widest = ranges["delta_mu"][1] if "delta_mu" in ranges else drive.get("delta_mu", 0.0)
        most = 0.0 if law.is_linear else widest
        if wrong := band.outside(drive[MU_BAR], most):
            raise InputError(f"mu_bar = {drive['mu_bar']:g}: {wrong}")
    return law, drive


def known(name: str, value: Any) -> float:
    """A number of the drive that is not traced. The bias is > 0, as forward and reverse are both taken."""
    require_known(name, value)
    return float(number(name, value, {MU_BAR: REAL, "delta_mu": POSITIVE}.get(name, AMOUNT)))


def within_band(
    searched: Sequence[Coordinate],
    bounds: Sequence[tuple[float, float]],
    drive: Mapping[str, float],
    law: Law,
) -> tuple[list[tuple[float, float]], str]:
    """The windows, with that of mu_bar cut where a lead would leave the band, and a note about it."""
    ranges = {p.name: b for p, b in zip(searched, bounds, strict=True)}
    if MU_BAR not in ranges or law.is_linear:
        return list(bounds), ""
    low, high = ranges[MU_BAR]
    widest = ranges["delta_mu"][1] if "delta_mu" in ranges else drive["delta_mu"]
    band = searched[list(ranges).index(MU_BAR)].band
    bottom, top = band.bottom + widest / 2, band.top - widest / 2
    if max(low, bottom) >= min(high, top):
        raise InputError(
            f"over['mu_bar'] = {(low, high)}: with delta_mu = {widest:g} a lead is outside the band there; "
            f"expected a window that reaches into {bottom:g} < mu_bar < {top:g} (gamma_o)"
        )
    ranges[MU_BAR] = (max(low, bottom), min(high, top))
    whole = ranges[MU_BAR] == (low, high)
    reached = f"|mu_bar| = {top:g}" if band.centre == 0 else f"mu_bar = {bottom:g} and {top:g}"
    cut = "" if whole else f"; searched to {reached}, where a lead leaves the band"
    return [ranges[p.name] for p in searched], cut


def model_of(searched: Sequence[Coordinate], law: Law, kernel: str, build: Build | None = None) -> Model:
    """The model of delta I as a function of the coordinates of a search."""
    chosen = named(kernel)
    varied = any(p.quantity == "temperature" for p in searched)
    finite_temperature = varied or bool(law.finite_temperature)
    # The temperature is a number of the drive; compiled programs do not depend on it.
    return Model(tuple(searched), law.at_temperature(0.0), chosen, finite_temperature, build=build)
