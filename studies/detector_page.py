# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the pictures and write the numbers of ``docs/detector.md``.

    python studies/detector_page.py

Simulates vacuum at rising dose, seen by a camera that is known and by one that differs
from frame to frame, and measures both. Takes a minute on two cores. Needs the extra
`training`.
"""

from __future__ import annotations

from typing import Literal

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np

from hyperspy_hrtemnn.analysis import (
    Detector,
    NoiseSpectrum,
    ReadoutFit,
    detect_electrons,
    fit_mtf,
    fit_readout,
    noise_floor,
)
from hyperspy_hrtemnn.signals import HRTEM, DetectorFit
from pages import DOCS, PICTURES, replace_part, table

FOLDER = PICTURES / "detector"
SAMPLING = 0.08  # Å
N0 = 0.01
DOSES = np.geomspace(10, 1300, 60)
SIDE = 512
MARGIN = 32  # pixels of what is periodic in a simulation and not in a camera
KNOWN = (0.25, 2.5, N0)


def measure(
    cameras: list[tuple[float, float, float]],
    floor: Literal["quadrature", "linear"] = "quadrature",
) -> DetectorFit:
    """Return the fit to the noise of a camera with c0, c3 and N0 of each frame."""
    vacuum = np.ones((SIDE + 2 * MARGIN,) * 2, np.float32)
    inner = slice(MARGIN, -MARGIN)
    frames = []
    for seed, (dose, (c0, c3, readout)) in enumerate(zip(DOSES, cameras, strict=True)):
        detector = Detector(SAMPLING, dose, c0, c3, readout=readout)
        counts = detect_electrons(vacuum, detector, np.random.default_rng(seed))
        frames.append(counts[inner, inner])
    movie = HRTEM(np.stack(frames))
    for axis, name in zip(movie.axes_manager.signal_axes, "xy", strict=True):
        axis.name, axis.scale, axis.units = name, SAMPLING, "Å"
    side = SIDE * SAMPLING
    whole = hs.roi.RectangularROI(0, 0, side, side)
    fit: DetectorFit = movie.fit_mtf(
        whole, dose=DOSES.tolist(), offset=N0, floor=floor, show_progressbar=False
    )
    return fit


def wrong_readout(fit: DetectorFit) -> tuple[list[float], ReadoutFit]:
    """Return C and N0 of fits to the power, where equation 2 has the amplitude."""
    fits = [
        fit_mtf(NoiseSpectrum(s.frequency, s.power**2, s.samples / 4), "linear")
        for s in fit.spectra
    ]
    floors = [each.C for each in fits]
    errors = [each.C_error for each in fits]
    return floors, fit_readout(floors, fit.table["electrons"], errors)


def draw_spectra(fit: DetectorFit) -> None:
    """Draw the first and the last frame, as figures SOI 6 and SOI 7."""
    figure, panels = plt.subplots(2, 2, figsize=(9, 5), layout="constrained")
    for frame, column in zip((0, -1), panels.T, strict=True):
        fit.plot_spectrum(frame, column)
        column[0].set_title(f"{fit.table['dose'].iloc[frame]:.0f} e$^-$/Å$^2$")
    figure.savefig(FOLDER / "spectra.png", dpi=100)


def draw_parameters(columns: dict[str, DetectorFit], name: str) -> None:
    """Draw c0, c3 and C against dose, as figures 5 and SOI 8, a column for each fit."""
    figure, panels = plt.subplots(
        3, len(columns), figsize=(4.5 * len(columns), 7), layout="constrained"
    )
    for (title, fit), column in zip(columns.items(), panels.T, strict=True):
        fit.plot_parameters(column)
        column[0].set_title(title)
    for row, limits in zip(panels, ((0.15, 0.35), (1.5, 4), (0, 0.5)), strict=True):
        for ax in row:
            ax.set_ylim(*limits)
    figure.savefig(FOLDER / name, dpi=100)


def draw_readout(fit: DetectorFit, floors: list[float], wrong: ReadoutFit) -> None:
    """Draw C against electrons, as figure 6, of the amplitude and of the power."""
    figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    fit.plot_readout(ax)
    electrons = fit.table["electrons"]
    ax.plot(electrons, floors, "x", ms=4, color="0.5", label="fits to the power")
    ax.plot(electrons, noise_floor(electrons, wrong.N0), "--", color="0.5")
    ax.legend()
    figure.savefig(FOLDER / "readout.png", dpi=100)


def results(fit: DetectorFit, linear: DetectorFit, wrong: ReadoutFit) -> str:
    """Return what came back at low, middle and high doses as text."""
    c0, c3, _ = KNOWN
    first = (
        f"60 frames of {SIDE} x {SIDE} pixels of {SAMPLING} Å; true are c0 = {c0}, "
        f"c3 = {c3} and N0 = {N0} e⁻/pixel. Mean and standard deviation of 20 frames "
        "each, and the standard error that is stated of one frame:"
    )
    rows = []
    for frames in np.split(np.arange(len(DOSES)), 3):
        some, other = fit.table.iloc[frames], linear.table.iloc[frames]
        cells = [f"{DOSES[frames[0]]:.0f} to {DOSES[frames[-1]]:.0f}"]
        for name, digits in (("c0", 3), ("c3", 2)):
            mean, deviation = some[name].mean(), some[name].std()
            cells.append(f"{mean:.{digits}f} ± {deviation:.{digits}f}")
            cells.append(f"{some[f'{name}_error'].mean():.{digits}f}")
        cells += [f"{other['c0'].mean():.3f}", f"{other['c3'].mean():.2f}"]
        rows.append(cells)
    columns = ["e⁻/Å²", "c0", "stated", "c3", "stated", "c0, linear", "c3, linear"]
    right = fit.readout
    last = (
        f"N0 is {right.N0:.4f} ± {right.N0_error:.4f} (R2 of equation 2 "
        f"{right.R2:.3f}), {linear.readout.N0:.4f} with the linear sum, and "
        f"{wrong.N0:.4f} if C is fitted to the power."
    )
    return "\n\n".join([first, table(columns, rows), last])


def main() -> None:
    """Draw all and write the numbers."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    known = [KNOWN] * len(DOSES)
    fit, linear = measure(known), measure(known, "linear")
    floors, wrong = wrong_readout(fit)
    rng = np.random.default_rng(1)
    lowest, highest = (0.2, 2, 0.5 * N0), (0.3, 3, 1.5 * N0)
    drawn = [tuple(rng.uniform(lowest, highest)) for _ in DOSES]
    draw_spectra(fit)
    draw_parameters(
        {"powers add (default)": fit, "equation A.1 to the letter": linear},
        "parameters.png",
    )
    draw_parameters(
        {"powers add (default)": measure(drawn), "A.1": measure(drawn, "linear")},
        "varied.png",
    )
    draw_readout(fit, floors, wrong)
    replace_part(DOCS / "detector.md", "simulation", results(fit, linear, wrong))


if __name__ == "__main__":
    main()
