r"""Self-energies given as tables: reading, checks, interpolation.

    omega, Re Sigma, Im Sigma        a row each, in gamma_o, omega rising, Im Sigma <= 0

Between rows both parts are cubics (Fritsch and Butland's, by SciPy), which have no extremum that the rows do
not have: Im Sigma stays <= 0. A retarded self-energy is analytic above the real axis, so that one part
follows from the other (Kramers-Kronig),

    Re Sigma(w) = (1 / pi) P int Im Sigma(w') / (w' - w) dw' + constant

Host data: no JAX.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxtransport.arguments import show
from jaxtransport.errors import InputError
from jaxtransport.hints import meant

LEAST_ROWS = 2
MOST_ROWS = 20_000
CHECKED = 200  # energies at which the two parts are compared, at most
AGREES = 0.25  # of the largest |Sigma|: 0.18 for a chain cut off at 3/4 of its band, 0.5 for a wrong sign

Rows = Callable[[int], str]  # how row i is called, from 0


def read(name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """The table of a reservoir of this kind, with its numbers: {"kind", "energies", "re", "im"}.

    Args:
        name: of the argument or key.
        table: {"file": path}, a file of three columns; {"energies", "values"}, complex; or {"energies", "re",
            "im"}.

    Raises:
        InputError: keys, files or numbers that do not make a table.
    """
    known = ("file", "energies", "values", "re", "im")
    if others := [key for key in table if key not in ("kind", *known)]:
        raise InputError([f"{name}.{key}: unknown; {meant(key, known)}" for key in others])
    given = tuple(key for key in known if key in table)
    if given == ("file",):
        file = Path(table["file"]) if isinstance(table["file"], str | Path) else None
        if file is None:
            raise InputError(f"{name}.file: expected the path of a file, got {show(table['file'])}")
        rows, lines = _from_file(name, file)
        return _checked(rows, lambda row: f"{file}, line {lines[row]}", str(file))
    if given == ("energies", "values"):
        values = np.asarray(table["values"])
        parts = {"energies": table["energies"], "re": values.real, "im": values.imag}
    elif given == ("energies", "re", "im"):
        parts = {key: table[key] for key in given}
    else:
        what = "file, or energies with re and im (in Python also values, complex)"
        raise InputError(f"{name}: a table needs {what}; got {', '.join(given) or 'none of them'}")
    columns = [_numbers(f"{name}.{key}", value) for key, value in parts.items()]
    if len({len(column) for column in columns}) > 1:
        lengths = ", ".join(f"{key} has {len(column)}" for key, column in zip(parts, columns, strict=True))
        raise InputError(f"{name}: expected equally many energies and values, but {lengths}")
    return _checked(np.array(columns), lambda row: f"{name}, row {row + 1}", name)


def _numbers(name: str, value: Any) -> np.ndarray:
    try:
        numbers = np.asarray(value, float)
    except (TypeError, ValueError, OverflowError):
        numbers = np.empty((0, 0))
    if numbers.ndim != 1:
        raise InputError(f"{name}: expected a list of numbers, got {show(value)}")
    return numbers


def _from_file(name: str, file: Path) -> tuple[np.ndarray, list[int]]:
    """Columns (3, row), and the line of each row. Separators are commas, semicolons or blanks; # comments."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{name}.file: {file} cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:  # a ValueError, like that of the next
        raise InputError(f"{name}.file: {file} is not text; expected three columns of numbers") from None
    except ValueError:
        raise InputError(f"{name}.file: {show(str(file))} is no path of a file") from None
    rows: list[list[float]] = []
    lines: list[int] = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        separator = next((mark for mark in ";," if mark in content), None)
        fields = [field.strip() for field in content.split(separator)] if content else []
        if not fields:
            continue
        try:
            row = [float(field) for field in fields]
        except ValueError:
            if not rows and not any(_is_number(field) for field in fields):
                continue  # the names of the columns
            row = []
        if len(row) != 3:
            expected = "three numbers: omega, Re Sigma, Im Sigma"
            raise InputError(f"{file}, line {number}: expected {expected}, got {show(line.strip())}")
        rows.append(row)
        lines.append(number)
    return np.array(rows).reshape(-1, 3).T, lines


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _checked(columns: np.ndarray, row_of: Rows, where: str) -> dict[str, Any]:
    energies, re, im = columns
    if not LEAST_ROWS <= len(energies) <= MOST_ROWS:
        raise InputError(f"{where}: expected {LEAST_ROWS} to {MOST_ROWS:,} rows, got {len(energies)}")
    infinite = np.flatnonzero(~np.all(np.isfinite(columns), 0))
    if infinite.size:
        numbers = ", ".join(f"{value:g}" for value in columns[:, infinite[0]])
        raise InputError(f"{row_of(infinite[0])}: expected finite numbers, got {numbers}")
    falling = np.flatnonzero(np.diff(energies) <= 0)
    if falling.size:
        here, before = energies[falling[0] + 1], energies[falling[0]]
        raise InputError(f"{row_of(falling[0] + 1)}: omega must rise, got {here:g} after {before:g}")
    positive = np.flatnonzero(im > 0)
    if positive.size:
        raise InputError(
            f"{row_of(positive[0])}: Im Sigma = {im[positive[0]]:g}: expected <= 0, as that of a retarded "
            "self-energy"
        )
    if not np.any(im < 0):
        raise InputError(f"{where}: Im Sigma is 0 in every row; expected a reservoir that carries current")
    return {"kind": "table", "energies": energies.tolist(), "re": re.tolist(), "im": im.tolist()}


def coefficients(energies: Any, values: Any) -> np.ndarray:
    """Cubics between rows, in powers of the distance from the row before: shape (power, interval)."""
    from scipy.interpolate import PchipInterpolator

    return np.asarray(PchipInterpolator(energies, values).c[::-1])


def deviation(table: Mapping[str, Any]) -> float:
    """How far Re Sigma is from what Im Sigma makes it, up to a constant, relative to the largest |Sigma|.

    In the middle half of the table; beyond its ends Im Sigma is taken to stay as it is.
    """
    w, re, im = (np.asarray(table[key]) for key in ("energies", "re", "im"))
    centre, half = (w[0] + w[-1]) / 2, (w[-1] - w[0]) / 4
    middles = (w[:-1] + w[1:]) / 2
    inner = np.flatnonzero(np.abs(middles - centre) <= half)
    if inner.size < 2:
        return 0.0
    inner = inner[np.unique(np.linspace(0, inner.size - 1, CHECKED).astype(int))]
    at, slope = middles[inner, None], np.diff(im) / np.diff(w)
    distance = np.maximum(np.abs(w - at), np.finfo(float).tiny)  # rows a rounding apart
    logs = np.log(distance[:, 1:] / distance[:, :-1])
    within = np.sum((im[:-1] + slope * (at - w[:-1])) * logs + np.diff(im), 1)
    beyond = im[0] * np.log(at[:, 0] - w[0]) - im[-1] * np.log(w[-1] - at[:, 0])
    differ = (re[inner] + re[inner + 1]) / 2 - (within + beyond) / np.pi
    return float(np.ptp(differ) / 2 / np.max(np.hypot(re, im)))


def doubt(table: Mapping[str, Any]) -> str:
    """What is odd about a table, or nothing."""
    off = deviation(table)
    if off <= AGREES:
        return ""
    return (
        f"Re Sigma is not the Hilbert transform of Im Sigma: off by {off:.0%} of the largest |Sigma| in the "
        "middle half of the table; check the signs and the columns (omega, Re, Im)"
    )
