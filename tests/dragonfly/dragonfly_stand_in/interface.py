# SPDX-License-Identifier: GPL-3.0-or-later
"""Menus, prompts, messages and progress, and the user who answers them."""

from __future__ import annotations

import inspect
import re
from types import ModuleType

from . import model

answers = []
asked = []
messages = []


class User:
    """How patient the user is, and what the dialogs show."""

    steps_until_cancel = None
    events = 0
    dialogs = 0


class ContextualMenuItem:
    pass


class UserDefinedMenuItem:
    pass


class Menu:
    def __init__(self, title, id_, section="", action=""):
        self.title, self.id_, self.section, self.action = title, id_, section, action


def interfaceMethod(method):
    """Refuse what the macro recorder cannot read."""
    for name in list(inspect.signature(method).parameters)[1:]:
        assert re.search(rf":param {name}: \S", method.__doc__), name
        assert re.search(rf":type {name}: \S", method.__doc__), name
    return method


class ListHelper:
    @staticmethod
    def asPythonCollectionString(aList):
        return repr([item.getGUID() for item in aList])

    @staticmethod
    def fromPythonCollection(collection, asPythonList):
        assert asPythonList is True
        return [model.living[guid] for guid in collection]


class WorkingContext:
    window = object()

    @classmethod
    def getCurrentContextWindow(cls):
        return cls.window


class OrsTMessageBox:
    Critical, Information, Warning, Question = range(4)
    Ok = 1024

    @classmethod
    def message(cls, parent, text, title, icon, buttons):
        assert parent is WorkingContext.window
        assert icon in range(4)
        assert buttons == cls.Ok
        messages.append((icon, title, text))


class SimpleEntryDialog:
    @staticmethod
    def prompt(parent, label, title, default):
        assert parent is WorkingContext.window
        asked.append((title, label, default))
        answer = answers.pop(0)
        return default if answer is ... else answer


class ChooseObjectAndNewName:
    @staticmethod
    def prompt(classes, parent, dialog_title, allowNone, getNewTitle):
        assert parent is WorkingContext.window
        assert not getNewTitle
        asked.append((dialog_title, None, None))
        answer = answers.pop(0)
        assert answer is None or isinstance(answer, tuple(classes))
        return answer


class Progress:
    def startProgressWithCaption(self, text, maximum, cancellable):
        assert cancellable is True
        self._text, self._max, self._done = text, maximum, 0
        self._drawn = User.events
        User.dialogs += 1

    def updateProgress(self, step):
        # Where no events were pumped the dialog was never drawn.
        assert User.events > self._drawn
        assert self._done < step <= self._max
        self._done, self._drawn = step, User.events

    def getIsCancelled(self):
        patience = User.steps_until_cancel
        # A click is an event.
        seen = User.events > self._drawn
        return seen and patience is not None and self._done >= patience

    def closeProgress(self):
        User.dialogs -= 1

    def deleteObject(self):
        self.__class__ = model.Deleted


def qt(name):
    """Return the modules of PyQt5 or PyQt6."""

    class Application:
        @staticmethod
        def instance():
            return Application

        @staticmethod
        def processEvents():
            User.events += 1

    package, widgets = ModuleType(name), ModuleType(f"{name}.QtWidgets")
    widgets.QApplication = Application
    package.QtWidgets = widgets
    return {name: package, f"{name}.QtWidgets": widgets}


def reset():
    """Forget what was shown and made; the user is patient again."""
    for known in (answers, asked, messages, model.published):
        known.clear()
    model.living.clear()
    model.guesses_hold = True
    User.steps_until_cancel, User.dialogs = None, 0
