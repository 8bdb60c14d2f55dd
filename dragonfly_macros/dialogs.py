# SPDX-License-Identifier: GPL-3.0-or-later
"""Dialogs of the menu items: prompts, messages and progress."""

from __future__ import annotations

import math
import sys
import traceback
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from typing import TYPE_CHECKING, Any

from OrsLibraries.workingcontext import WorkingContext
from ORSModel import Channel, Progress
from ORSServiceClass.messagebox.orsMessageBox import OrsTMessageBox
from ORSServiceClass.ORSWidget.chooseObjectAndNewName.chooseObjectAndNewName import (
    ChooseObjectAndNewName,
)
from ORSServiceClass.ORSWidget.SimpleEntryDialog.simpleEntryDialog import (
    SimpleEntryDialog,
)

from .guesses import is_cancelled, python_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


# Packages that Dragonfly may lack, and that pip installs without changing others.
_INSTALLABLE = {"lazy_loader", "matplotlib", "onnxruntime", "pandas", "pydantic"}


class Cancelled(Exception):  # noqa: N818 - it is not an error
    """The user has cancelled."""


def ask_text(question: str, title: str, default: str) -> str:
    """Return the text that the user types, or raise `Cancelled`."""
    answer = SimpleEntryDialog.prompt(_window(), question, title, default)
    if is_cancelled(answer):
        raise Cancelled
    return str(answer).strip()


def ask_number(question: str, title: str, default: float) -> float:
    """Return the number the user types, with a point or a comma.

    Raises
    ------
    Cancelled
        If the user cancels.
    ValueError
        If the text is not a finite number.
    """
    answer = ask_text(question, title, f"{default:g}")
    try:
        number = float(answer.replace(",", "."))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{question}: {answer[:50]!r} is not a number.")
    return number


def ask_channel(title: str) -> Channel:
    """Return a channel that the user chooses, or raise `Cancelled`."""
    channel = ChooseObjectAndNewName.prompt(
        [Channel],
        parent=_window(),
        dialog_title=title,
        allowNone=False,
        getNewTitle=False,
    )
    if channel is None:
        raise Cancelled
    return channel


def warn(text: str, title: str) -> None:
    """Show a warning."""
    _tell(text, title, OrsTMessageBox.Warning)


@contextmanager
def reported(title: str) -> Iterator[None]:
    """Show errors in a message, and return silently where the user cancels.

    Errors that the user can fix are shown as a sentence. Unexpected errors are shown
    with all that a report needs, and raised again for Dragonfly's log.
    """
    try:
        yield
    except Cancelled:
        return
    except (ValueError, OSError) as error:
        _tell(str(error), title, OrsTMessageBox.Critical)
    except Exception as error:
        package = getattr(error, "name", None)
        if isinstance(error, ModuleNotFoundError) and package in _INSTALLABLE:
            _tell(
                f"This needs {package}, which is not in Dragonfly's Python. In a "
                f"command prompt:\n\n{python_command()} -m pip install {package}",
                title,
                OrsTMessageBox.Critical,
            )
            return
        _tell(
            "This should not happen. Please report it with this text, which Ctrl+C "
            f"copies:\n\n{traceback.format_exc()}\n{versions()}",
            title,
            OrsTMessageBox.Critical,
        )
        raise


@contextmanager
def progress(title: str, steps: int) -> Iterator[Callable[[], None]]:
    """Show a progress dialog with a button Cancel.

    The context gives a function to call after each step. It raises `Cancelled` if the
    user has pressed the button.
    """
    dialog = Progress()
    done = count(1)

    def advance() -> None:
        dialog.updateProgress(next(done))
        _pump_events()
        if dialog.getIsCancelled():
            raise Cancelled

    try:
        dialog.startProgressWithCaption(title, steps, True)
        _pump_events()
        yield advance
    finally:
        dialog.closeProgress()
        dialog.deleteObject()


def versions() -> str:
    """Return the versions of Python and of the packages that the menu items use."""
    packages = (
        "hyperspy-hrtemnn",
        "numpy",
        "scipy",
        "scikit-image",
        "pandas",
        "onnxruntime",
    )
    known = map(_version, packages)
    return "\n".join([f"Python {sys.version} on {sys.platform}", *known])


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} is not installed"


def _tell(text: str, title: str, icon: Any) -> None:
    OrsTMessageBox.message(_window(), text, title, icon, OrsTMessageBox.Ok)


def _window() -> Any:
    return WorkingContext.getCurrentContextWindow()


def _pump_events() -> None:
    """Let Qt draw the dialog and handle the button: the work is on its thread."""
    try:
        widgets = import_module("PyQt6.QtWidgets")  # from Dragonfly 2024.1 on
    except ImportError:
        widgets = import_module("PyQt5.QtWidgets")
    application = widgets.QApplication.instance()
    if application is not None:
        application.processEvents()
