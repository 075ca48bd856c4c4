"""The sweep files that come with the package: those of a checkout, or those inside an installed wheel."""

from __future__ import annotations

from pathlib import Path

import jaxtransport

PACKAGE = Path(jaxtransport.__file__).parent
FOLDERS = (PACKAGE / "_sweeps", PACKAGE.parent / "sweeps")  # in a wheel; in a checkout


def shipped(name: str) -> Path | None:
    """Path of the sweep file called `name`, or None if there is none."""
    return next((path for folder in FOLDERS if (path := folder / f"{name}.toml").is_file()), None)
