# SPDX-License-Identifier: GPL-3.0-or-later
"""Widgets of ipywidgets for the tools of the signals, as HyperSpy's registry asks.

Only HyperSpy imports this room, by name, where hyperspy_gui_ipywidgets is installed. It
knows the traits of the tools and nothing else of this package.
"""

from .local_fft import local_fft_widgets
from .segmentation import segmentation_widgets
from .tracking import tracking_widgets

__all__ = ["local_fft_widgets", "segmentation_widgets", "tracking_widgets"]
