# SPDX-License-Identifier: GPL-3.0-or-later
"""Convergence plot: the errors of a reconstruction against iterations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .new_axes import new_axes
from .palette import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike


def plot_convergence(errors: ArrayLike, ax: Axes | None = None) -> Axes:
    """Plot the error of the images after each iteration, in a line for each series.

    If a line still falls at its end, more iterations are needed. If it ends far above
    the noise of the images, the lenses are wrong, or the images are not registered.

    Parameters
    ----------
    errors
        Errors of an `hyperspy_hrtemnn.analysis.ExitWaveReconstruction`, or of several,
        shape (..., iteration).
    ax
        Axes for the plot; by default those of a new figure.
    """
    ax = new_axes() if ax is None else ax
    lines = np.atleast_2d(np.asarray(errors, float))
    lines = lines.reshape(-1, lines.shape[-1])
    colors = palette(len(lines))
    for number, (line, color) in enumerate(zip(lines, colors, strict=True)):
        iterations = np.arange(1, len(line) + 1)
        ax.semilogy(iterations, line, color=color, label=f"series {number}")
    if len(lines) > 1:
        ax.legend(fontsize="small")
    ax.set_xlabel("iteration")
    ax.set_ylabel("RMS difference of the amplitudes, vacuum = 1")
    return ax
