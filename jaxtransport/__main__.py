"""`jaxtransport` and `python -m jaxtransport`: streams and signals come first."""

from __future__ import annotations

import sys
from typing import NoReturn

from jaxtransport import interrupts, streams


def main() -> NoReturn:
    """Entry point of the command line."""
    streams.harden()
    with interrupts.command():
        from jaxtransport import cli

        try:
            cli.main()
        except SystemExit:
            if (error := streams.lost()) is not None:
                print(f"error: standard output: {error.strerror}", file=sys.stderr)
                sys.exit(cli.WRONG_INPUT)
            raise


if __name__ == "__main__":
    main()
