# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals with known particles on which tools are tried out."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np

FRAMES, HEIGHT, WIDTH = 3, 60, 90
PIXEL = 0.1  # nm


def calibrated(data, signal_type, pixel=PIXEL):
    signal = hs.signals.Signal2D(data)
    for name, axis in zip("xy", signal.axes_manager.signal_axes, strict=True):
        axis.name, axis.scale, axis.units = name, pixel, "nm"
    for axis in signal.axes_manager.navigation_axes:
        axis.name, axis.scale, axis.units = "time", 0.5, "s"
    signal.set_signal_type(signal_type)
    return signal


def distance(row, column):
    y, x = np.ogrid[:HEIGHT, :WIDTH]
    return np.hypot(y - row, x - column)


def cones():
    """Probabilities that fall to 0 at 20 pixels from a center which moves."""
    frames = [np.clip(1 - distance(30, 25 + 5 * t) / 20, 0, 1) for t in range(FRAMES)]
    return calibrated(np.array(frames, np.float32), "HRTEM_segmentation")


def touching_discs():
    """Two discs with a radius of 12 pixels whose centers are 20 pixels apart."""
    found = (distance(30, 35) <= 12) | (distance(30, 55) <= 12)
    return calibrated(
        np.stack([found] * FRAMES).astype(np.float32), "HRTEM_segmentation"
    )


def outlined_area(tool):
    """Return the area inside the outlines of a preview [nm²]."""
    lines = [line.get_xydata() for line in tool.figure.axes[0].lines]
    return sum(
        abs(np.sum(x * np.roll(y, 1) - y * np.roll(x, 1))) / 2
        for x, y in (line.T for line in lines)
    )
