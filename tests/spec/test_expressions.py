"""Expressions of sweep files: read as Python reads them, computed in doubles, and refused with a remedy."""

import ast
import math
import re
import time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support.rounded import PYTHON, Rounded
from support.wrong_expressions import WRONG

from jaxtransport.spec import expressions
from jaxtransport.spec.expressions import DEEPEST, FUNCTIONS, OPERAND, POWER, PRODUCT, SIGNED, SUM, parse
from jaxtransport.spec.tokens import LONGEST, WrongExpression

VALUES = {
    "N": np.array([2.0, 3.0, 5.0, 16.0]),
    "mu_bar": np.array([0.5, -0.3, 0.0, 1.9]),
    "onsite.width": np.array([1.25, 0.1, 3.0, -1.0]),
    "hopping.values[2]": np.array([-1.0, 0.75, 2.5, 1.0]),
}


def texts(depth=3):
    """Right expressions, with the numbers in them as R(0.5). Nothing says how their parts bind."""
    numbers = st.sampled_from(["2", "3.", ".25", "0.50", "1e-1", "12.5E+1", "7"]).map("R({})".format)
    atoms = numbers | st.sampled_from([*VALUES, "pi"])
    if not depth:
        return atoms
    part = texts(depth - 1)
    operators = st.sampled_from(["+", " - ", "*", " / ", "**", "-", " * ", "/ ", " ** "])
    more = st.lists(st.tuples(operators, part).map("".join), min_size=1, max_size=2).map("".join)
    chain = st.tuples(part, more).map("".join)
    several = st.tuples(st.sampled_from(["min", "max"]), st.lists(part, min_size=2, max_size=3))
    return st.one_of(
        atoms,
        chain,
        chain.map("({})".format),
        st.tuples(st.sampled_from(["-", "+", "- "]), part).map("".join),
        st.tuples(st.sampled_from(["-({})", "(-{})"]), chain).map(lambda of: of[0].format(of[1])),
        st.tuples(st.sampled_from(FUNCTIONS[:-2]), part).map(lambda of: "{}({})".format(*of)),
        several.map(lambda of: f"{of[0]}({', '.join(of[1])})"),
    )


def plain(text):
    return re.sub(r"R\((.*?)\)", r"\1", text)


def by_python(text, at):
    """What Python's own reader makes of the text with functions of `math`, or None where it has no value."""
    number = {name: Rounded(values[at]) for name, values in VALUES.items()}
    names = {
        "N": number["N"],
        "mu_bar": number["mu_bar"],
        "onsite": SimpleNamespace(width=number["onsite.width"]),
        "hopping": SimpleNamespace(values={2: number["hopping.values[2]"]}),
    }
    try:
        return eval(text, {"__builtins__": {}}, PYTHON | names)
    except (ValueError, OverflowError, ZeroDivisionError):
        return None


def compare(examples, phases=tuple(Phase)):
    """Compare random expressions with Python; how many values were compared."""
    compared = 0

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None, phases=phases)
    @given(texts())
    def agree(text):
        nonlocal compared
        expression = parse(plain(text))
        got = np.broadcast_to(expression.value(VALUES), 4)
        for at in range(4):
            if (expected := by_python(text, at)) is not None:
                compared += 1
                assert abs(got[at] - expected.value) <= expected.error

    agree()
    return compared


def test_expressions_have_the_values_that_python_gives_them():
    assert compare(700) > 1000


@pytest.mark.parametrize(
    ("table", "key", "fault"),
    [
        ("BINDS", "-", (SUM, SUM)),  # a - (b - c)
        ("BINDS", "/", (PRODUCT, PRODUCT)),  # a / (b / c)
        ("BINDS", "*", (SUM, SIGNED)),  # as strong as +
        ("BINDS", "**", (POWER, OPERAND)),  # (a**b)**c
        ("OPERATORS", "-", np.add),
        ("OF_ONE", "log", np.log10),
        ("OF_ONE", "cos", lambda x: np.cos(x) * (1 + 4e-15)),
        ("OF_SEVERAL", "min", np.maximum),
        ("CONSTANTS", "pi", 3.1415926535898),
    ],
)
def test_a_planted_fault_is_seen(table, key, fault, monkeypatch):
    monkeypatch.setitem(getattr(expressions, table), key, fault)
    with pytest.raises(AssertionError):
        compare(700, phases=(Phase.generate,))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-2**2", -4),
        ("2**-1", 0.5),
        ("2**3**2", 512),
        ("2 - 3 - 4", -5),
        ("16 / 4 / 2", 2),
        ("2 * -3", -6),
        ("--3", 3),
        ("2**-+-2", 4),
        ("2 + 3 * 4**2", 50),
        ("(2 + 3) * 4", 20),
        ("cos(pi)", -1),
        ("arccos(-1)", math.pi),
        ("log(exp(2))", 2),
        ("max(1, 3, 2) - min(4, 2)", 1),
        ("abs(-0.5)", 0.5),
        ("9**9**9**9", math.inf),
        ("1 / 0", math.inf),
        ("-1 / 0", -math.inf),
        ("log(0)", -math.inf),
        ("log(-1)", math.nan),
        ("sqrt(-1)", math.nan),
        ("(-8)**(1 / 3)", math.nan),
        ("arccos(2)", math.nan),
        ("exp(1000)", math.inf),
        ("0 * exp(1000)", math.nan),
    ],
)
def test_values_without_parameters(text, expected):
    got = parse(text).value({})
    assert got.shape == ()
    assert got.dtype == float
    np.testing.assert_allclose(got, expected, rtol=1e-15)


@pytest.mark.parametrize("name", FUNCTIONS[:-2])
def test_functions_are_those_of_the_mathematical_library(name):
    x = np.linspace(1e-3, 0.999, 500) * (1 if name == "arccos" else 20)
    expected = [{"arccos": math.acos, "abs": abs}.get(name) or getattr(math, name)] * x.size
    expected = [function(float(at)) for function, at in zip(expected, x, strict=True)]
    np.testing.assert_allclose(parse(f"{name}(x)").value({"x": x}), expected, rtol=1e-15)


def test_names_come_once_in_order_without_functions_and_pi():
    text = "pi * onsite.2.seed + max(N, hopping.values[2]) / (onsite[2] - N) - mu_bar**N_a"
    names = ("onsite.2.seed", "N", "hopping.values[2]", "onsite[2]", "mu_bar", "N_a")
    assert parse(text).names == names
    assert parse("2 * pi").names == ()
    assert parse("onsite.0 + a[0] + _b + pi.x").names == ("onsite.0", "a[0]", "_b", "pi.x")


def test_arrays_are_broadcast_and_left_as_they_are():
    values = {"a": np.arange(3)[:, None], "b": np.arange(4.0), "c": 2, "unused": "text"}
    got = parse("a / 2 + b * c").value(values)
    np.testing.assert_array_equal(got, np.arange(3)[:, None] / 2 + np.arange(4) * 2)
    alone = parse("b").value(values)
    alone[:] = 7
    np.testing.assert_array_equal(values["b"], np.arange(4))
    with pytest.raises(KeyError, match="'d'"):
        parse("a + d").value(values)


def tree(text):
    """Python's tree of a text; 2 is 2.0, and +x is x."""

    class Plain(ast.NodeTransformer):
        def visit_UnaryOp(self, node):
            self.generic_visit(node)
            return node.operand if isinstance(node.op, ast.UAdd) else node

        def visit_Constant(self, node):
            return ast.Constant(float(node.value))

    return ast.dump(Plain().visit(ast.parse(text.strip(), mode="eval")))


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(texts())
def test_the_canonical_form_is_the_same_expression(text):
    text = plain(text)
    one = parse(text)
    again = parse(one.canonical)
    assert (again.canonical, again.names, again.steps) == (one.canonical, one.names, one.steps)
    assert tree(one.canonical) == tree(text)
    assert again.value(VALUES).tobytes() == one.value(VALUES).tobytes()
    assert parse(text.replace(" ", "")).canonical == one.canonical
    assert parse(f"  ( {text.replace('(', '( ').replace(')', ' )')} ) ").canonical == one.canonical


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (" 0.10*delta_mu ", "0.1 * delta_mu"),
        ("((.5))/sqrt( N )", "0.5 / sqrt(N)"),
        ("- 2 ** 2", "-2**2"),
        ("(-2) ** 2", "(-2)**2"),
        ("(2**3)**4", "(2**3)**4"),
        ("2**(3**4)", "2**3**4"),
        ("a - (b + c)", "a - (b + c)"),
        ("(a - b) + c", "a - b + c"),
        ("a*(b*c)", "a * (b * c)"),
        ("-(a*b)", "-(a * b)"),
        ("(-a)*b", "-a * b"),
        ("a**(-b)", "a**-b"),
        ("+a - (+b)", "a - b"),
        ("min((a+b),2.0,1E3)", "min(a + b, 2, 1000)"),
    ],
)
def test_canonical_forms(text, canonical):
    assert parse(text).canonical == canonical


def nested(depth):
    return [
        "(" * depth + "1" + ")" * depth,
        "sqrt(" * depth + "1" + ")" * depth,
        "-" * depth + "1",
        "1" + "**1" * depth,
        "1+1*(" * depth + "1" + ")" * depth,
    ]


def test_as_deep_and_as_long_as_allowed():
    for text in nested(DEEPEST):
        assert np.isfinite(parse(text).value({}))
    assert parse(" + ".join(["(1)"] * (DEEPEST + 1))).value({}) == DEEPEST + 1  # side by side, not inside
    for text in nested(DEEPEST + 1):
        with pytest.raises(WrongExpression, match=f"at most {DEEPEST} levels of nesting"):
            parse(text)
    assert parse(" + ".join(["1"] * 250) + " " * (LONGEST - 997)).value({}) == 250
    with pytest.raises(WrongExpression, match="at most 1,000 characters, got 1,001"):
        parse("1" + " " * LONGEST)
    with pytest.raises(WrongExpression, match="1,000 characters with blanks around operators, got 1,997"):
        parse("+".join(["1"] * 500))


def test_wrong_expressions_are_refused_with_a_remedy(tmp_path, monkeypatch):
    """None is executed either: whatever wants to leave a file in the working directory leaves none."""
    monkeypatch.chdir(tmp_path)
    for says, wrong in WRONG.items():
        for text in wrong:
            with pytest.raises(WrongExpression) as caught:
                parse(text)
            said = str(caught.value)
            assert re.search(says, said), f"{text!r}: {said}"
            assert 1 <= caught.value.column <= max(1, len(text)), f"{text!r}: {said}"
            assert said.startswith(f"column {caught.value.column}: expected ")
            assert ", got " in said
            assert len(said) < 300
            assert said.isprintable()
    assert not list(tmp_path.iterdir())
    assert len({text for wrong in WRONG.values() for text in wrong}) >= 200


def test_wrong_expressions_are_refused_at_once():
    for text in (text for wrong in WRONG.values() for text in wrong):
        took = []
        for _ in range(3):
            start = time.thread_time()
            with pytest.raises(WrongExpression):
                parse(text)
            took.append(time.thread_time() - start)
        assert min(took) < 0.01, text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (3, 'column 1: expected an expression in quotes, such as "0.1 * delta_mu", got 3'),
        ("", 'column 1: expected an expression, such as "0.1 * delta_mu", got an empty text'),
        ("a +", "column 3: expected a number, a name or '(' behind '+', got the end of the text"),
        ("2 N", "column 3: expected an operator or the end of the text, got 'N'; write 2 * N"),
        ("1 + 2N", "column 6: expected an operator, got 'N'; write 2 * N"),
        ("1 * (a + b", "column 5: expected ')' for the '(' that stands here, got the end of the text"),
        ("a + b)", "column 6: expected an operator or the end of the text, got ')'; no '(' is open"),
        ("2 * sqr(N)", "column 5: expected a function, got 'sqr'; did you mean 'sqrt'?"),
        ("sqrt(a, b)", "column 7: expected ')': sqrt takes one argument, got ','"),
        ("max(a)", "column 6: expected ',': max takes two arguments or more, got ')'"),
        ("cos + 1", "column 5: expected '(' behind 'cos', got '+'"),
        ("N^2", "column 2: expected numbers, names, + - * / ** and parentheses, got '^'; write **"),
        ("γ * 2", "column 1: expected numbers, names, + - * / ** and parentheses, got 'γ'; write gamma"),  # noqa: RUF001
        ("1_000", "column 1: expected a decimal number, got '1_000'; write 1000"),
        ("a.05", "column 2: expected an operator or the end of the text, got '.05'; write a * .05"),
        ("a + 1e999", "column 5: expected a number below 1.8e308, got '1e999'"),
    ],
)
def test_messages(text, message):
    with pytest.raises(WrongExpression) as caught:
        parse(text)
    assert str(caught.value) == message


def random_texts():
    """Words in any order, characters of all kinds, and right expressions with one character changed."""
    draw = np.random.default_rng(20)
    words = "N mu_bar onsite[2] a.b pi 2 .5 1e3 1. e sqrt min max + - * / ** ( ) ( ) , . [ ] ^ = _ ' 1_0"
    right = "min(a.b, 2) ** -N / (sqrt(onsite[2] + 1.5e-3) - pi)"
    for _ in range(3000):
        yield "".join(draw.choice([*words.split(), " "], draw.integers(1, 15)))
    for top in (0x80, 0x100, 0x3000, 0x110000):
        for _ in range(500):
            yield "".join(map(chr, draw.integers(0, top, draw.integers(1, 12))))
    for _ in range(1000):
        yield draw.bytes(draw.integers(1, 40)).decode("utf-8", "replace")
        at = draw.integers(len(right))
        yield right[:at] + chr(draw.integers(32, 127)) * draw.integers(2) + right[at + 1 :]


def test_texts_at_random_are_read_or_refused():
    read = 0
    for text in random_texts():
        column = 1
        try:
            expression = parse(text)
        except WrongExpression as error:
            column = error.column
        else:
            read += 1
            expression.value(dict.fromkeys(expression.names, 0.5))  # without a warning, which would fail
            assert parse(expression.canonical).steps == expression.steps, text
        assert 1 <= column <= max(1, len(text)), text
    assert 200 < read < 3500
