# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the part of Dragonfly's Python that published extensions use.

It has the modules, classes and methods that were seen, with their signatures, and
refuses all others. Where Dragonfly's behavior is guessed, `model.guesses_hold` tells
whether the stand-in does what was guessed or what was not.
"""

from __future__ import annotations

import sys
from types import ModuleType

from . import interface, model


def install() -> None:
    """Make Dragonfly's modules importable."""
    choose = "ORSServiceClass.ORSWidget.chooseObjectAndNewName.chooseObjectAndNewName"
    entry = "ORSServiceClass.ORSWidget.SimpleEntryDialog.simpleEntryDialog"
    grids = {
        "Channel": model.Channel,
        "ROI": model.ROI,
        "MultiROI": model.MultiROI,
        "Progress": interface.Progress,
        "createChannelFromNumpyArray": model.createChannelFromNumpyArray,
    }
    modules = {
        "ORSModel": grids,
        "ORSModel.ors": grids,
        "ORSServiceClass.menuItems.contextualMenuItem": {
            "ContextualMenuItem": interface.ContextualMenuItem
        },
        "ORSServiceClass.menuItems.userDefinedMenuItem": {
            "UserDefinedMenuItem": interface.UserDefinedMenuItem
        },
        "ORSServiceClass.actionAndMenu.menu": {"Menu": interface.Menu},
        "ORSServiceClass.decorators.infrastructure": {
            "interfaceMethod": interface.interfaceMethod
        },
        "ORSServiceClass.messagebox.orsMessageBox": {
            "OrsTMessageBox": interface.OrsTMessageBox
        },
        entry: {"SimpleEntryDialog": interface.SimpleEntryDialog},
        choose: {"ChooseObjectAndNewName": interface.ChooseObjectAndNewName},
        "OrsHelpers.ListHelper": {"ListHelper": interface.ListHelper},
        "OrsHelpers.datasethelper": {"DatasetHelper": model.DatasetHelper},
        "OrsLibraries.workingcontext": {"WorkingContext": interface.WorkingContext},
    }
    for name, content in modules.items():
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            package = ".".join(parts[:end])
            sys.modules.setdefault(package, ModuleType(package))
        vars(sys.modules[name]).update(content)
