# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of docs/watch.md: the example movie, watched as a camera writes it.

    python studies/watched_movie.py

A second process writes the frames of the simulated movie of gold on CeO2 into the
folders of an in-situ camera, two a second. It takes half a minute.
"""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
import time
from pathlib import Path

import hyperspy_hrtemnn
from hyperspy_hrtemnn.data import au_ceo2_movie

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "watch.png"
FRAMES_PER_SECOND = 2


def camera(folder: Path) -> None:
    """Write the frames of the movie, each with its calibration."""
    movie = au_ceo2_movie()
    for number in range(len(movie.data)):
        second, place = divmod(number, FRAMES_PER_SECOND)
        parts = ("Hour_00", "Minute_00", f"Second_{second:02d}")
        inside = folder.joinpath(*parts)
        inside.mkdir(parents=True, exist_ok=True)
        name = f"heating_{'_'.join(parts)}_Frame_{place:04d}.tif"
        movie.inav[number].save(inside / name)
        time.sleep(1 / FRAMES_PER_SECOND)


def main() -> None:
    """Watch the movie, and keep the last picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "heating"
        folder.mkdir()
        context = multiprocessing.get_context("spawn")
        writer = context.Process(target=camera, args=(folder,))
        writer.start()
        hyperspy_hrtemnn.watch(
            folder,
            "au-ceo2-mask",
            Path(name) / "particles",
            min_separation="2 nm",
            frames=len(au_ceo2_movie().data),
        )
        writer.join()
        shutil.copy(Path(name) / "particles" / "live.png", PICTURE)


if __name__ == "__main__":
    main()
