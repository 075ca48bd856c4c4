"""Sizes of a journal, and style files of matplotlib.

--width 1, 2      one or two columns of the journals of the APS: 3.375 and 7.0 inches
--style FILE      any settings of matplotlib (`key: value` lines), or the name of one of its styles
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.style

from jaxtransport.errors import InputError
from jaxtransport.hints import nearest

WIDTHS = {1: 3.375, 2: 7.0}  # inches, of so many columns
HEIGHTS = {1: 2.8, 2: 4.2}
# Capitals of 8 pt are 2 mm high, what the APS asks for.
PRINT: dict[Any, Any] = {
    "font.size": 8,
    "axes.labelsize": 9,
    "axes.titlesize": 8.5,
    "legend.fontsize": 7.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "lines.linewidth": 1.3,
    "lines.markersize": 3.2,
    "savefig.dpi": 300,
}


def settings(columns: int | None, sheet: str | None) -> dict[str, Any]:
    """Settings of matplotlib for a width of so many columns and a style file.

    Raises:
        InputError: another width, no such style, or a line of it that matplotlib does not understand.
    """
    if columns is not None and columns not in WIDTHS:
        raise InputError(f"--width {columns}: expected 1 or 2, the columns of a journal")
    found = dict(PRINT) if columns else {}
    if sheet is not None:
        # Letters of a style's fonts as outlines: a viewer of the SVG might lack the fonts.
        found |= {"svg.fonttype": "path", **read(sheet)}
    if columns:  # exactly, whatever the style says
        found |= {"figure.figsize": (WIDTHS[columns], HEIGHTS[columns]), "savefig.bbox": None}
    return found


def read(sheet: str) -> dict[str, Any]:
    """The settings of a style file, or of a style of matplotlib by its name. Errors as for `settings`."""
    if sheet in mpl.style.library:
        return dict(mpl.style.library[sheet].items())
    path = Path(sheet)
    if not path.exists():
        near = nearest(sheet, mpl.style.available)
        hint = f"; did you mean {near!r}?" if near else ""
        raise InputError(f"--style {sheet}: no such file, and no style of matplotlib of that name{hint}")
    notes = _Notes()
    log = logging.getLogger("matplotlib")
    log.addHandler(notes)
    before, log.propagate = log.propagate, False
    try:
        found = mpl.rc_params_from_file(str(path), use_default_template=False)
    except UnicodeDecodeError:
        raise InputError(f"--style {sheet}: not a text file; expected lines such as `font.size: 9`") from None
    except OSError as error:
        raise InputError(f"--style {sheet}: cannot be read ({error.strerror or error})") from None
    finally:
        log.removeHandler(notes)
        log.propagate = before
    if notes.lines:
        raise InputError([f"--style {sheet}: {line}" for line in notes.lines])
    return dict(found.items())


class _Notes(logging.Handler):
    """What matplotlib says of a style file: it leaves out lines that it does not understand."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage().strip().splitlines()[0])
