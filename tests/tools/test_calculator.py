"""Against Python's own fractions and floats, and against what is no arithmetic."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omni.errors import Retry
from omni.plugins import load

calculate = load("tools", "calculator").work
NUMBERS = st.one_of(st.integers(-50, 50), st.decimals(-9, 9, places=2).map(str))
EXPRESSIONS = st.recursive(
    NUMBERS.map(lambda number: f"({number})"),
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(
        lambda three: f"({three[0]} {three[1]} {three[2]})"
    ),
    max_leaves=12,
)


def work(expression: str) -> str:
    return calculate(None, expression)


@settings(deadline=None)
@given(EXPRESSIONS)
def test_sums_and_products_are_exact(expression):
    import re

    exact = re.sub(r"\d+(\.\d+)?", lambda found: f"Fraction('{found[0]}')", expression)
    wanted = Fraction(eval(exact))
    told = work(expression)
    assert Fraction(told.split(" (about ")[0]) == wanted


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("(3 + 4) * 2", "14"),
        ("7 / 2", "3.5"),
        ("1 / 3", "1/3 (about 0.333333333333333)"),
        ("0.1 + 0.2", "0.3"),
        ("2 ** 100", str(2**100)),
        ("2 ^ 10", "1024"),
        ("3 × 4", "12"),
        ("2 ** -2", "0.25"),
        ("17 % 5 + 17 // 5", "5"),
        ("mean(3, 4, 8)", "5"),
        ("sqrt(2)", f"{math.sqrt(2):.15g}"),
        ("min(3, -2, 7)", "-2"),
        ("1 < 2 <= 2", "yes"),
        ("3 == 4", "no"),
        ("round(2.6)", "3"),
    ],
)
def test_known_answers(expression, answer):
    assert work(expression) == answer


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "is no expression"),
        ("2 +", "is no expression"),
        ("1 / 0", "divides by zero"),
        ("sqrt(-1)", "has no value"),
        ("(-8) ** 0.5", "is not a real number"),
        ("9 ** 9 ** 9", "too large"),
        ("10 ** 400 * 10 ** 900 * 10 ** 900", "too large"),
        ("__import__('os')", "is not arithmetic"),
        ("(1).__class__", "is not arithmetic"),
        ("x + 1", "is not arithmetic"),
        ("[1, 2]", "is not arithmetic"),
        ("'a' * 3", "is not arithmetic"),
        ("(" * 300 + "1" + ")" * 300, "at most 500 characters"),
        ("-" * 400 + "1", "is no expression|1"),
    ],
)
def test_what_is_no_arithmetic_is_refused_with_a_reason(expression, reason):
    try:
        assert work(expression) == "1"
    except Retry as error:
        assert any(part in str(error) for part in reason.split("|"))
