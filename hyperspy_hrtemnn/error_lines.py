# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors and warnings as the commands print them: one line, and an exit code.

The exit code is 1 for what the user can mend, 2 for wrong options, 70 for a fault of
this package.
"""

from __future__ import annotations

import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from hyperspy_hrtemnn.terminal import as_line

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRAINING_PYTHON = 3, 11  # lowest version that abTEM supports


class Fault(click.ClickException):
    """What nobody has foreseen, and is to be mended in this package."""

    exit_code = 70  # an internal error in sysexits.h


def as_click_error(command: str, error: Exception) -> click.ClickException:
    """Return an error as one that click prints as a line.

    Parameters
    ----------
    command
        Name of the command in which it was raised.
    error
        The error.
    """
    if isinstance(error, click.ClickException):
        return _cleaned(error)
    if isinstance(error, ModuleNotFoundError):
        return _extra_is_missing(command, error)
    what = as_line(error)
    if isinstance(error, MemoryError):
        return click.ClickException(
            f"The memory is not enough{f': {what}' if what else ''}. Close other "
            "programs, or give smaller images."
        )
    if isinstance(error, ValueError | OSError):
        return click.ClickException(what or type(error).__name__)
    return Fault(
        f"This is a fault of hrtemnn, not yours: {type(error).__name__}: {what}. "
        f'Please report it with what "hrtemnn --traceback {command} ..." prints.'
    )


def _cleaned(error: click.ClickException) -> click.ClickException:
    message = "\n".join(map(as_line, error.format_message().splitlines()))
    if isinstance(error, click.UsageError):
        return click.UsageError(message, error.ctx)
    return click.ClickException(message)


@contextmanager
def warnings_as_lines() -> Iterator[list[str]]:
    """Print each warning as one line, but those for programmers; give these lines."""
    lines: list[str] = []

    def print_line(
        message: Warning | str, category: type[Warning], *_: object, **__: object
    ) -> None:
        if not issubclass(category, DeprecationWarning):
            lines.append(as_line(message))
            click.echo(f"Warning: {lines[-1]}", err=True)

    with warnings.catch_warnings():
        warnings.showwarning = print_line  # type: ignore[assignment]
        yield lines


def _extra_is_missing(command: str, error: ModuleNotFoundError) -> click.ClickException:
    extra = "distributed" if error.name == "distributed" else "training"
    needs = f"{command} needs {error.name or error}, which is not installed"
    if error.name == "onnxruntime":
        return click.ClickException(f"{needs}: pip install onnxruntime")
    if extra == "training" and sys.version_info < _TRAINING_PYTHON:
        wanted, here = (
            ".".join(map(str, version))
            for version in (_TRAINING_PYTHON, sys.version_info[:2])
        )
        return click.ClickException(
            f"{needs} and does not exist for Python {here}: install "
            f'"hyperspy-hrtemnn[training]" with Python {wanted} or later'
        )
    return click.ClickException(f'{needs}: pip install "hyperspy-hrtemnn[{extra}]"')
