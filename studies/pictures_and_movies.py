# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the pictures of ``docs/pictures_and_movies.md``.

    python studies/pictures_and_movies.py

From the movie that ships. Takes about a minute on two cores. Needs the extra `movie`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hyperspy.api as hs
import imageio_ffmpeg
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backend_bases import MouseButton, MouseEvent
from matplotlib.colors import to_rgb
from PIL import Image

from hyperspy_hrtemnn.data import au_ceo2_movie
from hyperspy_hrtemnn.plots.palette import id_colors, without_cones
from pages import PICTURES

if TYPE_CHECKING:
    from hyperspy_hrtemnn.signals import HRTEM, Instances

FOLDER = PICTURES / "pictures_and_movies"
SHOWN = (4, 16)  # frames
SELECTED = 2


def keep_plot(signal: Any, name: str) -> None:
    """Keep two frames of what HyperSpy has plotted, side by side."""
    figure = signal._plot.signal_plot.figure
    frames = []
    for frame in SHOWN:
        signal.axes_manager.indices = (frame,)
        figure.canvas.draw()
        frames.append(np.array(figure.canvas.buffer_rgba())[..., :3])
    Image.fromarray(np.concatenate(frames, axis=1)).save(FOLDER / f"{name}.png")
    plt.close("all")


def keep_movie(movie: HRTEM, particles: Instances) -> None:
    """Write a movie, and keep a frame of the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "particles.mp4"
        particles.to_movie(path, movie)
        reader = imageio_ffmpeg.read_frames(str(path))
        size = next(reader)["size"]
        frames = list(reader)
    Image.frombytes("RGB", size, frames[SHOWN[1]]).save(FOLDER / "movie.png")


def keep_explorer(movie: HRTEM, particles: Instances) -> None:
    """Click on a particle, and keep what is shown."""
    spectra = movie.local_fft(particles, size="6 nm")
    peaks = spectra.peak_table("Au")
    table = particles.properties()
    figure = particles.explore_reflections(
        movie, spectra, peaks, SHOWN[1], properties=table
    )
    figure.canvas.draw()
    row = table[(table["id"] == SELECTED) & (table["frame"] == SHOWN[1])].iloc[0]
    x, y = figure.axes[0].transData.transform((row["x"], row["y"]))
    click = MouseEvent("button_press_event", figure.canvas, x, y, MouseButton.LEFT)
    figure.canvas.callbacks.process("button_press_event", click)
    figure.savefig(FOLDER / "explorer.png", dpi=70)


def keep_colors() -> None:
    """Draw the colors of the ids as everybody sees them."""
    colors = np.array([to_rgb(color) for color in id_colors()])
    seen = without_cones(colors).transpose(1, 0, 2)
    figure, ax = plt.subplots(figsize=(8, 2.4), layout="constrained")
    ax.imshow(seen, aspect="auto")
    ax.set_xticks(range(len(colors)), [str(i + 1) for i in range(len(colors))])
    ax.set_yticks(range(len(seen)), ["all", "no red", "no green", "no blue"])
    ax.set_yticks(np.arange(len(seen) - 1) + 0.5, minor=True)
    ax.grid(which="minor", axis="y", color="white", lw=4)
    ax.tick_params(which="both", length=0)
    ax.set_xlabel("id")
    figure.savefig(FOLDER / "colors.png", dpi=90)


def main() -> None:
    """Draw the pictures."""
    mpl.use("agg")
    FOLDER.mkdir(exist_ok=True)
    hs.preferences.General.show_progressbar = False
    movie = au_ceo2_movie()
    segmentation = movie.segment("au-ceo2-mask")
    particles = segmentation.track_instances("1.2 nm", min_area="1 nm^2")
    movie.plot()
    movie.add_marker(particles.to_markers())
    keep_plot(movie, "markers")
    particles.plot()
    keep_plot(particles, "labels")
    keep_movie(movie, particles)
    keep_explorer(movie, particles)
    keep_colors()


if __name__ == "__main__":
    main()
