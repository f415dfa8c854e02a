"""Arithmetic that is right: numbers, functions and comparisons, and no code."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from pydantic import Field

from omni.errors import Retry
from omni.plugins import Component
from omni.workbench import Arguments, BenchTool

COMPONENTS = (
    Component("tool", "calculator", "Arithmetic: exact fractions, roots, logarithms, angles."),
)

_LONGEST = 500
_MOST_BITS = 4096
_DIGITS = 15

_OPERATORS: Mapping[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_REAL = ("sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan")
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **{name: getattr(math, name) for name in (*_REAL, "atan2", "hypot", "degrees", "radians")},
    **{"abs": abs, "min": min, "max": max, "round": round, "floor": math.floor, "ceil": math.ceil},
    "sum": lambda *numbers: sum(numbers),
    "mean": lambda *numbers: (
        Fraction(sum(numbers)) / len(numbers)
        if all(isinstance(number, int | Fraction) for number in numbers)
        else math.fsum(numbers) / len(numbers)
    ),
}
_CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}


class _Question(Arguments):
    expression: str = Field(
        description="such as (3 + 4) * 2**5 / 7, sqrt(2), mean(3, 4, 8), 15 % 4, 0.2 * 80"
    )


class Calculator(BenchTool):
    """Works out an expression; whole numbers and fractions stay exact."""

    name: str = "calculator"
    description: str = (
        "Work out an arithmetic expression exactly. Use it for every calculation. Knows + - * / "
        "// % **, comparisons, sqrt exp log log2 log10 sin cos tan asin acos atan atan2 hypot "
        "degrees radians abs min max round floor ceil sum mean, and pi e tau. Angles in radians."
    )
    args_schema: Any = _Question

    def work(self, expression: str) -> str:
        return shown(calculate(expression))


def calculate(expression: str) -> Any:
    """The value of an expression: a whole number, a fraction, a float or a truth.

    Raises:
        Retry: if it is none, or its value is no number or too large.
    """
    if len(expression) > _LONGEST:
        raise Retry(f"an expression has at most {_LONGEST} characters, not {len(expression)}")
    try:
        tree = ast.parse(expression.strip().replace("^", "**").replace("×", "*"), mode="eval")
        return _value(tree.body)
    except (SyntaxError, RecursionError, MemoryError):
        raise Retry(f"{expression!r} is no expression: write it as (3 + 4) * 2") from None
    except ZeroDivisionError:
        raise Retry(f"{expression!r} divides by zero") from None
    except (ValueError, TypeError, OverflowError) as error:
        raise Retry(f"{expression!r} has no value: {error}") from None


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value if isinstance(node.value, int) else Fraction(str(node.value))
    if isinstance(node, ast.Name) and node.id in _CONSTANTS:
        return _CONSTANTS[node.id]
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.operand))
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Pow):
            return _bounded(_power(left, right))
        if type(node.op) in _OPERATORS:
            exact = isinstance(left, int | Fraction) and isinstance(right, int | Fraction)
            if exact and isinstance(node.op, ast.Div):
                return _bounded(Fraction(left) / Fraction(right))
            return _bounded(_OPERATORS[type(node.op)](left, right))
    if isinstance(node, ast.Compare) and all(type(each) in _OPERATORS for each in node.ops):
        values = [_value(each) for each in (node.left, *node.comparators)]
        pairs = zip(node.ops, values, values[1:], strict=False)
        return all(_OPERATORS[type(each)](one, other) for each, one, other in pairs)
    if isinstance(node, ast.Call) and node.args and not node.keywords:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in _FUNCTIONS:
            return _bounded(_FUNCTIONS[name](*(_value(each) for each in node.args)))
    raise Retry(
        f"{ast.unparse(node)!r} is not arithmetic: there are numbers, + - * / // % **, "
        f"{', '.join(_FUNCTIONS)} and {', '.join(_CONSTANTS)}"
    )


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        exponent = int(exponent)
    if isinstance(base, int | Fraction) and isinstance(exponent, int):
        size = max(Fraction(base).numerator.bit_length(), Fraction(base).denominator.bit_length())
        if size * abs(exponent) > _MOST_BITS:
            raise Retry(f"{base} ** {exponent} is too large: use logarithms")
        return Fraction(base) ** exponent
    found = float(base) ** float(exponent)
    if isinstance(found, complex):
        raise Retry(f"{base} ** {exponent} is not a real number")
    return found


def _bounded(value: Any) -> Any:
    if isinstance(value, Fraction | int) and not isinstance(value, bool):
        size = max(Fraction(value).numerator.bit_length(), Fraction(value).denominator.bit_length())
        if size > _MOST_BITS:
            raise Retry("the value is too large: use logarithms")
    return value


def shown(value: Any) -> str:
    """The value as people write it; a fraction also as a decimal number."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Fraction):
        if value.denominator == 1:
            return str(value.numerator)
        decimal = f"{float(value):.{_DIGITS}g}"
        return decimal if Fraction(decimal) == value else f"{value} (about {decimal})"
    return str(value) if isinstance(value, int) else f"{value:.{_DIGITS}g}"


plugin = Calculator
