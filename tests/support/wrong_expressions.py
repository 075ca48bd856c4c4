"""Texts that are no expressions, by what their error has to say."""

# ruff: noqa: RUF001
# fmt: off
WRONG = {
    "an empty text": [
        "", " ", "    ",
    ],
    "got the end of the text": [
        "1 +", "a -", "a *", "a /", "a **", "-", "+", "- -", "2 * -", "a + b -", "1 + 2 *", "(", "((", "(1",
        "(a + b", "((1)", "2 * (1 + (2)", "sqrt(", "sqrt(2", "max(1, 2", "max(1,", "min(sqrt(2), 1", "(1 +",
        "sqrt(a -", "2 ** (3", "sqrt", "pi * cos", "min", "max ", "2 + abs",
    ],
    r"a number, a name or '\('.*, got '[-+*/),]": [
        "* 2", "/ 2", "** 2", ")", ")(", "()", "(())", "2 + ()", "a + * b", "a * / b", "a * * b", "a / * b",
        "a *** b", "a ** * b", "a **** b", "(* 2)", "sqrt()", "max()", "max(,)", "max(1,)", "max(, 1)",
        "max(1,, 2)", "sqrt(,)", ", 1", "2 * , 3", "(a + )", "(a + b) * )", "-)", "+ *",
    ],
    "got '.*no '.' is open": [
        "1)", "a + b)", "(1))", "sqrt(2))", "2 * (3)) + 1", "max(1, 2)) ",
    ],
    "decimals have a point; a comma is for arguments": [
        "1, 2", "0,5", "a,", "(1, 2)", "a + b, c", "0,1 * delta_mu",
    ],
    "takes one argument, got ','": [
        "sqrt(1, 2)", "exp(a, b)", "log(8, 2)", "abs(1, 2)", "sin(1, )", "arccos(0, 1)",
    ],
    "takes two arguments or more, got": [
        "min(1)", "max(a)", "min((1 + 2))", "max(min(1, 2))", "max(sqrt(2))",
    ],
    r"expected '\(' behind": [
        "sqrt 2", "sqrt + 1", "sin * cos", "2 * pi * log ** 2", "(sqrt)", "exp, 2", "sin pi", "cos)",
        "sqrt[4]",
    ],
    "did you mean 'sqrt'": [
        "sqr(2)", "Sqrt(2)", "sqrtt(N)", "np.sqrt(2)", "math.sqrt(2)", "1 / squrt(N)", "a.b.sqrt(2)",
    ],
    "did you mean '(exp|log|cos|sin|tan|arccos|abs|min|max)'": [
        "expp(1)", "Exp(1)", "logg(2)", "Log(2)", "coss(1)", "arcos(1)", "mini(1, 2)", "maxi(1, 2)",
        "np.exp(1)", "numpy.abs(2)", "int(2)",
    ],
    r"got '(ln|log10|log2|acos|np\.arcsin|asin|pow|fabs|minimum|maximum|absolute|[a-z]{3}h)'; write ": [
        "ln(2)", "log10(2)", "log2(8)", "acos(1)", "np.arcsin(1)", "asin(1)", "pow(2, 3)", "fabs(-1)",
        "minimum(1, 2)", "maximum(1, 2)", "cosh(1)", "sinh(1)", "tanh(1)", "absolute(1)",
    ],
    "expected a function, got '.*; known: sqrt, .* a product is ": [
        "N(2)", "mu_bar(1 + 2)", "onsite.width(3)", "onsite[2](3)", "pi(2)", "f()", "N (2)", "2 * N(a + b)",
        "e(2)", "eval(1)", "exit()", "open(0)", "getattr(a, b)", "__import__(os)", "globals()", "round(2)",
        "quit()", "arctan(1)", "math.atan(1)",
    ],
    "expected an operator.*; write .* * ": [
        "2 N", "2N", "2.5 mu_bar", "2sqrt(N)", "2 pi", "a b", "a b c", "1 2", "1 .5", "(1)(2)", "2(3)",
        "(a)b", "(a) 2", "sqrt(2)a", "sqrt(2) 3", "1 + 2 N", "a.b c.d", "onsite[2] N", "1e3x", "2pi", "3 (4)",
        "(2 3)", "max(1 2, 3)", "a 2", "a .5", "a.05", "onsite[2]3", "print a", "2 e", "3x + 1",
    ],
    "expected a decimal number": [
        "1_000", "1_0.5", "1__0", "1_", "0x10", "0XFF", "0b101", "0o17", "1.2.3", "1..2", "1...", "1.2.",
        "1.real", "2.seed", "1.5.real", "1.__class__", "0.5.hex()", "1e5.5", ".5.5", "192.168.0.1", "1._5",
        "1e1_0",
    ],
    "the digits of the exponent are missing": [
        "2e", "2E", "1.5e + 3", "2e+", "2e-", "2e*3", "(1e)", "1e5e",
    ],
    "all numbers are real": [
        "1j", "2J", "1.5j", "1e3j", "2 + 3j",
    ],
    "a number below 1.8e308": [
        "1e999", "1e309", "1 / 1e400", "-2e308", "9" * 400, "1e" + "9" * 500,
    ],
    r"got '\^'; write \*\*": [
        "2^3", "N^2", "a ^ b", "^", "(1 + a)^-1", "2^",
    ],
    "got '//'; write /": [
        "7 // 2", "a//b", "//", "a // -b", "// comment",
    ],
    "got '%'; write the fraction": [
        "7 % 2", "5%", "%", "a %b",
    ],
    "comparisons and assignments are not allowed": [
        "a = 1", "a == b", "a != b", "a < b", "a > b", "a <= b", "a >= b", "=", "= 1", "a += 1", "a <> b",
        "a ≤ b", "a ≥ b", "a ≠ b", "max(a=1, b=2)", "!a", "1 << 2", "a -> b", "1 < 2 < 3",
    ],
    "text in quotes is not allowed": [
        "'a'", '"a"', '""', "'", "`ls`", "sqrt('4')", "“a”", "‘a’", "1 + 'b'", "f'{a}'", 'r"a"', "'a' * 9",
        '__import__("os").system("touch x")', "open('x', 'w')", 'eval("open(\'x\', \'w\')")', "exec('x = 1')",
        "getattr(a, '__class__')", '"".__class__.__mro__', "print('hello')",
    ],
    "logical operations are not allowed": [
        "a & b", "a | b", "~a", "a && b", "1 || 2", "~0",
    ],
    r"only parentheses \( \) group": [
        "{1}", "{a + b}", "{", "}", "a + {b}", "{1, 2}", '{"a": 1}',
    ],
    "brackets hold one whole number directly behind a name": [
        "[", "]", "[1]", "[1, 2]", "a[", "a[]", "a[-1]", "a[1.5]", "a[i]", "a[ 2]", "a[2 ]", "a [2]", "a[02]",
        "a[1:2]", "a[1][2]", "a[1, 2]", "2[1]", "(a)[1]", "a[2]]", "[x for x in a]", "onsite[N]", "a[2",
        "a[1e2]", "a['b']", "globals()['a']",
    ],
    "a point stands inside a number or a name": [
        ".", "a.", "a..b", "a.b.", ". a", "a .b", "a. b", "(a).b", "onsite[2].width", "sqrt(2).real", "..",
        "a.[2]", "(1).__class__", "a.-1", "().x",
    ],
    "words of a program are not allowed": [
        "import os", "lambda: 1", "lambda x: x", "a if b else c", "if a", "a and b", "a or b", "not a",
        "a in b", "a is b", "None", "True", "False", "for", "while True: 1", "def f(): 1", "return a",
        "yield", "await a", "del a", "pass", "raise a", "from os import system", "class A: 1", "global a",
        "assert a", "2 * lambda",
    ],
    r"got '[:;@#$?\\\\]+'": [
        "a : b", "a; b", "@a", "a @ b", "# a", "a # b", "$a", "a?", "\\", "a \\ b", ":", "1;", "1:2",
        "a := 1",
    ],
    r"write \*$": [
        "2 × N", "2·N", "a ⋅ b", "2 ∗ 3", "×",
    ],
    "write -$": [
        "2 − N", "−1", "a – b", "a — b", "1e−3 ** 2",
    ],
    "write /$": [
        "a ÷ b", "a ∕ b", "1⁄2",
    ],
    r"write (\*\*[0-9]|0\.25|0\.5|sqrt\(\.\.\.\))$": [
        "N²", "N³", "a⁴ + 1", "½", "2 * ¼", "√2", "√(N)",
    ],
    "write (gamma|mu|delta|pi|Delta|omega|sigma)$": [
        "γ", "μ_bar", "µ_bar", "0.1 * δμ", "2π", "Δ / 2", "ω + 1", "σ",
    ],
    "write ([0-9a-zA-Z+()*]|sqrt)$": [
        "１ + 2", "1 ＋ 2", "（1）", "Ｎ", "2 ＊ 3", "𝐱 + 1", "ℎ",
    ],
    "letters are those of ASCII": [
        "é", "größe", "ñ + 1", "я", "数", "a_é", "ß",
    ],
    "got '.*'$": [
        "x🙂", "1 ± 2", "€", "1 € + 2", "∑", "∫a",
    ],
    "write a blank": [
        "a\t+ 1", "1\xa0+ 2", "1 +\u20093", "\t",
    ],
    "write the expression on one line": [
        "a\n+ b", "a\r\n", "\n", "1 +\n2",
    ],
    r"got '\\\\?(x|u)": [
        "\x00", "1\x00", "a + \x00b", "\x1b[31m", "\x7f", "\x07", "1\x0b+ 2", "\ud800", "a\u200b", "\u202e1",
        "\ufeff1",
    ],
    "levels of nesting": [
        "(" * 51 + "1" + ")" * 51, "(" * 999, "-" * 1000, "+" * 60 + "1", "sqrt(" * 60, "2" + "**2" * 300,
    ],
    "at most 1,000 characters": [
        "1" * 1001, "a" * 5000, " " * 1001, "+1" * 600, "(" * 100_000, "\x00" * 10_000, "1+" * 400 + "1",
    ],
    r"got 'a[a.]*\.\.\.; known: ": [
        "a" * 999 + "(", "a." * 400 + "a(2)",
    ],
}
# fmt: on
