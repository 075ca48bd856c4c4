"""`jaxtransport` and `python -m jaxtransport`: streams and signals come first."""

from __future__ import annotations

import sys
from typing import NoReturn

from jaxtransport.cli import streams
from jaxtransport.compute import interrupts


def main() -> NoReturn:
    """Entry point of the command line."""
    streams.harden()
    with interrupts.command():
        from jaxtransport.cli import app, commands

        try:
            commands.main()
        except SystemExit:
            if (error := streams.lost()) is not None:
                print(f"error: standard output: {error.strerror}", file=sys.stderr)
                sys.exit(app.WRONG_INPUT)
            raise


if __name__ == "__main__":
    main()
