"""Exclusive right to write one output: a lock that the system releases when its holder dies."""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path

from jaxtransport.compute import interrupts
from jaxtransport.errors import InputError

try:
    import fcntl
except ImportError:  # raised here, since validating specs needs no locks and works anywhere
    raise InputError(
        "jaxtransport writes and watches results on Linux and macOS only (Python here has no fcntl); "
        "on Windows, use it inside WSL"
    ) from None


class Lock:
    """Exclusive right to write one output, held by `flock` on a file beside it.

    Creates missing folders; `release` removes them again if they are empty.
    """

    def __init__(self, output: Path) -> None:
        self.path = output.with_name(output.name + ".lock")
        self._descriptor = -1
        self._made = list(itertools.takewhile(lambda folder: not folder.exists(), output.parents))
        self._registered = contextlib.ExitStack()
        self._registered.enter_context(interrupts.undone_by(self._discard))
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            while not self._take():
                pass
        except BlockingIOError:
            self._registered.close()
            raise InputError(
                f"output {output}: another run is writing it; wait for it, or choose another output"
            ) from None
        except OSError as error:
            self._registered.close()
            self._discard_folders()
            raise InputError(f"output {output} cannot be written ({error.strerror or error})") from None

    def _take(self) -> bool:
        """Lock the file; False if its holder removed it meanwhile, since the lock would then be useless."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), os.stat(self.path)):
                self._descriptor = descriptor
                return True
        except FileNotFoundError:
            pass
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return False

    def release(self) -> None:
        self._discard()
        os.close(self._descriptor)
        self._registered.close()

    def _discard(self) -> None:
        """Remove the lock file if it is ours, and the folders that are empty."""
        with contextlib.suppress(OSError):  # removed by hand, and perhaps created by another process since
            if os.path.samestat(os.fstat(self._descriptor), os.stat(self.path)):
                self.path.unlink()
        self._discard_folders()

    def _discard_folders(self) -> None:
        for folder in self._made:
            with contextlib.suppress(OSError):  # not empty
                folder.rmdir()


def is_locked(descriptor: int) -> bool:
    """True if another process holds an exclusive lock on an open file, or if that cannot be determined."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def is_being_written(output: Path) -> bool:
    """True if a run holds the lock of `output`, or if that cannot be determined."""
    path = os.path.realpath(output) + ".lock"
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        return is_locked(descriptor)
    finally:
        os.close(descriptor)


def share(descriptor: int, output: Path) -> None:
    """Mark an output that is open for writing: hard links give a file several names, each with its own lock.

    The mark is a shared lock on the file itself, compatible with those of readers. For a file of several
    names an exclusive lock must be available for a moment.

    Raises:
        InputError: it has several names, and a run writes it, or a program reads it, under another name.
    """
    try:
        if (names := os.fstat(descriptor).st_nlink) > 1:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(
            f"output {output} is open elsewhere, perhaps as the output of another run under another of its "
            f"{names} names (hard links); wait for that, or copy the file"
        ) from None
    except OSError:  # the file system has no locks
        pass
