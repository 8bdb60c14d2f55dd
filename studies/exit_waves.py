# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the pictures of ``docs/exit_waves.md`` and write its figures.

    python studies/exit_waves.py

An exit wave is simulated anew, compared with iterations and freed from its support: the
flake of ``studies/mos2_flake.py`` alone and on graphene. Takes about a minute on two
cores. Needs the extra `training`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np

from mos2_flake import (
    DEFOCUS,
    FIELD,
    HOLES,
    MICROSCOPE,
    VACANCIES,
    calibrated,
    flake_with,
    wave_of,
)
from pages import DOCS, PICTURES, replace_part, table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from hyperspy_hrtemnn.signals import HRTEM, ExitWave

PAGE = DOCS / "exit_waves.md"
FOLDER = PICTURES / "exit_waves"
LONG_SERIES = [f"{5 * step} nm" for step in range(-5, 6)]
_SCORES = ("rmse_registered", "rmse")
_SHORT = ", without long wavelengths"
LENSES = {name: MICROSCOPE[name] for name in ("Cs", "focal_spread", "blur")}


def draw_check(series: HRTEM, again: HRTEM, known: ExitWave) -> None:
    """Draw a measured image, that of the network's wave, and the iterations."""
    figure, axes = plt.subplots(1, 3, figsize=(14, 4.6), layout="constrained")
    measured, made = (each.inav[1].data / each.data.mean() for each in (series, again))
    low, high = np.percentile(made, [0.1, 99.9])
    for ax, image, title in (
        (axes[0], measured, "measured"),
        (axes[1], made, "from the network's wave"),
    ):
        extent = (0, FIELD / 10, FIELD / 10, 0)
        ax.imshow(image, cmap="gray", vmin=low, vmax=high, extent=extent)
        ax.set(title=f"{title}, {DEFOCUS[1]}", xlabel="x (nm)", ylabel="y (nm)")
    known.plot_convergence(axes[2])
    figure.savefig(FOLDER / "check.png", dpi=65)


def draw_filter(wave: ExitWave, flake: ExitWave) -> None:
    """Draw the phase and the columns of a flake on graphene, and without it."""
    figure, axes = plt.subplots(2, 2, figsize=(11, 9.6), layout="constrained")
    columns = flake.find_columns(threshold=0.3)
    for (left, right), each, title in zip(
        axes, (wave, flake), ("with graphene", "filtered"), strict=True
    ):
        extent = (0, FIELD / 10, FIELD / 10, 0)
        left.imshow(each.phase.data, vmin=-0.1, vmax=0.9, extent=extent)
        left.set(title=f"phase, {title}", xlabel="x (nm)", ylabel="y (nm)")
        draw_columns(each, columns, right)
        right.set_title(f"columns, {title}")
    figure.savefig(FOLDER / "graphene.png", dpi=65)


def draw_columns(wave: ExitWave, columns: pd.DataFrame, ax: Axes) -> None:
    """Draw the columns of a wave that are columns of the flake."""
    table = wave.find_columns(threshold=0.3)
    gap = table[["x", "y"]].to_numpy()[:, np.newaxis] - columns[["x", "y"]].to_numpy()
    near = np.hypot(*gap.T).min(axis=0) < 0.05  # nm
    wave.plot_argand(table[near], ax)


def main() -> None:
    """Draw the pictures and write the figures."""
    FOLDER.mkdir(exist_ok=True)
    hs.preferences.General.show_progressbar = False
    flake = flake_with(VACANCIES, HOLES)
    left = calibrated(wave_of(flake))
    truth = calibrated(wave_of(flake, smoothing=True))

    series = left.simulate_images(DEFOCUS, **MICROSCOPE)
    wave = series.reconstruct_exitwave("mos2-exitwave")
    again = wave.simulate_images(DEFOCUS, **LENSES, mtf=MICROSCOPE["mtf"])
    longer = left.simulate_images(LONG_SERIES, **MICROSCOPE)
    known = longer.reconstruct_exitwave(
        method="gerchberg-saxton", **LENSES, mtf=MICROSCOPE["mtf"]
    )
    draw_check(series, again, known)
    titles = ["wave", *(f"{score}{cut}" for cut in ("", _SHORT) for score in _SCORES)]
    rows = []
    for name, found in (
        ("network, 3 images", wave),
        (f"Gerchberg-Saxton, {len(LONG_SERIES)} images", known),
    ):
        tables = [
            found.compare(truth, cutoff=cutoff) for cutoff in (None, "0.9 angstrom")
        ]
        errors = [f"{t[score].item():.4f}" for t in tables for score in _SCORES]
        rows.append([name, *errors])
    replace_part(PAGE, "comparison", table(titles, rows))

    supported = calibrated(wave_of(flake_with(VACANCIES, HOLES, 1), smoothing=True))
    draw_filter(supported, supported.filter_lattice())


if __name__ == "__main__":
    main()
