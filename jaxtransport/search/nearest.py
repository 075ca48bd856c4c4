r"""The zero of Delta I that is nearest to a given wire, in any number of parameters.

    least  sum_j [(p_j - p_j(wire)) / (high_j - low_j)]^2    where  delta I(p) = 0  and  low <= p <= high,

and optionally  G(p) = a given conductance. Sequential quadratic programming (SciPy's SLSQP) from the wire
itself and from points spread over the window, with exact derivatives; the results are refined to
delta I = 0 by Newton steps of least change. With one parameter all zeros are known (`search.points`); with
several the nearest one found comes first, without a guarantee that none is nearer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from jaxtransport.arguments import POSITIVE, mapping, number, require_known, require_outside, whole, wrong
from jaxtransport.compute import interrupts
from jaxtransport.compute.runtime import computing
from jaxtransport.coordinates import DRIVE, Coordinate
from jaxtransport.errors import InputError
from jaxtransport.hints import with_hints
from jaxtransport.laws import Law, require_rules
from jaxtransport.parameters import MU_BAR
from jaxtransport.search.barriers import careful
from jaxtransport.search.current_difference import CurrentDifference, Model, WireBatch
from jaxtransport.search.points import find_points, rounding
from jaxtransport.search.report import RESIDUAL
from jaxtransport.search.vary import read
from jaxtransport.search.wires import subject
from jaxtransport.search.zeros import checked_drive, known, model_of, within_band
from jaxtransport.wire import Wire

if TYPE_CHECKING:
    import xarray

Floats = NDArray[np.float64]
SAME = 1e-6  # of the windows: closer zeros are the same
STARTS = 16
MOST_STARTS = 10_000
NEWTON = 12


@with_hints
@interrupts.held(breakable=True)
def nearest_zero(
    wire: Wire | Callable[..., Wire],
    over: Mapping[str, Any],
    *,
    mu_bar: Any = None,
    delta_mu: Any = None,
    injection: Any = None,
    I_g: Any = None,
    conductance: float | None = None,
    law: Law | None = None,
    kernel: str = "auto",
    starts: int = STARTS,
    seed: int = 0,
) -> xarray.Dataset:
    """Zeros of Delta I near a wire: the least change of some of its numbers that makes it reciprocal.

    Args:
        wire: the wire to start from; or a function that makes it from numbers of `over`, as for
            `find_zeros`, whose defaults are the values to start from: `lambda width=0.5: Wire.pair(...)`.
        over: window (low, high) of every parameter that may change, named as for `find_zeros`. Changes are
            measured in units of the windows, so a narrow window makes changes of its parameter costly.
        mu_bar, delta_mu, injection, I_g: the drive, as for `find_zeros`; what is in `over` is given
            here too, as the value to start from.
        conductance: prescribed conductance of the zero, e^2/h; optional.
        law, kernel: as for `find_zeros`.
        starts, seed: how many points the search begins from, besides the wire itself, and their seed.

    Returns:
        Over `zero`, nearest first: every parameter; `change`, the root of the sum of squared changes in
        units of the windows; `residual` |Delta I| (I_o); `conductance` (e^2/h). The attribute `message`
        summarises the result; there may be no zero. `jaxtransport.vary` applies the numbers to the wire.

    Raises:
        InputError: as for `find_zeros`; a wire outside the windows, or whose sites differ where one number
            for all is to change.
    """
    require_outside("nearest_zero")
    names = tuple(mapping("over", over, "{'gamma': (0.1, 1)}"))
    if not names:
        raise wrong("over", over, "parameters and windows, such as {'gamma': (0.1, 1)}")
    seed, starts = whole("seed", seed, 0), whole("starts", starts, 0, MOST_STARTS)
    if conductance is not None:
        require_known("conductance", conductance)
        conductance = float(number("conductance", conductance, POSITIVE))
    with computing():
        (wire,), searched, bounds, build, defaults = subject(wire, over, several=False)
        band = wire.reservoir.band
        given = {MU_BAR: mu_bar, "delta_mu": delta_mu, "injection": injection, "I_g": I_g}
        rest = {name: value for name, value in given.items() if name not in names}
        checked, drive = checked_drive(
            searched, bounds, law=law, band=band, **{**dict.fromkeys(given), **rest}
        )
        require_rules(wire, checked)
        bounds, cut = within_band(searched, bounds, drive, checked)
        starting = {name: given[name] for name in names if name in given}
        at_start = {**drive, **{n: None if v is None else known(n, v) for n, v in starting.items()}}
        if "temperature" in names:
            at_start["temperature"] = getattr(checked, "temperature", None)
        held = [defaults.get(p.name) if p.built else read(p, wire, at_start) for p in searched]
        origin = np.array([_start(*each) for each in zip(searched, held, bounds, strict=True)])
        model, batch = model_of(searched, checked, kernel, build), WireBatch.of([wire], drive)
        search = _Search(model, batch, bounds, origin, conductance)
        zeros = find_points(model, batch, bounds[0]).value if len(searched) == 1 else ()
        return _dataset(search, search.found(starts, seed, zeros), cut)


def _start(varied: Coordinate, value: Any, bounds: tuple[float, float]) -> float:
    """The value of a wire, or the default of a function that makes it."""
    (low, high), name = bounds, varied.name
    if varied.built:
        if value is None:
            raise InputError(f"wire: the function has no {name} to start from; give it a default")
        value = float(number(f"the default of {name}", value))
    if not np.isfinite(value):
        more = f"pass {name}=..." if name in DRIVE else "its sites differ; search them one by one"
        raise InputError(f"over: the wire has no single value of {name!r} to start from; {more}")
    if not low <= value <= high:
        raise InputError(
            f"over[{name!r}] = {bounds}: the wire has {value:g}; expected a window that holds it"
        )
    return value


class _Search:
    """delta I and the other constraints, in coordinates scaled to the windows."""

    def __init__(
        self,
        model: Model,
        batch: WireBatch,
        bounds: list[tuple[float, float]],
        origin: Floats,
        conductance: float | None,
    ) -> None:
        model = careful(model, batch, bounds)
        self.difference = CurrentDifference(model, batch)
        self.low, self.high = np.array(bounds).T
        self.origin = (origin - self.low) / (self.high - self.low)
        self.conductance = conductance
        self.floor = float(rounding(model, batch, bounds)[0])

    def constraints(self, s: Floats) -> tuple[Floats, Floats]:
        """Constraint functions at s, which must vanish, and their derivatives: shapes (m,) and (m, d)."""
        width = self.high - self.low
        parts, slopes = self.difference.jacobian(np.zeros(1, int), (self.low + width * s)[:, None])
        value = np.array([parts.delta_I[0], parts.G_delta_mu[0]])
        slope = slopes[:, :, 0] * width
        if self.conductance is None:
            return value[:1], slope[:1]
        return value - [0.0, self.conductance], slope

    def found(self, starts: int, seed: int, known: Iterable[float] = ()) -> list[Floats]:
        """Distinct zeros, nearest first; `known` are zeros in the one parameter."""
        begin = [self.origin, *np.random.default_rng(seed).random((starts, len(self.origin)))]
        if len(self.origin) == 1:
            begin = [(np.array([zero]) - self.low) / (self.high - self.low) for zero in known]
        # The wire itself may be reciprocal: then no zero is nearer, and its neighbours may be zeros too.
        zeros: list[Floats] = [self.origin] if self._vanishes(self.constraints(self.origin)[0]) else []
        for s in begin if not zeros else ():
            zero = self._from(s)
            if zero is not None and all(np.linalg.norm(zero - other) > SAME for other in zeros):
                zeros.append(zero)
        return sorted(zeros, key=lambda s: float(np.linalg.norm(s - self.origin)))

    def _from(self, start: Floats) -> Floats | None:
        best = optimize.minimize(
            lambda s: np.sum((s - self.origin) ** 2),
            start,
            jac=lambda s: 2 * (s - self.origin),
            bounds=[(0.0, 1.0)] * len(start),
            constraints={
                "type": "eq",
                "fun": lambda s: np.nan_to_num(self.constraints(s)[0], nan=1e3),
                "jac": lambda s: np.nan_to_num(self.constraints(s)[1]),
            },
            method="SLSQP",
            options={"maxiter": 200, "ftol": 1e-14},
        )
        s = np.clip(best.x, 0.0, 1.0)
        for _ in range(NEWTON):
            value, slope = self.constraints(s)
            if not np.all(np.isfinite(value)):
                return None
            if np.all(np.abs(value) <= self.floor / 4):
                break
            free = ((s > 0) | (slope.sum(axis=0) != 0)) & (slope != 0).any(axis=0)
            s = np.clip(s - np.linalg.pinv(slope * free) @ value, 0.0, 1.0)
        value, slope = self.constraints(s)
        return s if self._vanishes(value) else None

    def _vanishes(self, value: Floats) -> bool:
        tolerance = np.array([self.floor, 1e-12 * (self.conductance or 1.0)])[: len(value)]
        return bool(np.all(np.abs(value) <= tolerance))


def _dataset(search: _Search, zeros: list[Floats], cut: str) -> xarray.Dataset:
    import xarray

    parameters = search.difference.model.parameters
    s = np.array(zeros).reshape(len(zeros), len(parameters))
    at = search.low + (search.high - search.low) * s
    parts = search.difference.values(np.zeros(len(s), int), at.T)
    change = np.linalg.norm(s - search.origin, axis=1)
    label = lambda unit, name, symbol: {"units": unit, "long_name": name, "symbol": symbol}
    variables = {p.name: ("zero", at[:, i], label(*p.label)) for i, p in enumerate(parameters)}
    variables |= {
        "change": ("zero", change, label("1", "change in units of the windows", "d")),
        "residual": ("zero", np.abs(parts.nonreciprocity()), RESIDUAL),
        "conductance": ("zero", np.asarray(parts.G_delta_mu), label("e^2/h", "conductance", "G")),
    }
    also = "" if search.conductance is None else f" with G = {search.conductance:g} e^2/h"
    message = f"no zero of Delta I{also} found in the windows" + cut
    if zeros:
        least = ", ".join(f"{p.name} = {at[0, i]:.6g}" for i, p in enumerate(parameters))
        already = " (the wire as it is)" if change[0] == 0 else ""
        message = f"nearest zero of Delta I{also}{already}: {least}; {len(zeros)} found in all{cut}"
    number = {"units": "1", "long_name": "zero, nearest first"}
    coordinates = {"zero": ("zero", np.arange(1, len(zeros) + 1), number)}
    return xarray.Dataset(variables, coordinates, {"message": message})
