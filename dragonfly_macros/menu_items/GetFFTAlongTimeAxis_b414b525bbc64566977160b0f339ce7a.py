# SPDX-License-Identifier: GPL-3.0-or-later
"""
Make the Fourier transform of one particle, frame by frame, as a channel.

:author: hyperspy-hrtemnn
:dragonflyVersion: 2024.1
:UUID: b414b525bbc64566977160b0f339ce7a
"""

__version__ = "1.0.0"

from OrsHelpers.ListHelper import ListHelper
from OrsLibraries.workingcontext import WorkingContext
from ORSModel import ROI, Channel
from ORSServiceClass.actionAndMenu.menu import Menu
from ORSServiceClass.decorators.infrastructure import interfaceMethod
from ORSServiceClass.menuItems.contextualMenuItem import ContextualMenuItem
from ORSServiceClass.messagebox.orsMessageBox import OrsTMessageBox

TITLE = "Get FFT along time axis"


class GetFFTAlongTimeAxis_b414b525bbc64566977160b0f339ce7a(ContextualMenuItem):
    """For one ROI, and the channel of the images if it is selected as well."""

    @classmethod
    def getIsSelectionValid(cls, aCollectionOfObjects, implementation):
        """Return whether the item is shown for a selection."""
        kinds = [
            kind
            for selected in aCollectionOfObjects or []
            for kind in (ROI, Channel)
            if isinstance(selected, kind)
        ]
        count = len(aCollectionOfObjects or [])
        return len(kinds) == count and kinds.count(ROI) == 1 and count <= 2

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
            from dragonfly_macros.fft_along_time import ask_apodization, ask_images

            selected = ListHelper.fromPythonCollection(
                collectionString, asPythonList=True
            )
            (roi,) = (item for item in selected if isinstance(item, ROI))
            channels = [item for item in selected if isinstance(item, Channel)]
            cls.getFFTAlongTimeAxis(
                roi=roi,
                channel=channels[0] if channels else ask_images(),
                apodization=ask_apodization(),
            )

    @classmethod
    @interfaceMethod
    def getFFTAlongTimeAxis(cls, roi, channel, apodization):
        """
        Make the Fourier transform of one particle, frame by frame.

        :param roi: where the particle is
        :type roi: ORSModel.ors.ROI
        :param channel: the images
        :type channel: ORSModel.ors.Channel
        :param apodization: standard deviation of the soft edge in nm
        :type apodization: float
        :return: the published channel, in which 1 nm stands for 1/nm
        :rtype: ORSModel.ors.Channel
        """
        from dragonfly_macros.fft_along_time import transform_particle

        return transform_particle(roi, channel, apodization)
