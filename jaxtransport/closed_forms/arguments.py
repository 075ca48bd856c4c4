"""Arguments of the closed forms: converted to float64, refused outside the domain of the formulas."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from jaxtransport import arguments as checks
from jaxtransport.arguments import MOST_WHOLE, POSITIVE, PROBABILITY, REAL, Range, refuse_entries, wrong
from jaxtransport.errors import InputError
from jaxtransport.hints import require_keywords

Array = NDArray[np.float64]
P = ParamSpec("P")
R = TypeVar("R")

# Allowed values by the name of an argument; any finite number for names that are not listed.
ALLOWED = {
    "mu_bar": Range("an energy in the band, |mu_bar| < 2 gamma_o", np.nextafter(-2, 0), np.nextafter(2, 0)),
    "gamma": POSITIVE,
    "sigma": POSITIVE,
    "width": POSITIVE,
    "contact_width": POSITIVE,
    "left": POSITIVE,
    "right": POSITIVE,
    "hopping": POSITIVE,
    "t1": POSITIVE,
    "t2": POSITIVE,
    "amplitude": POSITIVE,
    "length": POSITIVE,
    "p": PROBABILITY,
    "N": Range("a length of at least 4 sites", 4, MOST_WHOLE),
    "levels": Range("a number of at least one level", 1, MOST_WHOLE),
    "sites": Range("a length of at least 2 sites", 2, MOST_WHOLE),
}
# Transmissions of a wire of four sites, and its two potentials: the shape that they end, or begin, with.
ENDS_WITH = {"T": (4, 4), "T1": (4, 4), "T2": (4, 4)}


def numbers(function: Callable[P, R]) -> Callable[P, R]:
    """A closed form whose arguments are checked: numbers or arrays of them, as its annotations say.

    `int` is one whole number, `float` one number, `dict` transmissions by their names; all else broadcasts.
    """
    signature = inspect.signature(function)
    kinds = {name: str(parameter.annotation) for name, parameter in signature.parameters.items()}

    @functools.wraps(function)
    def checked(*arguments: P.args, **named: P.kwargs) -> R:
        require_keywords(function, kinds, named)
        bound = signature.bind(*arguments, **named)
        for name, value in bound.arguments.items():
            bound.arguments[name] = _checked(name, value, kinds[name])
        return function(*bound.args, **bound.kwargs)

    return checked


def _checked(name: str, value: Any, kind: str) -> Any:
    allowed = ALLOWED.get(name, REAL)
    if kind == "int":
        known = checks.whole(name, value)
        refuse_entries(name, value, np.asarray(float(known)), allowed)
        return known
    checks.require_known(name, value)
    if kind == "float":
        return checks.number(name, value, allowed)
    if kind.startswith("dict"):
        example = "{'21': 0.5, 'N-1,1': 0.1, 'N1': 0.2, 'N-1,2': 0.1}"
        given = checks.mapping(name, value, example)
        return Transmissions({key: checks.numbers(f"{name}[{key!r}]", entry) for key, entry in given.items()})
    array = checks.numbers(name, value, allowed)
    if name in ENDS_WITH and array.shape[-2:] != ENDS_WITH[name]:
        raise wrong(name, value, "transmissions of a wire of 4 sites, an array of shape (..., 4, 4)")
    if name == "x" and kind == "Array" and array.shape[:1] != (2,):
        raise wrong(name, value, "two potentials, an array of shape (2, ...)")
    return array if array.ndim else array[()]


class Transmissions(dict[str, Any]):
    """Transmissions by the names of their sites; a missing one raises `InputError` when it is used."""

    def __missing__(self, key: str) -> Any:
        raise InputError(f"T[{key!r}] missing; expected all of {', '.join(('21', 'N-1,1', 'N1', 'N-1,2'))}")


def whole_length(N: Any, name: str = "N") -> Any:
    """N, whole numbers."""
    if not np.all(np.round(N) == N):
        raise wrong(name, N, "whole numbers of sites")
    return N


def even_length(N: Any, why: str = "pairs of source and drain on all middle ones") -> Any:
    """N, even: by default for sources and drains in pairs on all middle sites."""
    if not np.all(N % 2 == 0):
        raise wrong("N", N, f"an even number of sites: {why}")
    return N


def alternating(l: Any) -> Any:
    """(-1)^l: + on sources, - on drains."""
    return np.where(np.asarray(l) % 2 == 0, 1.0, -1.0)
