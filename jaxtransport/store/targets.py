"""Checks of the names of output files."""

from __future__ import annotations

import os

from jaxtransport.errors import InputError


def check_name(option: str, path: str | os.PathLike[str]) -> None:
    """Raise `InputError`, which names the option, if `path` cannot name a file.

    Refused are circular links, names that are too long, a file in place of a folder, and characters that
    cannot be printed. A path that does not exist is fine.
    """
    if not str(path).isprintable():
        raise InputError(f"{option} {str(path)!r} has characters that cannot be printed; choose another name")
    try:
        os.stat(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputError(f"{option} {path} cannot be written ({error.strerror or error})") from None
