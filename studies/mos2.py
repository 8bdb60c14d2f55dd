# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the pictures of ``docs/mos2.md`` and write its figures.

    python studies/mos2.py

From a focal series of a flake of MoS2 to its wave, its columns and their events in
time. Takes about a minute on two cores. Needs the extra `training`, for the flake, its
waves and the vacancies that a beam makes in it.
"""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
from scipy.spatial import cKDTree

from hyperspy_hrtemnn.analysis import (
    column_events,
    count_columns,
    diffusion_events,
    find_vacancies,
    link_columns,
    strain_map,
)
from hyperspy_hrtemnn.plots import plot_counts, plot_strain
from mos2_flake import (
    DEFOCUS,
    FIELD,
    FRAMES,
    HOLES,
    HOP,
    KNOCKED_OUT,
    MICROSCOPE,
    VACANCIES,
    calibrated,
    flake_with,
    under_the_beam,
    wave_of,
)
from pages import DOCS, PICTURES, replace_part, table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from hrtemnn_training.structures import Structure
    from hyperspy_hrtemnn.signals import HRTEM, ExitWave

PAGE = DOCS / "mos2.md"
FOLDER = PICTURES / "mos2"
CLASSES = {"true wave": ["1S", "1Mo", "2S"], "network": ["1S", "1Mo or 2S"]}


def show_flake(ax: Axes, columns: pd.DataFrame) -> None:
    """Leave the empty field around the flake out."""
    low, high = columns[["x", "y"]].min() - 0.4, columns[["x", "y"]].max() + 0.4
    ax.set(xlim=(low["x"], high["x"]), ylim=(high["y"], low["y"]))


def draw_series(series: HRTEM, columns: pd.DataFrame) -> None:
    """Draw the three images, and the columns with what is missing."""
    vacancies = find_vacancies(columns)
    figure, axes = plt.subplots(2, 2, figsize=(14, 12), layout="constrained")
    for ax, image, value in zip(axes.flat, series, DEFOCUS, strict=False):
        image.plot_columns(columns.iloc[:0], ax=ax)
        ax.set_title(f"defocus {value}")
    series.inav[1].plot_columns(columns, ax=axes[1, 1], vacancies=vacancies)
    for ax in axes.flat:
        show_flake(ax, columns)
    figure.savefig(FOLDER / "series.png", dpi=65)


def draw_wave(wave: ExitWave, truth: ExitWave) -> None:
    """Draw real and imaginary part of the network's wave, the true one and between."""
    figure, axes = plt.subplots(2, 3, figsize=(13, 8.6), layout="constrained")
    size = FIELD / 10
    for row, name in zip(axes, ("real", "imag"), strict=True):
        found, true = (getattr(each.data, name) for each in (wave, truth))
        low, high = np.percentile(true, [0.1, 99.9])
        for ax, image, title in zip(
            row,
            (true, found, found - true),
            ("true", "network", "difference"),
            strict=True,
        ):
            mid = 0 if title == "difference" else (low + high) / 2
            half = (high - low) / 2
            shown = ax.imshow(
                image, vmin=mid - half, vmax=mid + half, extent=(0, size, size, 0)
            )
            ax.set_title(f"{title}, {'imaginary' if name == 'imag' else name} part")
        figure.colorbar(shown, ax=row)
    figure.savefig(FOLDER / "wave.png", dpi=65)


def draw_argand(tables: dict[str, pd.DataFrame], waves: dict[str, ExitWave]) -> None:
    """Draw the complex values of the columns of both waves."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    for ax, (name, columns) in zip(axes, tables.items(), strict=True):
        waves[name].plot_argand(columns, ax)
        ax.set_title(name)
    figure.savefig(FOLDER / "argand.png", dpi=75)


def draw_time(movie: HRTEM, columns: pd.DataFrame) -> str:
    """Draw counts, events and strain of the movie, and return what happened."""
    tracks = link_columns(columns)
    events = column_events(tracks)
    hops = diffusion_events(events, 0.35)
    vacancies = find_vacancies(columns)
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")
    plot_counts(
        count_columns(columns, vacancies), ["1S", "missing 2S"], left, frame_time=1.0
    )
    frame = int(hops["frame"].iloc[0]) if len(hops) else HOP
    movie.plot_columns(
        columns, (0, frame), right, vacancies=vacancies, events=events, diffusion=hops
    )
    show_flake(right, columns)
    figure.savefig(FOLDER / "time.png", dpi=75)
    means = tracks.groupby("track")[["x_corrected", "y_corrected"]].mean()
    plot_strain(strain_map(means), limit=0.03).savefig(FOLDER / "strain.png", dpi=65)
    kinds = Counter(zip(events["before"], events["after"], strict=True))
    found = ", ".join(f"{n} × {a} → {b}" for (a, b), n in kinds.items())
    return (
        f"{KNOCKED_OUT} sulfur atoms left in {FRAMES} frames and one vacancy moved. "
        f"Found: {found}; {len(hops)} diffusion event{'s' * (len(hops) != 1)}, in "
        f"frame {', '.join(map(str, hops['frame']))}."
    )


def right_classes(found: pd.DataFrame, flake: Structure) -> tuple[int, int]:
    """Return how many columns were found, each with its class, and of how many."""
    sites = flake.sites
    distance, index = cKDTree(found[["x", "y"]].to_numpy() * 10).query(sites.positions)
    names = np.array(["1Mo", "2S", "1S"])[sites.classes]
    classes = found["class"].str.split(" or ").to_numpy()[index]
    same = [name in each for name, each in zip(names, classes, strict=True)]
    right = (distance < 1) & same
    return int(right.sum()), len(names)


def analyze_series(column_network: str, wave_network: str) -> str:
    """Draw columns and wave of one series, and return how good they are."""
    flake = flake_with(VACANCIES, HOLES)
    series = calibrated(wave_of(flake)).simulate_images(DEFOCUS, **MICROSCOPE)
    columns = series.segment(column_network).find_columns()
    draw_series(series, columns)

    truth = calibrated(wave_of(flake, smoothing=True))
    wave = series.reconstruct_exitwave(wave_network)
    draw_wave(wave, truth)
    waves = {"true wave": truth, "network": wave}
    tables = {k: w.find_columns(classes=CLASSES[k]) for k, w in waves.items()}
    draw_argand(tables, waves)
    found = {
        f"`{column_network}`": columns,
        "the network's wave": tables["network"],
        "the true wave": tables["true wave"],
    }
    rows = [[k, *map(str, right_classes(t, flake))] for k, t in found.items()]
    errors = (
        "RMSE of the network's wave, registered to the true one: "
        "{rmse_registered:.4f}; as it is: {rmse:.4f} (real part {real:.4f}, imaginary "
        "part {imaginary:.4f}).".format(**wave.compare(truth).iloc[0])
    )
    return (
        f"{table(['columns from', 'found, with their class', 'of'], rows)}\n\n{errors}"
    )


def main() -> None:
    """Draw the pictures and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", default="mos2-columns", help="name or path")
    parser.add_argument("--wave", default="mos2-exitwave", help="name or path")
    networks = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    hs.preferences.General.show_progressbar = False
    replace_part(PAGE, "series", analyze_series(networks.columns, networks.wave))

    whole = flake_with(vacancies=0, holes=0)
    frames = np.stack([wave_of(each) for each in under_the_beam(whole)])
    movie = calibrated(frames).simulate_images(DEFOCUS, **MICROSCOPE)
    columns = movie.segment(networks.columns).find_columns()
    replace_part(PAGE, "movie", draw_time(movie, columns))


if __name__ == "__main__":
    main()
