# SPDX-License-Identifier: GPL-3.0-or-later
"""Display of spectra: range and contrast in which reflections are visible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_hrtemnn.signals._shared.frame_titles import follow_in_title

from .reflections import frames_and_ids, spacing_in_nm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hyperspy.signals import Signal2D
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

MIN_SPACING = "0.08 nm"
"""Smallest spacing shown: few microscopes resolve less, and the rest is empty."""

GAMMA = 0.5
"""Power of the amplitudes: the dim reflections are seen beside the bright ones."""

# Percentiles of the amplitudes shown that are black and white. Half of a spectrum and
# more is noise; the reflections of a particle are a thousandth of it.
_BLACK, _WHITE = 50.0, 99.9


def farthest(min_spacing: float | str, signal_axes: Sequence[Any]) -> float:
    """Return the largest frequency to show [1/nm], at most that of the spectrum.

    Raises
    ------
    ValueError
        If the spacing is not a positive length.
    """
    spacing = spacing_in_nm(min_spacing, "min_spacing")
    if not spacing > 0:
        raise ValueError(f"min_spacing has to be positive, not {min_spacing!r}.")
    ends = [
        abs(end) for axis in signal_axes for end in (axis.low_value, axis.high_value)
    ]
    return float(min(1 / spacing, *ends))


def limits(spectrum: NDArray[np.floating], share: float = 1.0) -> tuple[float, float]:
    """Return which amplitudes are black and white.

    Parameters
    ----------
    spectrum
        Amplitudes, shape (ky, kx).
    share
        Share of the spectrum that is shown; it contains the brightest pixels.
    """
    black, white = np.nanpercentile(spectrum, percentiles(share))
    return float(black), float(white)


def percentiles(share: float) -> tuple[float, float]:
    """Return which percentiles of a whole spectrum are black and white.

    Parameters
    ----------
    share
        Share of the spectrum that is shown; it contains the brightest pixels.
    """
    black, white = (100 - (100 - each) * share for each in (_BLACK, _WHITE))
    return black, white


def shown_share(frequency: float, signal_axes: Sequence[Any]) -> float:
    """Return which share of a spectrum is shown up to a frequency [1/nm]."""
    sides = [min(1.0, 2 * frequency / (a.size * abs(a.scale))) for a in signal_axes]
    return float(np.prod(sides))


def set_range(ax: Axes, frequency: float) -> None:
    """Show a spectrum up to a frequency [1/nm], with ky downwards as in the image."""
    ax.set_xlim(-frequency, frequency)
    ax.set_ylim(frequency, -frequency)


def missing(spectrum: NDArray[np.floating], number: int) -> str:
    """Return what a title says of a spectrum in which there is nothing, or nothing.

    Parameters
    ----------
    spectrum
        Amplitudes, shape (ky, kx).
    number
        The particle; 0 where there are none.
    """
    if np.isnan(spectrum).all():
        return "no data in this frame"
    if np.any(np.nan_to_num(spectrum)):
        return ""
    return f"particle {number} is not in this frame" if number else "nothing but zeros"


def show_range_and_titles(spectra: Signal2D, frequency: float) -> None:
    """Show plotted spectra up to a frequency [1/nm]; say the frame, and what is empty.

    Parameters
    ----------
    spectra
        Plotted already, by HyperSpy.
    frequency
        The largest to show.
    """
    set_range(spectra._plot.signal_plot.ax, frequency)
    _, ids = frames_and_ids(spectra)
    shape = spectra.axes_manager.navigation_shape[::-1]

    def say(index: tuple[int, ...]) -> str:
        # No navigation axes have the only place (), which numpy does not ravel.
        at = np.ravel_multi_index(index, shape) if index else 0
        return missing(np.asarray(spectra._get_current_data()), int(ids[at]))

    follow_in_title(spectra, say)
