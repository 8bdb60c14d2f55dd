# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit waves that stay on disk, or uncomputed, until they are needed."""

from __future__ import annotations

from hyperspy._signals.lazy_complex_signal2d import LazyComplexSignal2D

from ._exit_wave import ExitWave


class LazyExitWave(ExitWave, LazyComplexSignal2D):  # type: ignore[misc]
    """`ExitWave`, lazily: its methods return lazy signals unless told otherwise."""
