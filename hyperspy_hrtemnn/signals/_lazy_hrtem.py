# SPDX-License-Identifier: GPL-3.0-or-later
"""HRTEM images and movies that stay on disk until they are needed."""

from __future__ import annotations

from hyperspy.signals import LazySignal2D

from ._hrtem import HRTEM


class LazyHRTEM(HRTEM, LazySignal2D):  # type: ignore[misc]
    """`HRTEM`, lazily: its methods return lazy signals unless told otherwise."""
