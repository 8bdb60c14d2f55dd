# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled particles that stay on disk, or uncomputed, until they are needed."""

from __future__ import annotations

from hyperspy.signals import LazySignal2D

from ._instances import Instances


class LazyInstances(Instances, LazySignal2D):  # type: ignore[misc]
    """`Instances`, lazily: its methods return lazy signals unless told otherwise."""
