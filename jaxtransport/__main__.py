"""`jaxtransport` and `python -m jaxtransport`: streams and signals come first."""

from __future__ import annotations

from typing import NoReturn

from jaxtransport import interrupts, streams


def main() -> NoReturn:
    """Entry point of the command line."""
    streams.harden()
    with interrupts.command():
        from jaxtransport import cli

        cli.main()


if __name__ == "__main__":
    main()
