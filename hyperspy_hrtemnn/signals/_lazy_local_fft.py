# SPDX-License-Identifier: GPL-3.0-or-later
"""Local Fourier transforms that stay on disk, or uncomputed, until they are needed."""

from __future__ import annotations

from hyperspy.signals import LazySignal2D

from ._local_fft import LocalFFT


class LazyLocalFFT(LocalFFT, LazySignal2D):  # type: ignore[misc]
    """`LocalFFT`, lazily: its methods return lazy signals unless told otherwise."""
