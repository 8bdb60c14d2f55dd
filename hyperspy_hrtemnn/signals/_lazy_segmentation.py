# SPDX-License-Identifier: GPL-3.0-or-later
"""Segmentations that stay on disk, or uncomputed, until they are needed."""

from __future__ import annotations

from hyperspy.signals import LazySignal2D

from ._segmentation import Segmentation


class LazySegmentation(Segmentation, LazySignal2D):  # type: ignore[misc]
    """`Segmentation`, lazily: its methods return lazy signals unless told otherwise."""
