"""Wires whose sources and drains may balance behind barriers, and the rounding error of their delta I.

Behind weak contacts, weak bonds or levels outside the band, delta I is as small as the current through the
barrier: 1e-12 of the injected current at contacts of 1e-6. Then a careful kernel is used from the start
(`green.conserving`), and delta I counts as zero below its estimated error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from jaxtransport.parameters import MU_BAR
from jaxtransport.search.chebyshev_cover import Floats
from jaxtransport.search.current_difference import CurrentDifference, Model, WireBatch
from jaxtransport.search.survey import spread
from jaxtransport.wire import Wire

WEAK = 0.3  # of a contact or a bond: what leaves through it is a tenth of what is exchanged
OWN_BAND = 2.0  # gamma_o: |w - eps| beyond which a wire of hopping gamma_o has no waves
SAMPLES = 16  # of the error, in the windows

Bounds = Sequence[tuple[float, float]]


def careful(model: Model, batch: WireBatch, bounds: Bounds) -> Model:
    """The model, its kernel careful if one of the wires may hold a barrier anywhere in the windows."""
    if not model.law.is_linear or not may_hold_a_barrier(model, batch, bounds):
        return model
    return replace(model, stage=1)


def may_hold_a_barrier(model: Model, batch: WireBatch, bounds: Bounds) -> bool:
    """True for contacts or bonds below `WEAK`, or levels that may put energies of the window into a gap."""
    weakest, highest = extremes(batch.wire if model.build is None else spread(model, batch, bounds).wires)
    energy = float(np.max(np.abs(np.asarray(batch.drive.get(MU_BAR, 0.0)))))
    for parameter, window in zip(model.parameters, bounds, strict=True):
        if parameter.quantity in ("contact", "hopping"):
            weakest = min(weakest, *window)
        elif parameter.quantity == "onsite":
            highest = max(highest, *np.abs(window))
        elif parameter.quantity == MU_BAR:
            energy = max(np.abs(window))
    return is_barrier(weakest, highest, energy)


def is_barrier(weakest: float, highest: float, energy: float) -> bool:
    """Whether contacts, bonds and levels (see `extremes`) may hold a barrier at +-`energy`."""
    return bool(weakest < WEAK or (highest > 0 and highest + energy > OWN_BAND))


def extremes(wire: Wire) -> tuple[float, float]:
    """The weakest contact or bond and the largest on-site energy of wires along the last axis."""
    N = np.asarray(wire.length)
    site = np.arange(wire.onsite.shape[0]).reshape(-1, *[1] * N.ndim)
    contacts = np.where((site == 0) | (site == N - 1), wire.coupling, np.inf)
    bonds = np.where(site[:-1] < N - 1, np.abs(wire.hopping), np.inf)
    levels = np.where(site < N, np.abs(wire.onsite), 0)
    # A bond is NaN where a wire that is built from searched numbers is not allowed.
    return min(np.min(contacts), np.fmin.reduce(bonds, axis=None, initial=np.inf)), np.max(levels)


def error_of(model: Model, batch: WireBatch, bounds: Bounds) -> Floats:
    """Twice the largest estimate of delta I's error at some points of the windows, of every problem."""
    count = len(batch)
    rng = np.random.default_rng(0)
    ends = [[p.scan.to(bound) for bound in w] for p, w in zip(model.parameters, bounds, strict=True)]
    low, high = np.reshape(ends, (-1, 2)).T
    at = low + (high - low) * rng.uniform(0.01, 0.99, (count * SAMPLES, len(model.parameters)))
    where = np.array([p.scan.back(at[:, i]) for i, p in enumerate(model.parameters)]).reshape(-1, len(at))
    error = CurrentDifference(model, batch).values(np.repeat(np.arange(count), SAMPLES), where).error
    largest = np.where(np.isfinite(error), error, 0.0).reshape(count, SAMPLES).max(axis=1)
    return 2 * np.where(largest > 0, largest, np.inf)
