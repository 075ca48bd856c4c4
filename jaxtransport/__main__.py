"""`jaxtransport` and `python -m jaxtransport`: signals are handled before the command line is imported."""

from __future__ import annotations

from typing import NoReturn

from jaxtransport import interrupts


def main() -> NoReturn:
    """Entry point of the command line."""
    with interrupts.command():
        from jaxtransport import cli

        cli.main()


if __name__ == "__main__":
    main()
