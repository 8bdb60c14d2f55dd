# SPDX-License-Identifier: GPL-3.0-or-later
"""How long after a frame is written its rows are in the table of `watch`.

    python benchmarks/watch.py

A second process writes frames into a folder, one after the other as a camera does, and
looks when the rows of each are in ``live.csv``. The frames are those of the simulated
movie of gold on CeO2, side by side. Beside it is the time that `follow_particles` takes
for one of these frames, in a movie of many.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hyperspy.api as hs
import numpy as np

import hyperspy_hrtemnn
from hyperspy_hrtemnn.data import au_ceo2_movie

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRACK: dict[str, Any] = {"min_separation": "2 nm", "memory": 1}
QUIET: dict[str, Any] = {"show_progressbar": False}
# The network is opened when the first frame is there, and the disk is warm after some.
WARM = 3
LONGEST = 60.0


def frames_of(side: int, count: int) -> list[NDArray[Any]]:
    """Return square frames that go to and fro in time."""
    source = au_ceo2_movie().data
    tiles = [-(-side // length) for length in source.shape[1:]]
    places = [*range(len(source)), *range(len(source) - 2, 0, -1)]
    return [
        np.tile(source[places[number % len(places)]], tiles)[:side, :side]
        for number in range(count)
    ]


def write(path: Path, image: NDArray[Any], sampling: float) -> None:
    """Write a frame with its calibration, pixels of so many Å."""
    signal = hs.signals.Signal2D(image)
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = sampling / 10, "nm"
    signal.save(path)


def camera(
    folder: Path, table: Path, images: list[NDArray[Any]], sampling: float, results: Any
) -> None:
    """Write the frames, and report how long each waits for its rows [s]."""
    for number, image in enumerate(images):
        write(folder / f"{number:04d}.tif", image, sampling)
        complete = time.perf_counter()
        while not _is_there(table, number):
            if time.perf_counter() - complete > LONGEST:
                raise TimeoutError(f"frame {number} has no rows after {LONGEST} s")
            time.sleep(0.005)
        results.put(time.perf_counter() - complete)
        # Not in step with the looks of the watch, nor while it draws.
        time.sleep(1.5 + 0.037 * (number % 7))


def _is_there(table: Path, number: int) -> bool:
    if not table.exists():
        return False
    rows = table.read_text(encoding="utf-8").splitlines()[1:]
    return bool(rows) and rows[-1].split(",")[1] == str(number)


def latencies(
    model: str, side: int, sampling: float, count: int, folder: Path
) -> NDArray[Any]:
    """Return how long each frame waits for its rows [s]."""
    (folder / "camera").mkdir()
    context = multiprocessing.get_context("spawn")
    results: Any = context.Queue()
    writer = context.Process(
        target=camera,
        args=(
            folder / "camera",
            folder / "out" / "live.csv",
            frames_of(side, count),
            sampling,
            results,
        ),
    )
    writer.start()
    hyperspy_hrtemnn.watch(
        folder / "camera", model, folder / "out", frames=count, **TRACK, **QUIET
    )
    writer.join()
    return np.array([results.get() for _ in range(count)][WARM:])


def time_of_a_frame(model: str, folder: Path) -> float:
    """Return how long `follow_particles` takes for one more frame [s]."""
    paths = sorted(str(path) for path in (folder / "camera").glob("*.tif"))
    needed = []
    for number in (WARM, len(paths)):
        movie = hs.load(paths[:number], stack=True, lazy=True)
        movie.set_signal_type("HRTEM")
        began = time.perf_counter()
        movie.follow_particles(model, folder / f"followed-{number}", **TRACK, **QUIET)
        needed.append(time.perf_counter() - began)
    return (needed[1] - needed[0]) / (len(paths) - WARM)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--frames", type=int, default=23)
    parser.add_argument("--model", default="au-ceo2-mask")
    parser.add_argument("--sampling", type=float, default=0.2, help="of pixels [Å]")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        waited = latencies(
            given.model, given.side, given.sampling, given.frames, folder
        )
        bare = time_of_a_frame(given.model, folder)
    median = np.median(waited)
    print(
        f"{given.model}, {given.side} x {given.side} of {given.sampling} Å: "
        f"{median:.2f} s from file to rows in the median, {waited.min():.2f} to "
        f"{waited.max():.2f} s, of {len(waited)} frames; follow_particles {bare:.2f} s "
        f"a frame, ratio {median / bare:.2f}"
    )


if __name__ == "__main__":
    main()
