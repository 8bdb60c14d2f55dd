# SPDX-License-Identifier: GPL-3.0-or-later
"""
Segment images with a neural network, as a ROI.

:author: hyperspy-hrtemnn
:dragonflyVersion: 2024.1
:UUID: 4846e6a52eab45c2af7aaffdfbc2a3c1
"""

__version__ = "1.0.0"

from OrsHelpers.ListHelper import ListHelper
from OrsLibraries.workingcontext import WorkingContext
from ORSModel import Channel
from ORSServiceClass.actionAndMenu.menu import Menu
from ORSServiceClass.decorators.infrastructure import interfaceMethod
from ORSServiceClass.menuItems.contextualMenuItem import ContextualMenuItem
from ORSServiceClass.messagebox.orsMessageBox import OrsTMessageBox

TITLE = "Segment with network"


class SegmentWithNetwork_4846e6a52eab45c2af7aaffdfbc2a3c1(ContextualMenuItem):
    """For one channel of images."""

    @classmethod
    def getIsSelectionValid(cls, aCollectionOfObjects, implementation):
        """Return whether the item is shown for a selection."""
        selected = aCollectionOfObjects or []
        return len(selected) == 1 and isinstance(selected[0], Channel)

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
            from dragonfly_macros.segment_with_network import (
                ask_network,
                ask_probability,
            )

            selected = ListHelper.fromPythonCollection(
                collectionString, asPythonList=True
            )
            network = ask_network()
            cls.segmentWithNetwork(
                channel=selected[0],
                network=str(network.path),
                probability=ask_probability(network),
            )

    @classmethod
    @interfaceMethod
    def segmentWithNetwork(cls, channel, network, probability):
        """
        Segment images with a neural network.

        :param channel: the images
        :type channel: ORSModel.ors.Channel
        :param network: name or file of the network
        :type network: str
        :param probability: smallest probability of a pixel, 0 to 1
        :type probability: float
        :return: the published ROI or, of several classes, MultiROI
        :rtype: ORSModel.ors.ROI
        """
        from dragonfly_macros.segment_with_network import segment
        from hyperspy_hrtemnn.networks import load

        return segment(channel, load(network), probability)
