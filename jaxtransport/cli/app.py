"""The application of the command line: its common options and its exit codes.

Exit codes: 0 done, 1 some points failed, 2 wrong input, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from jaxtransport.compute import interrupts
from jaxtransport.errors import InputError

FAILED, WRONG_INPUT, INTERRUPTED = 1, 2, interrupts.EXIT_CODE

NOTHING = "nothing was written; run the same command again"

app = typer.Typer(
    name="jaxtransport",
    help="Electrical transport through wires with sources and drains of charge in their bulk.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

SpecPath = Annotated[Path, typer.Argument(metavar="SPEC.toml", help="Sweep file.")]
ResultPath = Annotated[Path, typer.Argument(metavar="OUT.h5", help="Result file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a key, such as wire.gamma=0.4; wire.gamma= removes it. Repeatable.",
    ),
]


def run_app() -> NoReturn:
    try:
        app()
    except InputError as error:
        for line in error.mistakes:
            print(f"error: {line}", file=sys.stderr)
        sys.exit(WRONG_INPUT)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror or error}", file=sys.stderr)
        sys.exit(WRONG_INPUT)
    sys.exit(0)


@contextlib.contextmanager
def interruptible(says: Callable[[], str]) -> Iterator[None]:
    """Turn KeyboardInterrupt into the message of `says` and its exit code."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"interrupted: {says()}", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    from jaxtransport.compute import xla

    with contextlib.suppress(RuntimeError):  # called from a program in which JAX runs
        xla.compile_whole_loops()
    if version:
        import jaxtransport

        print(jaxtransport.__version__)
        raise typer.Exit
