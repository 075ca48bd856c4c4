"""Suggestions for unknown names: keys of a sweep file, variables, keyword arguments."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, ParamSpec, TypeVar

from jaxtransport.arguments import wrong
from jaxtransport.errors import InputError, UnknownArgument

P = ParamSpec("P")
R = TypeVar("R")


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name most similar to `name`, or None."""
    return next(iter(difflib.get_close_matches(name, list(known), 1)), None)


def meant(name: str, known: Collection[str]) -> str:
    """A hint for a message: the known name most similar to `name`, or all known names."""
    close = nearest(name, known)
    return f"did you mean {close!r}?" if close else f"known: {', '.join(known)}"


def named(name: str, table: Mapping[str, Any], key: str, known: Mapping[str, R], what: str) -> R:
    """The one of `known` that a key of a table names, such as the kind of a pattern.

    Raises:
        InputError: the key is missing, or names none.
    """
    if key not in table:
        raise InputError(f"{name}.{key}: missing; known: {', '.join(known)}")
    called = table[key]
    if not isinstance(called, str) or called not in known:
        hint = meant(called if isinstance(called, str) else "", known)
        raise wrong(f"{name}.{key}", called, f"the name of {what}; {hint}")
    return known[called]


def with_hints(function: Callable[P, R], passing_to: Any = None) -> Callable[P, R]:
    """`function` with suggestions for unknown keyword arguments.

    Args:
        passing_to: the classmethod that receives the keyword arguments that `function` does not name.
    """
    known = dict(inspect.signature(function).parameters)
    if passing_to is not None:
        known |= inspect.signature(passing_to.__func__).parameters
        del known["layout"]
    names = [name for name, one in known.items() if one.kind is not one.VAR_KEYWORD and name != "cls"]

    @functools.wraps(function)
    def call(*arguments: P.args, **keywords: P.kwargs) -> R:
        require_keywords(function, names, keywords)
        return function(*arguments, **keywords)

    return call


def require_keywords(function: Callable, known: Collection[str], given: Collection[str]) -> None:
    """Raise `UnknownArgument` for the first keyword that `function` does not have."""
    for name in given:
        if name not in known:
            where = function.__qualname__
            raise UnknownArgument(f"{name}: not an argument of {where}; {meant(name, known)}")
