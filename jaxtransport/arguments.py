"""Checks of arguments, one for each kind, with a common wording of errors. Host data: no JAX.

    gamma = 'abc': expected a number > 0

Every check takes the name and the value of an argument, and returns the value in the type that the package
uses: numbers as float64, whole numbers as int, names as str. Invalid values raise `InputError`.

Numbers may be traced by JAX (inside jit, vmap and grad). Their kind and shape are checked like those of
others; whether a value is allowed is checked by the compiled code, with `Range.holds`.
"""

from __future__ import annotations

import numbers as abstract
import operator
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxtransport.errors import InputError, WrongValue

# Transmissions go as the fourth power of a coupling: from the smallest size to the largest they, and the
# heat, which is a square, stay within a double.
SMALLEST, LARGEST = 1e-75, 1e75
MOST_WHOLE = 2**53  # beyond it a double does not hold every whole number
LONGEST_TEXT = 60  # characters of a value shown in a message


@dataclass(frozen=True)
class Range:
    """Which numbers an argument may be: low <= x <= high, and |x| >= smallest unless x = 0 is allowed."""

    words: str  # "a number > 0"
    low: float = -LARGEST
    high: float = LARGEST
    smallest: float = 0.0
    zero: bool = True

    def holds(self, x: Any) -> Any:
        """Whether x is allowed: of a number, an array, or what JAX traces. NaN is not."""
        large_enough = abs(x) >= self.smallest
        if self.zero:
            large_enough = large_enough | (x == 0)
        return (self.low <= x) & (x <= self.high) & large_enough

    def expected(self, x: float) -> str:
        """Description of the allowed values, for an error about x."""
        if not np.isfinite(x) or x == 0 or self.high < LARGEST:
            return self.words
        least = max(self.smallest, self.low)
        if least <= abs(x) <= LARGEST:
            return self.words
        sizes = f"from {least:g} to {LARGEST:g}" if least > 0 else f"up to {LARGEST:g}"
        return f"{self.words} with magnitude {sizes} (products must fit in a double)"


REAL = Range("a finite number")
POSITIVE = Range("a number > 0", low=SMALLEST)
NOT_NEGATIVE = Range("a number >= 0", low=0.0, smallest=SMALLEST)
NOT_ZERO = Range("a number that is not 0", smallest=SMALLEST, zero=False)
AMPLITUDE = Range("a number > 0 (only |t| of a hopping matters)", low=SMALLEST)
AMOUNT = Range("a finite number", smallest=1e-300)  # scales a result: below, that would be rounded to nothing
PROBABILITY = Range("a probability, 0 < p <= 1", low=SMALLEST, high=1.0)
SMALL_ERROR = Range("an error from 1e-15 to 0.01", low=1e-15, high=0.01)
FRACTION = Range("a number between 0 and 1", low=SMALLEST, high=1 - 2**-53)


def show(value: Any) -> str:
    """A value as one short line."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, list | tuple | set | dict) and len(value) > LONGEST_TEXT:
        return f"a {type(value).__name__} of {len(value)} entries"
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a faulty user class, or a whole number of thousands of digits
        text = "thousands of digits" if isinstance(value, int) else f"a {type(value).__name__}"
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 3] + "..."


def wrong(name: str, value: Any, expected: str) -> WrongValue:
    """The error for an invalid argument, in the common wording."""
    return WrongValue(name, show(value), expected)


# Inside transforms of JAX


def is_traced(value: Any) -> bool:
    """True where a value is known only when compiled code runs: inside a transform of JAX."""
    jax = sys.modules.get("jax")  # None: JAX is not loaded, so nothing is traced
    return jax is not None and isinstance(value, jax.core.Tracer)


def is_list(value: Any) -> bool:
    """True for a list or a tuple, which stands for an array."""
    return isinstance(value, list | tuple)


def require_known(name: str, *values: Any) -> None:
    """Raise `InputError` if a value, or an entry of a list, is traced by JAX."""
    if any(is_traced(value) or (is_list(value) and any(map(is_traced, value))) for value in values):
        raise InputError(f"{name}: traced by JAX; call this outside jit, vmap and grad")


def require_outside(function: str) -> None:
    """Raise `InputError` inside a transform of JAX, which files and searches do not allow."""
    core = sys.modules.get("jax._src.core")  # every public function of JAX for this starts a device
    if not getattr(core, "trace_state_clean", lambda: True)():
        raise InputError(f"{function}: called inside jit, vmap or grad of JAX; call it outside")


# Numbers


def number(name: str, value: Any, allowed: Range = REAL) -> Any:
    """One real number as float64; a traced one stays traced."""
    if type(value) is float:
        known = value
    elif is_traced(value):
        return _traced(name, value, allowed, ((),))
    else:
        array = _real_array(value)
        if array is None:
            raise wrong(name, value, allowed.words)
        if array.shape:
            raise _of_shape(name, array.shape, f"{allowed.words}; use jax.vmap for a batch")
        known = float(array)
    if not allowed.holds(known):
        raise wrong(name, value, allowed.expected(known))
    return np.float64(known)


def numbers(name: str, value: Any, allowed: Range = REAL, length: int | None = None) -> Any:
    """Real numbers as an array of float64: one or `length` of them, in any shape without it."""
    words = allowed.words if length is None else f"{allowed.words}, or {length} numbers"
    if is_traced(value) or (is_list(value) and any(map(is_traced, value))):
        if is_list(value):
            value = sys.modules["jax"].numpy.stack(
                [number(f"{name}[{i}]", v) for i, v in enumerate(value, 1)]
            )
        return _traced(name, value, allowed, None if length is None else ((), (length,)))
    array = _real_array(value)
    if array is None:
        raise wrong(name, value, words if length is not None else f"{words}, or an array of numbers")
    if length is not None and array.shape not in ((), (length,)):
        raise _of_shape(name, array.shape, words)
    refuse_entries(name, value, array, allowed)
    return array


def refuse_entries(name: str, value: Any, array: np.ndarray, allowed: Range) -> None:
    """Raise `InputError` for the first entry of `array` that is not allowed."""
    if np.all(good := allowed.holds(array)):
        return
    first = tuple(int(i) for i in np.argwhere(~good)[0])
    bad = float(array[first])
    where = f"[{', '.join(str(i + 1) for i in first)}]" if first else ""
    raise wrong(f"{name}{where}", bad if first else value, allowed.expected(bad))


def amplitudes(name: str, value: Any, length: int) -> Any:
    """One or `length` numbers > 0, or complex ones of such a size, as float64 or complex128.

    Complex ones without any imaginary part are real ones, and must be > 0 too.
    """
    array = value
    if isinstance(value, complex) or (is_list(value) and any(isinstance(v, complex) for v in value)):
        array = _complex_array(value)
        if array is None:
            raise wrong(name, value, f"{AMPLITUDE.words}, or {length} numbers")
    if not is_list(array) and np.iscomplexobj(array):
        if is_traced(array):
            _traced(name, abs(array), AMPLITUDE, ((), (length,)))
            return array.astype(complex)
        array = np.asarray(array, complex)
        numbers(name, np.abs(array) if np.any(array.imag) else array.real, AMPLITUDE, length)
        return array
    return numbers(name, value, AMPLITUDE, length)


def _complex_array(value: Any) -> np.ndarray | None:
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):  # ragged, or traced in part
        return None
    return array if array.dtype.kind == "c" else None


def pair(name: str, value: Any, allowed: Range = REAL) -> tuple[float, float]:
    """Two numbers (low, high) with low <= high, as of a window."""
    require_known(name, value)
    array = _real_array(value)
    if array is None or array.shape != (2,):
        raise wrong(name, value, "two numbers, (low, high)")
    if not np.all(allowed.holds(array)):
        bad = float(array[~allowed.holds(array)][0])
        raise wrong(name, value, f"(low, high), each {allowed.expected(bad)}")
    low, high = map(float, array)
    if low > high:
        raise wrong(name, value, "(low, high) with low < high")
    return low, high


def _real_array(value: Any) -> np.ndarray | None:
    """Real numbers as float64, nothing else: no truth values, texts, missing values, units."""
    if isinstance(value, bool | np.bool_ | str | bytes):
        return None
    try:
        if isinstance(value, abstract.Real):
            return np.asarray(float(value))
        if is_list(value):
            parts = [_real_array(part) for part in value]
            return None if any(part is None for part in parts) else np.array(parts, float)
        if not hasattr(value, "__array__") or _has_unit(value) or np.ma.is_masked(value):
            return None
        array = np.asarray(value)
        return array.astype(float) if _is_real(array.dtype) else None
    except (TypeError, ValueError, OverflowError, RuntimeError):  # ragged, huge, already deleted
        return None


def _is_real(dtype: Any) -> bool:
    kind = getattr(dtype, "kind", "")
    if kind == "V":  # bfloat16 is one
        return dtype.names is None and bool(np.can_cast(dtype, float))
    return kind in ("i", "u", "f")


def _has_unit(value: Any) -> bool:
    """Quantities of astropy and pint, in arrays of xarray too: NumPy would drop the units."""
    kinds = type(value), type(getattr(value, "data", None))
    return any(hasattr(kind, name) for kind in kinds for name in ("unit", "units"))


def _traced(name: str, value: Any, allowed: Range, shapes: tuple | None) -> Any:
    if not _is_real(value.dtype):
        raise InputError(f"{name} = traced array of {value.dtype}: expected {allowed.words}")
    if shapes is not None and value.shape not in shapes:
        more = f", or {shapes[1][0]} numbers" if len(shapes) > 1 else "; use jax.vmap for a batch"
        raise _of_shape(name, value.shape, allowed.words + more)
    return value.astype(float)


def _of_shape(name: str, shape: tuple[int, ...], expected: str) -> InputError:
    return InputError(f"{name} = array of shape {shape}: expected {expected}")


def whole(name: str, value: Any, least: int | None = None, most: int | None = None) -> int:
    """A whole number from `least` to `most`, not 3.0 and not True."""
    words = "a whole number"
    if least is not None:
        words += f" >= {least}" if most is None else f" from {least} to {most:,}"
    elif most is not None:
        words += f" <= {most:,}"
    require_known(name, value)
    try:
        if isinstance(value, bool | np.bool_) or np.ndim(value) or np.ma.is_masked(value):
            raise TypeError
        known = operator.index(value)
    except Exception:  # a faulty user class
        raise wrong(name, value, words) from None
    if not _least(least) <= known <= (MOST_WHOLE if most is None else most):
        beyond = most is None and abs(known) > MOST_WHOLE
        raise wrong(name, value, f"{words}, at most {MOST_WHOLE:,}" if beyond else words)
    return known


def wholes(name: str, values: Any, least: int | None = None, what: str = "whole numbers") -> tuple[int, ...]:
    """A list of whole numbers."""
    entries = _entries(name, values, f"a list of {what}")
    quick = all(type(entry) is int for entry in entries)  # a layout may have a million of them
    if quick and (not entries or (_least(least) <= min(entries) and max(entries) <= MOST_WHOLE)):
        return tuple(entries)
    return tuple(whole(f"{name}[{i}]", value, least) for i, value in enumerate(entries, 1))


def _least(least: int | None) -> int:
    return -MOST_WHOLE if least is None else least


# Names, files, functions


def choice(name: str, value: Any, known: Collection[str]) -> str:
    """One of some names."""
    if not isinstance(value, str) or value not in known:
        raise wrong(name, value, f"one of {', '.join(known)}")
    return value


def flag(name: str, value: Any) -> bool:
    """True or False, and no other value that Python treats as a boolean."""
    if not isinstance(value, bool | np.bool_):
        raise wrong(name, value, "True or False")
    return bool(value)


def path(name: str, value: Any) -> Path:
    """The name of a file."""
    if not isinstance(value, str | os.PathLike):
        raise wrong(name, value, "the name of a file")
    text = os.fspath(value)
    if not isinstance(text, str) or not text or "\0" in text:
        raise wrong(name, value, "the name of a file")
    return Path(text)


def texts(name: str, values: Any, what: str = "names") -> tuple[str, ...]:
    """A list of texts."""
    entries = _entries(name, values, f"a list of {what}")
    if bad := [value for value in entries if not isinstance(value, str)]:
        raise wrong(name, bad[0], f"a list of {what}")
    return tuple(entries)


def function(name: str, value: Any) -> Callable:
    """Something that can be called."""
    if not callable(value):
        raise wrong(name, value, "a function")
    return value


def mapping(name: str, value: Any, example: str) -> dict[str, Any]:
    """A mapping with names as keys."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise wrong(name, value, f"a mapping from names to values, such as {example}")
    return dict(value)


def instance(name: str, value: Any, kind: type | tuple[type, ...], words: str = "") -> Any:
    """An instance of a class of this package; `words` describe it if there are several classes."""
    if not isinstance(value, kind):
        raise wrong(name, value, words or f"a {kind.__name__}")  # type: ignore[union-attr]
    return value


def fields(name: str, value: Any, kind: type, lengths: Mapping[str, int]) -> None:
    """Raise `InputError` unless `value` is a `kind`, not a batch of them, whose arrays fit together.

    `lengths` names its arrays, and how many entries each has beyond those of the first. Their
    values are checked by the compiled code, with `Range.holds`.
    """
    instance(name, value, kind)
    found = {field: getattr(value, field) for field in (*lengths, "length")}
    for field, array in found.items():
        if not _is_real(getattr(array, "dtype", None)) and not (field == "hopping" and _is_complex(array)):
            raise InputError(f"{name}.{field} = {show(array)}: expected an array of numbers")
    batch = found["length"].shape
    if batch:
        raise InputError(f"{name} = a batch of shape {batch}: expected one; use jax.vmap for a batch")
    entries = None
    for field, more in lengths.items():
        shape = found[field].shape
        entries = shape[0] if entries is None and len(shape) == 1 else entries
        if entries is None or shape != (entries + more,):
            some = "some" if entries is None else entries + more
            raise InputError(f"{name}.{field} = array of shape {shape}: expected {some} entries, 1-d")


def _is_complex(array: Any) -> bool:
    return getattr(getattr(array, "dtype", None), "kind", "") == "c"


def _entries(name: str, values: Any, words: str) -> list:
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise wrong(name, values, words)
    require_known(name, values)
    try:
        return list(values)
    except Exception:  # a 0-d array, or a faulty user class
        raise wrong(name, values, words) from None
