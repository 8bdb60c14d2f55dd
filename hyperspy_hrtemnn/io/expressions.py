# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions of axes in files: refused unless they are plain formulas.

HyperSpy gives the expression of a `FunctionalDataAxis` to sympy, which evaluates it as
Python: a file could run anything as the user who opens it.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from hyperspy_hrtemnn.unit_texts import quoted

from .refusal import RefusedFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LONGEST = 200
_HIGHEST_POWER = 10
_FUNCTIONS = {
    *("sqrt", "exp", "log", "log10", "abs", "sin", "cos", "tan"),
    *("asin", "acos", "atan", "sinh", "cosh", "tanh"),
}
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div)

# Under these keys HyperSpy makes axes of dictionaries, at any depth of the metadata.
_MADE_INTO_AXES = ("axes", "_sig_", "_hspy_Axis_", "_hspy_AxesManager_")


def check_expressions(path: Path, signal: dict[str, Any]) -> None:
    """Raise a `RefusedFileError` if an axis of a signal is not a plain formula.

    Parameters
    ----------
    path
        The file, for the error.
    signal
        Dictionary that a reader has made of a file, before HyperSpy makes a signal.
    """
    for expression in _expressions(signal):
        if not is_plain(expression):
            raise RefusedFileError(
                f"{path} has an axis with the expression {quoted(expression)}, which "
                "HyperSpy would run as a program. Formulas of numbers, names and "
                "functions such as 'a * x + b' are allowed; do not load this file "
                "unless you trust who made it."
            )


def _expressions(tree: dict[str, Any]) -> Iterator[str]:
    """Yield what is evaluated of a dictionary, at any depth."""
    waiting: list[tuple[Any, bool]] = [(tree, False)]
    while waiting:
        branch, is_axis = waiting.pop()
        if isinstance(branch, list | tuple):
            waiting += [(item, is_axis) for item in branch]
        if not isinstance(branch, dict):
            continue
        for key, value in branch.items():
            if is_axis and key == "expression":
                yield (
                    value.decode("utf-8", "replace")
                    if isinstance(value, bytes)
                    else str(value)
                )
            else:
                waiting.append((value, is_axis or str(key).startswith(_MADE_INTO_AXES)))


def is_plain(expression: str) -> bool:
    """Return whether an expression is a formula that can do nothing but calculate.

    Examples
    --------
    >>> is_plain("a / (x + 1) + b"), is_plain("sqrt(x**2 + 1)")
    (True, True)
    >>> is_plain("__import__('os').system('true')"), is_plain("9**9**9**9")
    (False, False)
    """
    if len(expression) > _LONGEST:
        return False
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return _is_formula(tree.body)


def _is_formula(node: ast.AST, above: tuple[type, ...] = ()) -> bool:
    """Return whether a formula is plain, below the powers and functions above it.

    A power of a power, or a function of a function, may be too large to calculate.
    """
    match node:
        case ast.BinOp(op=ast.Pow(), left=base, right=power):
            below = (*above, ast.Pow)
            return ast.Pow not in above and _is_low(power) and _is_formula(base, below)
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _OPERATORS):
            return _is_formula(left, above) and _is_formula(right, above)
        case ast.UnaryOp(op=ast.UAdd() | ast.USub(), operand=operand):
            return _is_formula(operand, above)
        case ast.Call(func=ast.Name(id=name), args=[given], keywords=[]):
            below = (*above, ast.Call)
            known = name in _FUNCTIONS and ast.Call not in above
            return known and _is_formula(given, below)
    return _is_leaf(node)


def _is_leaf(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return not node.id.startswith("_")
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _is_low(power: ast.AST) -> bool:
    if isinstance(power, ast.UnaryOp) and isinstance(power.op, ast.USub):
        return _is_low(power.operand)
    if isinstance(power, ast.Constant):
        value = power.value
        return isinstance(value, int | float) and abs(value) <= _HIGHEST_POWER
    return _is_leaf(power)
