"""Every figure of the paper, and a few beyond it, drawn from result files.

One file for each figure; `FIGURES` maps the name of a picture to what it reads and how it is drawn.
`jaxtransport.jobs.figures` runs the sweeps without a result.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

from jaxtransport.errors import InputError
from jaxtransport.plot import draw, style
from jaxtransport.plot.figures import (
    aubry_andre,
    bulk,
    correspondence,
    dephasing,
    disorder,
    dot,
    fig1,
    fig2,
    fig3,
    fig4,
    fig5,
    fig6,
    fig7,
    fig8,
    fig9,
    fig10,
    gain_loss,
    molecule,
    rectification,
    regimes,
    ssh,
    trust,
    white_noise,
)
from jaxtransport.plot.figures.frame import RC, Data, PaperFigure

_MODULES = (
    fig1,
    fig2,
    fig3,
    fig4,
    fig5,
    fig6,
    fig7,
    fig8,
    fig9,
    fig10,
    bulk,
    regimes,
    correspondence,
    trust,
    dot,
    dephasing,
    molecule,
    aubry_andre,
    ssh,
    disorder,
    white_noise,
    gain_loss,
    rectification,
)
FIGURES: dict[str, PaperFigure] = {figure.name: figure for m in _MODULES for figure in m.FIGURES}


def select(names: Sequence[str]) -> list[PaperFigure]:
    """The figures called `names`; all of them if there are none.

    A name may leave out "fig", and name a figure of several panels: 3b, fig3b, 3.

    Raises:
        InputError: a name that is not a figure.
    """
    if not names:
        return list(FIGURES.values())
    chosen: dict[str, PaperFigure] = {}
    unknown = []
    for name in names:
        found = {f.name: f for f in FIGURES.values() if _is_called(f.name, name)}
        chosen |= found
        if not found:
            unknown.append(f"{name!r}: no such figure; expected some of {', '.join(FIGURES)}")
    if unknown:
        raise InputError(unknown)
    return list(chosen.values())


def _is_called(name: str, wanted: str) -> bool:
    wanted = wanted.lower()
    panels = (wanted, f"fig{wanted}")
    return name in panels or (name[-1] in "abc" and name[:-1] in panels and name.startswith("fig"))


def draw_figure(figure: PaperFigure, data: Data, picture: Path) -> None:
    """Draw one figure from loaded results into `picture` (png, pdf or svg).

    Raises:
        InputError: an unknown format, or a file that cannot be written.
    """
    draw.check_format(picture)
    with style.applied(), mpl.rc_context(RC):
        draw.save(figure.draw(data), picture, data.values())
