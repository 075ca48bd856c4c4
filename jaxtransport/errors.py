"""Input errors: what is wrong and how to fix it."""

from __future__ import annotations

from collections.abc import Iterable


class InputError(ValueError):
    """Invalid input: one or more mistakes, each naming the key, the value and what was expected."""

    def __init__(self, mistakes: str | Iterable[str]) -> None:
        self.mistakes = (mistakes,) if isinstance(mistakes, str) else tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


class WrongValue(InputError):
    """A value that is not what was expected: `name = value: expected ...`."""

    def __init__(self, name: str, value: str, expected: str) -> None:
        self.value, self.expected = value, expected
        super().__init__(f"{name} = {value}: expected {expected}")


class UnknownArgument(InputError, TypeError):
    """A keyword argument that a function does not have."""
