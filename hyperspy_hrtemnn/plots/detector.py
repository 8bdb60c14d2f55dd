# SPDX-License-Identifier: GPL-3.0-or-later
"""Plots of a detector: noise spectrum, MTF, and readout noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis import noise_floor, parametric_mtf

from .new_axes import new_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hyperspy_hrtemnn.analysis import MTFFit, NoiseSpectrum, ReadoutFit

_GOOD_R2 = 0.98

_PARAMETERS = {
    "c0": "$c_0$ (Nyquist frequencies)",
    "c3": "$c_3$",
    "C": "$C$",
}


def plot_noise_spectrum(
    spectrum: NoiseSpectrum, fit: MTFFit, axes: Sequence[Axes] | None = None
) -> Figure:
    """Plot a spectrum of noise with its fit.

    The plots are those of figures SOI 6 and SOI 7 of the noise paper: above, the
    amplitude and equation A.1; below, both relative to the amplitude towards frequency
    0, equation 1, with the MTF alone.

    Parameters
    ----------
    spectrum
        Spectrum from `hyperspy_hrtemnn.analysis.noise_spectrum`.
    fit
        Fit from `hyperspy_hrtemnn.analysis.fit_mtf`.
    axes
        Two axes for the plots; by default those of a new figure.
    """
    above, below = _panels(2) if axes is None else axes
    frequency = np.linspace(0, 1, 200)
    fitted = fit.amplitude(frequency)
    label = (
        f"$R^2$ = {fit.R2:.3f}\n$c_0$ = {fit.c0:.3f}, $c_1$ = {fit.c1:.4g}\n"
        f"$c_2$ = {fit.c2:.4g}, $c_3$ = {fit.c3:.2f}"
    )
    above.plot(spectrum.frequency, spectrum.amplitude, ".", color="0.5")
    above.plot(frequency, fitted, color="C1", label=label)
    above.set_ylabel("amplitude (counts)")
    below.plot(spectrum.frequency, spectrum.amplitude / fit.c1, ".", color="0.5")
    below.plot(frequency, fitted / fit.c1, color="C1", label="noise")
    below.plot(
        frequency, parametric_mtf(frequency, fit.c0, fit.c3), color="C0", label="MTF"
    )
    below.axhline(fit.C, ls="--", color="k", lw=1, label=f"$C$ = {fit.C:.3f}")
    below.set_ylabel("normalized")
    below.set_xlabel("spatial frequency (Nyquist frequencies)")
    for ax in (above, below):
        ax.set_ylim(bottom=0)
        ax.legend(fontsize="small")
    return above.figure  # type: ignore[return-value]


def plot_mtf_parameters(
    table: pd.DataFrame, axes: Sequence[Axes] | None = None
) -> Figure:
    """Plot c0, c3 and C of each frame against dose.

    The plots are those of figures 5 and SOI 8 of the noise paper. A white dot marks
    fits with an R2 of 0.98 or more; bars are standard errors. The line is the running
    mean over a tenth of the frames.

    Parameters
    ----------
    table
        Table of `HRTEM.fit_mtf`.
    axes
        Three axes for the plots; by default those of a new figure.
    """
    panels = _panels(3) if axes is None else axes
    rows = table.sort_values("dose")
    good = rows[rows["R2"] >= _GOOD_R2]
    window = max(len(rows) // 10, 3)
    for ax, (name, label) in zip(panels, _PARAMETERS.items(), strict=True):
        ax.errorbar(
            rows["dose"], rows[name], rows[f"{name}_error"], fmt="o", ms=6, elinewidth=1
        )
        mean = rows[name].rolling(window, center=True, min_periods=1).mean()
        ax.plot(rows["dose"], mean, color="C1", zorder=3)
        ax.plot(good["dose"], good[name], "o", color="white", ms=2.5, zorder=4)
        ax.set_ylabel(label)
        ax.set_xscale("log")
    panels[-1].set_ylim(bottom=0)
    panels[-1].set_xlabel("frame dose (e$^-$/Å$^2$)")
    return panels[0].figure  # type: ignore[return-value]


def plot_readout(
    table: pd.DataFrame, readout: ReadoutFit, ax: Axes | None = None
) -> Axes:
    """Plot the noise floor of each frame against electrons, and equation 2.

    The plot is that of figure 6 of the noise paper.

    Parameters
    ----------
    table
        Table of `HRTEM.fit_mtf`.
    readout
        Fit from `hyperspy_hrtemnn.analysis.fit_readout`.
    ax
        Axes for the plot; by default those of a new figure.
    """
    ax = new_axes() if ax is None else ax
    electrons = table["electrons"]
    ax.errorbar(electrons, table["C"], table["C_error"], fmt="o", ms=4, elinewidth=1)
    line = np.geomspace(electrons.min(), electrons.max(), 200)
    label = (
        f"$N_0$ = {readout.N0:.3g} ± {readout.N0_error:.1g}, $R^2$ = {readout.R2:.2f}"
    )
    ax.plot(line, noise_floor(line, readout.N0), color="C1", zorder=3, label=label)
    ax.set_xscale("log")
    ax.set_ylim(bottom=0)
    ax.set_xlabel("dose (e$^-$/pixel)")
    ax.set_ylabel("$C$")
    ax.legend()
    return ax


def _panels(count: int) -> Sequence[Axes]:
    import matplotlib.pyplot as plt

    size = (5.5, 2.2 * count + 0.6)
    panels: Sequence[Axes] = plt.subplots(
        count, 1, sharex=True, figsize=size, layout="constrained"
    )[1]
    return panels
