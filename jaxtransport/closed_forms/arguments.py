"""Arguments of the closed forms: as arrays, and refused by name where no formula has an answer."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from jaxtransport.errors import InputError

Array = NDArray[np.float64]
P = ParamSpec("P")
R = TypeVar("R")


def numbers(function: Callable[P, R]) -> Callable[P, R]:
    """A closed form whose arguments are numbers, or lists and arrays of them; else they are refused by name.

    A dict or a matrix of transmissions passes as it is, and so does a whole N, which counts sites.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def checked(*arguments: P.args, **named: P.kwargs) -> R:
        bound = signature.bind(*arguments, **named)
        for name, value in bound.arguments.items():
            if not isinstance(value, dict | int) or isinstance(value, bool):
                bound.arguments[name] = _numbers(name, value)
        return function(*bound.args, **bound.kwargs)

    return checked


def _numbers(name: str, value: Any) -> Any:
    try:
        array = np.asarray(value)
    except ValueError:  # ragged
        array = np.asarray(None)
    if array.dtype.kind not in "iuf":
        raise InputError(f"{name} = {value!r}: pass a number, or an array of numbers")
    if np.any(np.isnan(array)):
        raise InputError(f"{name} = {value!r}: pass numbers, not NaN")
    return array if array.ndim else array[()]


def energy(mu_bar: Any) -> Any:
    """mu_bar, inside the band."""
    m = np.asarray(mu_bar, float)
    if not np.all(np.abs(m) < 2):
        raise InputError(f"mu_bar = {mu_bar}: no state carries a current there; pass |mu_bar| < 2 gamma_o")
    return m


def squared_coupling(gamma: Any) -> Any:
    """gamma^2 of couplings that are not zero: without one a current has no way in."""
    g = np.asarray(gamma, float)
    if not np.all((g > 0) & np.isfinite(g)):
        raise InputError(f"gamma = {gamma}: pass a coupling > 0, in gamma_o")
    return g**2


def length(N: Any) -> Any:
    """N as floats, at least 4. Lengths between integers are let through where a formula has values."""
    n = np.asarray(N, float)
    if not np.all((n >= 4) & np.isfinite(n)):
        raise InputError(f"N = {N}: pass lengths of at least 4 sites")
    return n


def whole_length(N: Any) -> Any:
    """N as floats, whole numbers from 4."""
    n = length(N)
    if not np.all(n == np.round(n)):
        raise InputError(f"N = {N}: pass whole numbers of sites")
    return n


def even_length(N: Any) -> Any:
    """N as floats, even: sources and drains in pairs on all middle sites."""
    n = length(N)
    if not np.all(n % 2 == 0):
        raise InputError(f"N = {N}: pairs of source and drain on all middle sites need an even N")
    return n


def probability(p: Any) -> Any:
    """p of a lattice, 0 < p <= 1."""
    value = np.asarray(p, float)
    if not np.all((value > 0) & (value <= 1)):
        raise InputError(f"p = {p}: pass a probability, 0 < p <= 1")
    return value


def alternating(l: Any) -> Any:
    """(-1)^l: + on sources, - on drains."""
    return np.where(np.asarray(l) % 2 == 0, 1.0, -1.0)
