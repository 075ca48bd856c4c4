"""docs/equations.md covers every numbered equation once, and names functions and tests that exist."""

import importlib
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NUMBERED = {"": 22, "A": 44, "B": 54, "C": 24, "D": 4}
COLUMNS = ["what", "function", "test", "verdict"]


def tables():
    """Every row of every table: its first column's title, and its cells."""
    rows, title = [], None
    for line in (ROOT / "docs/equations.md").read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            title = None
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if title is None:
            title = cells[0]
            assert cells[1:] == COLUMNS, line
        elif not set(line) <= set("|- "):
            rows.append((title, cells))
    return rows


ROWS = tables()


def equations(cell):
    """ "19, B37" -> [("", 19), ("B", 37)]; "A8-A13" -> six of them."""
    found = []
    for part in cell.split(","):
        span = re.fullmatch(r"([A-D]?)(\d+)(?:-([A-D]?)(\d+))?", part.strip())
        assert span, cell
        letter, first, same, last = span.groups()
        assert last is None or same == letter, cell
        found += [(letter, number) for number in range(int(first), int(last or first) + 1)]
    return found


def test_every_equation_is_covered_once():
    covered = Counter(
        number for title, cells in ROWS if title == "equation" for number in equations(cells[0])
    )
    expected = {(letter, n) for letter, last in NUMBERED.items() for n in range(1, last + 1)}
    assert set(covered) == expected
    assert [number for number, times in covered.items() if times > 1] == []


def names(cell):
    found = re.findall(r"`([^`]+)`", cell)
    assert re.sub(r"`[^`]+`|[, ]", "", cell) == "", f"more than names: {cell}"
    assert found, "no name"
    return found


def resolved(name):
    """The object of a dotted name below `jaxtransport`: the longest module, then attributes."""
    parts = ["jaxtransport", *name.split(".")]
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[end:]:
            found = getattr(found, attribute)
        return found
    raise AssertionError(name)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[1][0]}: {row[1][1][:24]}")
def test_functions_and_tests_exist(row):
    _, cells = row
    assert len(cells) == 5
    for name in names(cells[2]):
        assert callable(resolved(name)) or isinstance(resolved(name), property), name
    for name in names(cells[3]):
        path, test = name.split("::")
        source = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^def {test}\(", source, re.M), name
    assert cells[1]
    assert cells[4]


def test_every_public_closed_form_is_in_the_tables():
    """A form that no row names has no verdict."""
    named = {name for _, cells in ROWS for name in names(cells[2])}
    for module in ("circuit", "lattice", "long_wire", "pair", "short_wire"):
        source = (ROOT / f"jaxtransport/closed_forms/{module}.py").read_text(encoding="utf-8")
        for function in re.findall(r"^def ([a-zA-Z]\w*)\(", source, re.M):
            name = f"closed_forms.{module}.{function}"
            assert name in named, name
