"""Words of an expression: numbers, names, operators, parentheses and commas, each with its column.

    number   3   0.5   .5   2.   1e-3                                     decimal, finite
    name     mu_bar   onsite.width   onsite.2.seed   hopping.values[2]    ASCII; a place counts from 1
    sign     + - * / ** ( ) ,

Blanks separate words and mean nothing else. All other characters are refused, with what to write instead.
"""

from __future__ import annotations

import keyword
import math
import re
import unicodedata
from typing import NamedTuple

from jaxtransport.arguments import show
from jaxtransport.errors import InputError

LONGEST = 1000  # characters: a longer text is a program, not a formula
LANGUAGE = "numbers, names, + - * / ** and parentheses"


class WrongExpression(InputError):
    """A text that is no expression: `column 3: expected ..., got ...; write ...`.

    Attributes:
        column: where the mistake stands in the text, from 1.
    """

    def __init__(self, column: int, expected: str, got: str, hint: str = "") -> None:
        self.column = column
        super().__init__(f"column {column}: expected {expected}, got {got}{hint and '; '}{hint}")


class Token(NamedTuple):
    """One word, and the column of its first character, from 1."""

    kind: str  # number, name, sign or end
    text: str
    column: int

    @property
    def shown(self) -> str:
        return show(self.text) if self.text else "the end of the text"


_PART = r"[A-Za-z_][A-Za-z0-9_]*"
_WHOLE = r"(?:0|[1-9][0-9]*)"
_WORD = re.compile(
    rf"(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    rf"|(?P<name>{_PART}(?:\.(?:{_PART}|{_WHOLE}(?![A-Za-z0-9_])))*(?:\[{_WHOLE}\])?)"
    rf"|(?P<sign>\*\*|/(?!/)|[-+*(),])"
)
# What may not follow a number without a sign between; of 1e and a dash the dash is the mistake.
_GLUED = re.compile(r"[A-Za-z0-9_.]++(?![^\x00-\x7f])")

_NO_COMPARISON = "comparisons and assignments are not allowed"
_NO_TEXT = "text in quotes is not allowed"
_NO_LOGIC = "logical operations are not allowed"
_NO_BRACKETS = "only parentheses ( ) group"
_PLACE = "brackets hold one whole number directly behind a name, as in onsite[2]"
_INSTEAD = {
    "^": "write **",
    "//": "write /",
    "%": "write the fraction itself: 5 % is 0.05",
    **dict.fromkeys(("=", "<", ">", "!", "≤", "≥", "≠", "≈"), _NO_COMPARISON),
    **dict.fromkeys(("'", '"', "`", "“", "”", "‘", "’"), _NO_TEXT),  # noqa: RUF001
    **dict.fromkeys(("&", "|", "~"), _NO_LOGIC),
    **dict.fromkeys(("{", "}"), _NO_BRACKETS),
    **dict.fromkeys(("[", "]"), _PLACE),
    ".": "a point stands inside a number or a name, as in 0.5, onsite.width or onsite.2.width",
    **dict.fromkeys("×·⋅∗•✕", "write *"),  # noqa: RUF001
    **dict.fromkeys("−‐‑‒–—", "write -"),  # noqa: RUF001
    **dict.fromkeys("÷∕⁄", "write /"),  # noqa: RUF001
    "√": "write sqrt(...)",
    "∞": "all numbers are finite",
    **{power: f"write **{n}" for n, power in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{fraction: f"write {digits}" for fraction, digits in (("½", "0.5"), ("¼", "0.25"), ("¾", "0.75"))},
    "\t": "write a blank",
    **dict.fromkeys("\n\r", "write the expression on one line"),
}
_OF_NUMBERS = {"j": "all numbers are real", "e": "the digits of the exponent are missing"}


def tokens(text: str) -> list[Token]:
    """The words of a text, and a last one of kind `end`, which has the column of the word before it.

    Raises:
        WrongExpression: the text is too long, or holds what is neither a word nor a blank.
    """
    if len(text) > LONGEST:
        raise WrongExpression(LONGEST + 1, f"at most {LONGEST:,} characters", f"{len(text):,}")
    found, at = [], 0
    while at < len(text):
        if text[at] == " ":
            at += 1
            continue
        word = _WORD.match(text, at)
        if word is None:
            raise _wrong_character(text, at)
        kind = str(word.lastgroup)
        token = Token(kind, word.group(), at + 1)
        at = word.end()
        if kind == "number":
            _require_number(token, _GLUED.match(text, at))
        elif keyword.iskeyword(token.text):
            raise WrongExpression(token.column, LANGUAGE, token.shown, "words of a program are not allowed")
        found.append(token)
    return [*found, Token("end", "", found[-1].column if found else 1)]


def _require_number(token: Token, glued: re.Match[str] | None) -> None:
    """Raise unless the number is finite and ends where its word ends."""
    if glued is None:
        if not math.isfinite(float(token.text)):
            raise WrongExpression(token.column, "a number below 1.8e308", token.shown)
        return
    behind, whole = glued.group(), token.text + glued.group()
    if behind[0] in "_." or token.text.endswith(".") or re.match(r"0[xXoObB]", whole):
        digits = whole.replace("_", "")
        hint = f"write {digits}" if re.fullmatch(r"[0-9_]+", whole) else ""
        raise WrongExpression(token.column, "a decimal number", show(whole), hint)
    if hint := _OF_NUMBERS.get(behind.lower(), ""):
        raise WrongExpression(token.column, "a decimal number", show(whole), hint)
    column = token.column + len(token.text)
    raise WrongExpression(column, "an operator", show(behind), f"write {token.text} * {behind}")


def _wrong_character(text: str, at: int) -> WrongExpression:
    got = "//" if text.startswith("//", at) else text[at]
    return WrongExpression(at + 1, LANGUAGE, show(got), _INSTEAD.get(got) or _ascii_for(got))


def _ascii_for(character: str) -> str:
    """What to write for a character outside of the language: γ is gamma, full-width digits are digits."""
    plain = unicodedata.normalize("NFKC", character)
    if plain == " ":
        return "write a blank"
    if plain in _INSTEAD:
        return _INSTEAD[plain]
    if plain != character and _WORD.fullmatch(plain):
        return f"write {plain}"
    greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER ([A-Z]+)", unicodedata.name(plain[:1], ""))
    if greek and len(plain) == 1:
        return f"write {greek[2].lower() if greek[1] == 'SMALL' else greek[2].capitalize()}"
    return "letters are those of ASCII" if character.isalpha() else ""
