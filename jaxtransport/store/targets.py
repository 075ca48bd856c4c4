"""Names of files to be written: refused in one line if no file can have them."""

from __future__ import annotations

import os

from jaxtransport.errors import InputError


def check_name(option: str, path: str | os.PathLike[str]) -> None:
    """Raise `InputError`, which names the option, if a file at `path` could not be looked at.

    Links in a circle, a name that is too long, a file where a folder should be, characters that cannot be
    printed. A path where nothing is yet is fine.
    """
    if not str(path).isprintable():
        raise InputError(f"{option} {str(path)!r} has characters that cannot be printed; choose another name")
    try:
        os.stat(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputError(f"{option} {path} cannot be written ({error.strerror or error})") from None
