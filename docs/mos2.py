# SPDX-License-Identifier: GPL-3.0-or-later
"""From a focal series of MoS2 to its wave, its columns, and what becomes of them.

    python docs/mos2.py

Draws the pictures of ``docs/mos2.md`` and writes its figures. Needs the extra
`training`, for the flake, its waves and the vacancies that a beam makes in it.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
from network_page import DOCS, replace_part
from scipy.spatial import cKDTree

from hrtemnn_training.images.grid import Grid
from hrtemnn_training.images.wave_label import exit_wave as smoothed
from hrtemnn_training.structures import MX2Flake, Structure
from hrtemnn_training.waves.multislice import WaveSettings, exit_wave
from hyperspy_hrtemnn.analysis import (
    column_events,
    count_columns,
    diffusion_events,
    find_vacancies,
    link_columns,
    strain_map,
)
from hyperspy_hrtemnn.plots import plot_counts, plot_strain

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from hyperspy_hrtemnn.signals import HRTEM, ExitWave

PAGE = DOCS / "mos2.md"
PICTURES = DOCS / "pictures" / "mos2"
SEED = 77  # of a flake that no data set has
FIELD = 62.0  # [Å]
VACANCIES, HOLES = 4.0, 1.0  # [%]
SAMPLING = 0.105  # of the camera [Å]
SETTINGS = WaveSettings(
    energy=50,
    sampling=0.1,
    slice_thickness=0.5,
    vibrations={"method": "uniform smearing", "mean_square": 0.003},
)
SULFUR = 16
FRAMES = 16
KNOCKED_OUT = 8  # sulfur atoms, one in every other frame
HOP = 10  # the frame in which a vacancy moves to the next site
MICROSCOPE: dict[str, Any] = {
    "Cs": "4 um",
    "focal_spread": "1.2 nm",
    "blur": "8 pm",
    "dose": 2e4,
    "mtf": (0.4, 3.0),
}
DEFOCUS = ("0 nm", "5 nm", "10 nm")
CLASSES = {"true wave": ["1S", "1Mo", "2S"], "network": ["1S", "1Mo or 2S"]}


def flake_with(vacancies: float, holes: float, supported: float = 0) -> Structure:
    """Return the flake with so many percent of its sites empty, on graphene or not."""
    return MX2Flake(
        field=FIELD,
        side=(44, 46),
        offset=(0, 0),
        vacancies=(vacancies, vacancies),
        holes=(holes, holes),
        axis_tilt=(0, 1),
        supported=supported,
    ).make(SEED)


def calibrated(waves: np.ndarray) -> ExitWave:
    """Return waves as a signal, with time where there are several."""
    signal = hs.signals.ComplexSignal2D(waves)
    signal.set_signal_type("exit_wave")
    for axis, name in zip(signal.axes_manager.signal_axes, "xy", strict=True):
        axis.name, axis.scale, axis.units = name, SAMPLING / 10, "nm"
    for axis in signal.axes_manager.navigation_axes:
        axis.name, axis.scale, axis.units = "time", 1.0, "s"
    signal.metadata.set_item("Acquisition_instrument.TEM.beam_energy", SETTINGS.energy)
    wave: ExitWave = signal
    return wave


def wave_of(flake: Structure, smoothing: bool = False) -> np.ndarray:
    """Return the wave in the pixels of the camera, smoothed as the networks' is."""
    n = round(FIELD / SAMPLING)
    extent = (FIELD, FIELD)
    wave = exit_wave(flake, SETTINGS)
    if smoothing:
        corner = (-SAMPLING / 2, -SAMPLING / 2)
        parts = smoothed(wave, extent, Grid(corner, extent, (n, n)))
        return np.asarray(parts[..., 0] + 1j * parts[..., 1], np.complex64)
    spectrum = np.zeros((n, n), np.complex64)
    inner = [slice((n - m + 1) // 2, (n - m + 1) // 2 + m) for m in wave.shape]
    spectrum[tuple(inner)] = np.fft.fftshift(np.fft.fft2(wave, norm="forward"))
    return np.fft.ifft2(np.fft.ifftshift(spectrum), norm="forward").astype(np.complex64)


def under_the_beam(flake: Structure) -> list[Structure]:
    """Return the flake in each frame: sulfur leaves it, and one vacancy moves."""
    rng = np.random.default_rng(SEED)
    z = flake.positions[:, 2]
    sulfur = np.flatnonzero((flake.numbers == SULFUR) & (z < np.median(z)))
    tree = cKDTree(flake.positions[sulfur])
    inside = [
        i
        for i, near in enumerate(tree.query_ball_point(tree.data, 3.4))
        if len(near) == 7
    ]
    chosen = rng.choice(inside, KNOCKED_OUT, replace=False)
    gone: list[int] = []
    frames = []
    for frame in range(FRAMES):
        if frame % 2 and len(gone) < KNOCKED_OUT:
            gone.append(int(sulfur[chosen[len(gone)]]))
        if frame == HOP:
            near = tree.query(flake.positions[gone[0]], k=7)[1][1:]
            gone[0] = int(next(sulfur[i] for i in near if sulfur[i] not in gone))
        kept = np.ones(len(flake.numbers), bool)
        kept[gone] = False
        shift = np.append(rng.normal(0, 0.4, 2), 0)
        frames.append(
            replace(
                flake,
                positions=(flake.positions + shift)[kept].astype("f4"),
                numbers=flake.numbers[kept],
                particles=flake.particles[kept],
            )
        )
    return frames


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
    figure.savefig(PICTURES / "series.png", dpi=65)


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
    figure.savefig(PICTURES / "wave.png", dpi=65)


def draw_argand(tables: dict[str, pd.DataFrame], waves: dict[str, ExitWave]) -> None:
    """Draw the complex values of the columns of both waves."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    for ax, (name, table) in zip(axes, tables.items(), strict=True):
        waves[name].plot_argand(table, ax)
        ax.set_title(name)
    figure.savefig(PICTURES / "argand.png", dpi=75)


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
    figure.savefig(PICTURES / "time.png", dpi=75)
    means = tracks.groupby("track")[["x_corrected", "y_corrected"]].mean()
    plot_strain(strain_map(means), limit=0.03).savefig(PICTURES / "strain.png", dpi=65)
    kinds = Counter(zip(events["before"], events["after"], strict=True))
    told = ", ".join(f"{n} × {a} → {b}" for (a, b), n in kinds.items())
    return (
        f"{KNOCKED_OUT} sulfur atoms left in {FRAMES} frames and one vacancy moved. "
        f"Found: {told}; {len(hops)} diffusion event{'s' * (len(hops) != 1)}, in frame "
        f"{', '.join(map(str, hops['frame']))}."
    )


def right_classes(found: pd.DataFrame, flake: Structure) -> tuple[int, int]:
    """Return how many columns were found, each with its class, and of how many."""
    sites = flake.sites
    distance, index = cKDTree(found[["x", "y"]].to_numpy() * 10).query(sites.positions)
    names = np.array(["1Mo", "2S", "1S"])[sites.classes]
    told = found["class"].str.split(" or ").to_numpy()[index]
    same = [name in each for name, each in zip(names, told, strict=True)]
    right = (distance < 1) & same
    return int(right.sum()), len(names)


def main() -> None:
    """Draw the pictures and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", default="mos2-columns", help="name or path")
    parser.add_argument("--wave", default="mos2-exitwave", help="name or path")
    networks = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    hs.preferences.General.show_progressbar = False

    flake = flake_with(VACANCIES, HOLES)
    series = calibrated(wave_of(flake)).simulate_images(DEFOCUS, **MICROSCOPE)
    columns = series.segment(networks.columns).find_columns()
    draw_series(series, columns)

    truth = calibrated(wave_of(flake, smoothing=True))
    wave = series.reconstruct_exitwave(networks.wave)
    draw_wave(wave, truth)
    waves = {"true wave": truth, "network": wave}
    tables = {k: w.find_columns(classes=CLASSES[k]) for k, w in waves.items()}
    draw_argand(tables, waves)
    error = wave.compare(truth).iloc[0]
    found = {
        f"`{networks.columns}`": columns,
        "the network's wave": tables["network"],
        "the true wave": tables["true wave"],
    }
    lines = ["| columns from | found, with their class | of |", "|---|---|---|"]
    lines += [
        "| {} | {} | {} |".format(k, *right_classes(t, flake)) for k, t in found.items()
    ]
    lines.append(
        "\nRMSE of the network's wave, registered to the true one: "
        "{rmse_registered:.4f}; as it is: {rmse:.4f} (real part {real:.4f}, imaginary "
        "part {imaginary:.4f}).".format(**error)
    )
    replace_part(PAGE, "series", "\n".join(lines))

    whole = flake_with(vacancies=0, holes=0)
    frames = np.stack([wave_of(each) for each in under_the_beam(whole)])
    movie = calibrated(frames).simulate_images(DEFOCUS, **MICROSCOPE)
    replace_part(
        PAGE, "movie", draw_time(movie, movie.segment(networks.columns).find_columns())
    )


if __name__ == "__main__":
    main()
