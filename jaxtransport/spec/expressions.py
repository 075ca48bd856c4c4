"""Parameters computed from others, as `[derive]` of a sweep file has them: `gamma = "0.5 / sqrt(N)"`.

    sum      = product  { (+ | -) product }           from the left
    product  = signed   { (* | /) signed }            from the left
    signed   = (+ | -) signed  |  power
    power    = operand [ ** signed ]                  from the right: -2**2 is -4, 2**-1 is 0.5
    operand  = number | name | pi | ( sum ) | function( sum { , sum } )
    function = sqrt exp log sin cos tan arccos abs of one argument, min max of two or more

An expression is read once, into steps of a stack machine: operands before their operator. Each step is one
ufunc of doubles, so no expression runs code, takes long or grows: 9**9**9**9 is inf. Host data.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from jaxtransport.arguments import show
from jaxtransport.hints import nearest
from jaxtransport.spec.tokens import LONGEST, Token, WrongExpression, tokens

DEEPEST = 50  # parentheses, functions, signs and exponents inside one another
EXAMPLE = '"0.1 * delta_mu"'

OF_ONE: dict[str, Callable] = {
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arccos": np.arccos,
    "abs": np.abs,
}
OF_SEVERAL: dict[str, Callable] = {"min": np.minimum, "max": np.maximum}
OPERATORS: dict[str, Callable] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
}
FUNCTIONS = (*OF_ONE, *OF_SEVERAL)
CONSTANTS = {"pi": math.pi}

# How strongly operators bind, and what their operand on the right binds at least.
SUM, PRODUCT, SIGNED, POWER, OPERAND = range(1, 6)
BINDS = {
    "+": (SUM, PRODUCT),
    "-": (SUM, PRODUCT),
    "*": (PRODUCT, SIGNED),
    "/": (PRODUCT, SIGNED),
    "**": (POWER, SIGNED),
}

# Functions that people know by other names, or that are nothing like the known one of a similar name.
INSTEAD = {
    "ln": "log(...)",
    "log10": "log(...) / log(10)",
    "log2": "log(...) / log(2)",
    "acos": "arccos(...)",
    "asin": "pi / 2 - arccos(...)",
    "arcsin": "pi / 2 - arccos(...)",
    "pow": "x**y",
    "power": "x**y",
    "fabs": "abs(...)",
    "absolute": "abs(...)",
    "cosh": "(exp(x) + exp(-x)) / 2",
    "sinh": "(exp(x) - exp(-x)) / 2",
    "tanh": "1 - 2 / (exp(2 * x) + 1)",
    "arctan": "",
    "atan": "",
    "minimum": "min(..., ...)",
    "maximum": "max(..., ...)",
}


class Apply(NamedTuple):
    """A step: a function or an operator on the last `arity` results."""

    name: str
    arity: int


Step = float | str | Apply  # a number, the name of one, or what is done with the last results


@dataclass(frozen=True)
class Expression:
    """One expression, read and found right.

    Attributes:
        text: as it was written.
        names: parameters in it, each once, in order of their first place.
        canonical: the same expression in one way of writing: single blanks, no needless parentheses or plus
            signs, shortest numbers. Two expressions of one canonical form have the same values to the bit.
    """

    text: str
    names: tuple[str, ...]
    canonical: str
    steps: tuple[Step, ...] = field(repr=False)

    def value(self, values: Mapping[str, Any]) -> np.ndarray:
        """The value for numbers or arrays of the parameters, broadcast against each other, in doubles.

        Where it is not finite (1 / 0, log(-1), an overflow) it is inf or NaN, without a warning.

        Raises:
            KeyError: `values` lacks one of `names`.
        """
        known: dict[str, Any] = {name: np.asarray(values[name], dtype=float) for name in self.names}
        known |= CONSTANTS
        stack: list[Any] = []
        with np.errstate(all="ignore"):
            for step in self.steps:
                if isinstance(step, Apply):
                    stack[-step.arity :] = [_apply(step.name, stack[-step.arity :])]
                else:
                    stack.append(known[step] if isinstance(step, str) else step)
        return np.array(stack.pop(), dtype=float)  # a copy also where it is one of `values`


def _apply(name: str, operands: list[Any]) -> Any:
    if len(operands) == 1:
        return np.negative(*operands) if name == "-" else OF_ONE[name](*operands)
    return functools.reduce((OPERATORS | OF_SEVERAL)[name], operands)


def parse(text: str) -> Expression:
    """Read an expression such as "0.5 / sqrt(N)".

    Raises:
        WrongExpression: it is none; the message has the column, what stands there and what was expected.
    """
    if not isinstance(text, str):
        raise WrongExpression(1, f"an expression in quotes, such as {EXAMPLE}", show(text))
    reader = _Reader(tokens(text))
    reader.all()
    steps = tuple(reader.steps)
    names = dict.fromkeys(step for step in steps if isinstance(step, str) and step not in CONSTANTS)
    canonical = _written(steps)
    if len(canonical) > LONGEST:  # it could not be read back
        at_most = f"at most {LONGEST:,} characters with blanks around operators"
        raise WrongExpression(len(text), at_most, f"{len(canonical):,}")
    return Expression(text, tuple(names), canonical, steps)


class _Reader:
    """Turns words into steps: each method reads one rule of the grammar and appends its steps."""

    def __init__(self, words: list[Token]) -> None:
        self.words, self.at, self.depth = words, 0, 0
        self.steps: list[Step] = []

    @property
    def word(self) -> Token:
        """The next word."""
        return self.words[self.at]

    def take(self) -> Token:
        self.at += 1
        return self.words[self.at - 1]

    def all(self) -> None:
        if self.word.kind == "end":
            raise WrongExpression(1, f"an expression, such as {EXAMPLE}", "an empty text")
        self.operation(SUM)
        if self.word.kind != "end":
            raise self.surplus("the end of the text")

    def operation(self, least: int) -> None:
        """Operands, and the operators between them that bind at least so strongly."""
        self.operand()
        while (binds := BINDS.get(self.word.text)) and binds[0] >= least:
            operator = self.take()
            if operator.text == "**":
                self.inside(operator, binds[1])
            else:
                self.operation(binds[1])
            self.steps.append(Apply(operator.text, 2))

    def inside(self, opening: Token, least: int) -> None:
        """An operation one level deeper."""
        if self.depth == DEEPEST:
            raise WrongExpression(opening.column, f"at most {DEEPEST} levels of nesting", "one more")
        self.depth += 1
        self.operation(least)
        self.depth -= 1

    def operand(self) -> None:
        word = self.word
        if word.kind == "number":
            self.steps.append(float(self.take().text))
        elif word.kind == "name":
            self.named()
        elif word.text in ("+", "-"):
            self.inside(self.take(), SIGNED)
            if word.text == "-":
                self.steps.append(Apply("-", 1))
        elif word.text == "(":
            self.inside(self.take(), SUM)
            if self.word.text != ")":
                raise self.unclosed(word)
            self.take()
        else:
            behind = f" behind {self.words[self.at - 1].shown}" if self.at else ""
            raise WrongExpression(word.column, f"a number, a name or '('{behind}", word.shown)

    def named(self) -> None:
        """A parameter, a constant, or a function with its arguments."""
        name = self.take()
        called = self.word.text == "("
        function, bracket, _ = name.text.partition("[")
        if bracket and function in FUNCTIONS:
            raise WrongExpression(name.column + len(function), f"'(' behind {show(function)}", "'['")
        if name.text in FUNCTIONS:
            if not called:
                raise WrongExpression(self.word.column, f"'(' behind {name.shown}", self.word.shown)
            self.arguments(name)
        elif called:
            raise WrongExpression(name.column, "a function", name.shown, _meant(name.text))
        else:
            self.steps.append(name.text)

    def arguments(self, function: Token) -> None:
        opening, count, one = self.take(), 1, function.text in OF_ONE
        self.inside(opening, SUM)
        while self.word.text == "," and not one:
            self.take()
            self.inside(opening, SUM)
            count += 1
        if self.word.text == ",":
            raise WrongExpression(self.word.column, f"')': {function.text} takes one argument", "','")
        if self.word.text != ")":
            raise self.unclosed(opening)
        if count == 1 and not one:
            expected = f"',': {function.text} takes two arguments or more"
            raise WrongExpression(self.word.column, expected, self.word.shown)
        self.take()
        self.steps.append(Apply(function.text, count))

    def unclosed(self, opening: Token) -> WrongExpression:
        if self.word.kind == "end":
            return WrongExpression(opening.column, "')' for the '(' that stands here", self.word.shown)
        return self.surplus("')'")

    def surplus(self, end: str) -> WrongExpression:
        """The next word stands where an operator or `end` should."""
        word, before = self.word, self.words[self.at - 1]
        hint = {",": "decimals have a point; a comma is for arguments", ")": "no '(' is open"}.get(word.text)
        if hint is None:
            hint = f"write {before.text} * {word.text}"
        return WrongExpression(word.column, f"an operator or {end}", word.shown, hint)


def _meant(name: str) -> str:
    """A hint for a name in front of parentheses that is no function."""
    last = name.rpartition(".")[2]  # np.sqrt, math.sqrt
    if instead := INSTEAD.get(last):
        return f"write {instead}"
    if last not in INSTEAD and (close := nearest(last, FUNCTIONS)):
        return f"did you mean {close!r}?"
    return f"known: {', '.join(FUNCTIONS)}; a product is {show(name)[1:-1]} * (...)"


def _written(steps: tuple[Step, ...]) -> str:
    """The expression of these steps, with the parentheses that it needs."""
    stack: list[tuple[str, int]] = []  # texts, and how strongly they bind

    def pop(least: int) -> str:
        text, binds = stack.pop()
        return text if binds >= least else f"({text})"

    for step in steps:
        if isinstance(step, float):
            stack.append((repr(step).removesuffix(".0"), OPERAND))
        elif isinstance(step, str):
            stack.append((step, OPERAND))
        elif step.name in FUNCTIONS:
            arguments = [pop(SUM) for _ in range(step.arity)]
            stack.append((f"{step.name}({', '.join(reversed(arguments))})", OPERAND))
        elif step.arity == 1:
            stack.append((f"-{pop(SIGNED)}", SIGNED))
        else:
            binds, least = BINDS[step.name]
            power = step.name == "**"
            right = pop(least)
            left = pop(OPERAND if power else binds)
            stack.append((f"{left}**{right}" if power else f"{left} {step.name} {right}", binds))
    return stack.pop()[0]
