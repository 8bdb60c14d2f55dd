# SPDX-License-Identifier: GPL-3.0-or-later
"""
Plot the area of particles against time, and write their properties to a table.

:author: hyperspy-hrtemnn
:dragonflyVersion: 2024.1
:UUID: 919691bb7dbc4856b1e2531c1382a100
"""

__version__ = "1.0.0"

from OrsHelpers.ListHelper import ListHelper
from OrsLibraries.workingcontext import WorkingContext
from ORSModel import ROI, MultiROI
from ORSServiceClass.actionAndMenu.menu import Menu
from ORSServiceClass.decorators.infrastructure import interfaceMethod
from ORSServiceClass.menuItems.contextualMenuItem import ContextualMenuItem
from ORSServiceClass.messagebox.orsMessageBox import OrsTMessageBox

TITLE = "Get ROI properties"


class GetROIProperties_919691bb7dbc4856b1e2531c1382a100(ContextualMenuItem):
    """For any number of ROIs, one particle each, and MultiROIs."""

    @classmethod
    def getIsSelectionValid(cls, aCollectionOfObjects, implementation):
        """Return whether the item is shown for a selection."""
        selected = aCollectionOfObjects or []
        return len(selected) > 0 and all(
            isinstance(item, (ROI, MultiROI)) for item in selected
        )

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
            from dragonfly_macros.roi_properties import ask_frame_time, ask_path

            selected = ListHelper.fromPythonCollection(
                collectionString, asPythonList=True
            )
            cls.getROIProperties(
                rois=selected, frameTime=ask_frame_time(), path=ask_path()
            )

    @classmethod
    @interfaceMethod
    def getROIProperties(cls, rois, frameTime, path):
        """
        Plot the area of particles against time, and write their properties.

        :param rois: ROIs, one particle each, and MultiROIs
        :type rois: list
        :param frameTime: time from frame to frame in s, 0 if it is not known
        :type frameTime: float
        :param path: the .csv file to write, None for no table
        :type path: str
        """
        import matplotlib.pyplot as plt

        from dragonfly_macros.roi_properties import plot_areas, tabulate, write_table

        table = tabulate(rois, frameTime)
        if path is not None:
            write_table(table, path)
        plot_areas(table, frameTime)
        plt.show()
