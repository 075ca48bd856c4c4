"""The command line: `jaxtransport run | merge | validate | zeros | figures | status | plot | export ...`."""

from __future__ import annotations

from typing import NoReturn

from jaxtransport.cli import computing, reading  # noqa: F401  (they register their commands)
from jaxtransport.cli.app import app, run_app
from jaxtransport.compute import interrupts

__all__ = ["app", "main"]


def main() -> NoReturn:
    """Run a command: turns wrong input into a message and its exit code."""
    with interrupts.command():
        run_app()
