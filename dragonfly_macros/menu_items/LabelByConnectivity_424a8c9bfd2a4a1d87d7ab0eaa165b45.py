# SPDX-License-Identifier: GPL-3.0-or-later
"""
Give each particle of a ROI one label in all frames, as a MultiROI.

:author: hyperspy-hrtemnn
:dragonflyVersion: 2024.1
:UUID: 424a8c9bfd2a4a1d87d7ab0eaa165b45
"""

__version__ = "1.0.0"

from OrsHelpers.ListHelper import ListHelper
from OrsLibraries.workingcontext import WorkingContext
from ORSModel import ROI
from ORSServiceClass.actionAndMenu.menu import Menu
from ORSServiceClass.decorators.infrastructure import interfaceMethod
from ORSServiceClass.menuItems.contextualMenuItem import ContextualMenuItem
from ORSServiceClass.messagebox.orsMessageBox import OrsTMessageBox

TITLE = "Label by 2+1D Connectivity"


class LabelByConnectivity_424a8c9bfd2a4a1d87d7ab0eaa165b45(ContextualMenuItem):
    """For one ROI: a mask, frame by frame."""

    @classmethod
    def getIsSelectionValid(cls, aCollectionOfObjects, implementation):
        """Return whether the item is shown for a selection."""
        selected = aCollectionOfObjects or []
        return len(selected) == 1 and isinstance(selected[0], ROI)

    @classmethod
    def getMenuItemForSelection(cls, aCollectionOfObjects, implementation):
        """Return the item for a selection."""
        selection = ListHelper.asPythonCollectionString(aCollectionOfObjects)
        variable = implementation.getVarName()
        return Menu(
            title=TITLE,
            id_=cls.__name__,
            section="",
            action=f"{cls.__name__}.menuItemEntryPoint({selection}, {variable})",
        )

    @classmethod
    def menuItemEntryPoint(cls, collectionString, implementation):
        """Ask, then run."""
        try:
            from dragonfly_macros.dialogs import reported
        except ImportError as error:
            OrsTMessageBox.message(
                WorkingContext.getCurrentContextWindow(),
                f"The package hyperspy-hrtemnn cannot be used in Dragonfly's Python: "
                f"{error}. Its page docs/dragonfly.md says how to install it.",
                TITLE,
                OrsTMessageBox.Critical,
                OrsTMessageBox.Ok,
            )
            return
        with reported(TITLE):
            from dragonfly_macros.label_by_connectivity import ask_min_separation

            selected = ListHelper.fromPythonCollection(
                collectionString, asPythonList=True
            )
            cls.labelByConnectivity(roi=selected[0], minSeparation=ask_min_separation())

    @classmethod
    @interfaceMethod
    def labelByConnectivity(cls, roi, minSeparation):
        """
        Give each particle of a ROI one label in all frames.

        :param roi: a mask, frame by frame
        :type roi: ORSModel.ors.ROI
        :param minSeparation: smallest distance of two touching particles in nm
        :type minSeparation: float
        :return: the published MultiROI
        :rtype: ORSModel.ors.MultiROI
        """
        from dragonfly_macros.label_by_connectivity import label_particles

        return label_particles(roi, minSeparation)
