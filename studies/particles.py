# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the pictures of ``docs/particles.md`` and write its figures.

    python studies/particles.py [--movie FILE]

A whole analysis of a simulated movie of particles, as in figures 6.4 to 6.6 of the
thesis. Takes about ten minutes on two cores for the movie and a few for the rest; with
``--movie`` the movie is kept in a file, and read from there. Needs the extra
`training` for the movie.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np

from hyperspy_hrtemnn.analysis import brightness_ratio, on_axis_frames
from hyperspy_hrtemnn.plots import plot_reflections
from pages import DOCS, PICTURES, replace_part, table
from particle_movie import FIELD, LOSS, ROCKING, TIMES, make_movie

if TYPE_CHECKING:
    import pandas as pd

    from hyperspy_hrtemnn.signals import HRTEM, Instances, LocalFFT

PAGE = DOCS / "particles.md"
FOLDER = PICTURES / "particles"
SHOWN = (0, 14, 18, 30)  # frames in figure 6.4's place
SIDE = 7.0  # of the crops [nm]


def load_movie(path: Path | None) -> HRTEM:
    """Return the movie, of a file where there is one."""
    if path is not None and path.exists():
        kept: HRTEM = hs.load(path)
        return kept
    movie = make_movie()[0]
    if path is not None:
        movie.save(path)
    return movie


def draw_particles(movie: HRTEM, particles: Instances) -> None:
    """Draw the first and the last frame with outlines, and areas against time."""
    figure, axes = plt.subplot_mosaic(
        [["first", "last"], ["area", "area"]],
        figsize=(12, 10.5),
        layout="constrained",
        height_ratios=(3, 2),
    )
    last = len(TIMES) - 1
    for name, frame in (("first", 0), ("last", last)):
        particles.plot_overlay(movie, frame, axes[name])
        axes[name].set_title(f"{TIMES[frame]:g} s")
    particles.plot_properties("area", ax=axes["area"])
    figure.savefig(FOLDER / "area.png", dpi=70)


def draw_particle(
    movie: HRTEM,
    properties: pd.DataFrame,
    fft: LocalFFT,
    peaks: pd.DataFrame,
    number: int,
) -> None:
    """Draw crops of one particle, and its spectra with their reflections."""
    figure, axes = plt.subplots(
        2, len(SHOWN), figsize=(13, 6.8), layout="constrained", squeeze=False
    )
    places = properties[properties["id"] == number].set_index("frame")
    for (above, below), frame in zip(axes.T, SHOWN, strict=True):
        x, y = (float(places[name][frame]) for name in "xy")
        extent = [0, FIELD / 10, FIELD / 10, 0]
        image = movie.inav[frame].data
        low, high = np.percentile(image, [0.5, 99.5])
        above.imshow(image, cmap="gray", vmin=low, vmax=high, extent=extent)
        half = SIDE / 2
        above.set(xlim=(x - half, x + half), ylim=(y + half, y - half))
        above.set_title(f"{TIMES[frame]:g} s")
        fft.plot_reflections(peaks, frame=frame, ax=below)
        below.set(xlim=(-9, 9), ylim=(9, -9))
    figure.savefig(FOLDER / "particle.png", dpi=70)


def draw_ratios(movie: HRTEM, particles: Instances, ratios: pd.DataFrame) -> None:
    """Draw the map of the brightness ratio on the axis and off it."""
    figure, axes = plt.subplots(1, 2, figsize=(13, 6), layout="constrained")
    for ax, frame in zip(axes, (0, sum(ROCKING) // 2), strict=True):
        particles.plot_brightness_ratio(movie, ratios, frame, ax)
        ax.set_title(f"{TIMES[frame]:g} s")
    figure.savefig(FOLDER / "ratio.png", dpi=70)


def rates(properties: pd.DataFrame) -> tuple[np.ndarray, int]:
    """Return the rates of all particles seen in most frames [nm²/s], and how many."""
    seen = properties.groupby("id").filter(lambda rows: len(rows) > len(TIMES) / 2)
    fits = [
        np.polyfit(rows["time"], rows["area"], 1)[0] for _, rows in seen.groupby("id")
    ]
    return np.array(fits), len(fits)


def main() -> None:
    """Draw the pictures and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--movie", type=Path, help="file in which the movie is kept")
    movie = load_movie(parser.parse_args().movie)
    FOLDER.mkdir(exist_ok=True)
    hs.preferences.General.show_progressbar = False

    segmentation = movie.segment("nanoparticle-membrane-mask")
    # A film has grains that this network takes for particles, of up to 3 nm².
    particles = segmentation.track_instances("2 nm", min_area="4 nm^2")
    properties = particles.properties()
    draw_particles(movie, particles)

    first = properties[properties["frame"] == 0].sort_values("area")
    hero = int(first["id"].iloc[-1])
    fft = movie.local_fft(particles, id=hero, size="10 nm")
    peaks = fft.peak_table("Au")
    draw_particle(movie, properties, fft, peaks, hero)
    figure = plot_reflections(peaks)
    figure.set_size_inches(9, 6.5)
    figure.savefig(FOLDER / "reflections.png", dpi=70)

    all_peaks = movie.local_fft(particles, size="8 nm").peak_table("Au")
    ratios = brightness_ratio(all_peaks)
    draw_ratios(movie, particles, ratios)

    slopes, count = rates(properties)
    upright = on_axis_frames(ratios[ratios["id"] == hero])
    families = peaks.drop_duplicates("reflection")["family"]
    rows = (
        (f"rate of the area of {count} particles, median [nm²/s]", np.median(slopes)),
        ("true rate [nm²/s]", -LOSS / 100),
    )
    twin = (
        f"The twin is particle {hero}: {sum(families != '')} reflections have a "
        f"family ({', '.join(sorted(set(families) - {''}))}). On a zone axis in "
        f"{len(upright)} of {len(TIMES)} frames; it rocks in {ROCKING[0] + 1} to "
        f"{ROCKING[1] - 1}."
    )
    replace_part(PAGE, "movie", f"{table(['', ''], rows)}\n\n{twin}")


if __name__ == "__main__":
    main()
