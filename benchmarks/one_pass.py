# SPDX-License-Identifier: GPL-3.0-or-later
"""A movie on disk through `follow_particles`: memory by its length, time, and gain.

    python benchmarks/one_pass.py

The frames are those of the simulated movie of gold on CeO2, side by side. Each run is a
process of its own, from an HDF5 file to tables. The single methods run one after the
other, lazily: as they are, where the network runs again for the properties, and twice
for the reflections of each particle, and with the particles saved in between.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask.array as da
import h5py
import hyperspy.api as hs
import numpy as np

from hyperspy_hrtemnn.cluster import cluster_client
from hyperspy_hrtemnn.data import au_ceo2_movie

if TYPE_CHECKING:
    from collections.abc import Callable

    from hyperspy_hrtemnn.signals import HRTEM

TRACK: dict[str, Any] = {"min_separation": "2 nm", "memory": 1}
SIZE = "6 nm"
QUIET: dict[str, Any] = {"show_progressbar": False}


def write_movie(path: Path, frames: int, side: int) -> None:
    """Write square frames, one in a chunk, that go to and fro in time."""
    source = au_ceo2_movie()
    count, height, width = source.data.shape
    tiles = (-(-side // height), -(-side // width))
    with h5py.File(path, "w") as file:
        data = file.create_dataset(
            "movie", (frames, side, side), np.uint8, chunks=(1, side, side)
        )
        for number in range(frames):
            back, place = divmod(number, count)
            frame = source.data[-1 - place if back % 2 else place]
            data[number] = np.tile(frame, tiles)[:side, :side]


def load_movie(file: h5py.File) -> HRTEM:
    """Return the movie of an open file, lazily."""
    data = da.from_array(file["movie"], chunks=(1, *file["movie"].shape[1:]))
    movie: HRTEM = hs.signals.Signal2D(data).as_lazy()
    movie.set_signal_type("HRTEM")
    for axis in movie.axes_manager.signal_axes:
        axis.scale, axis.units = 0.02, "nm"
    return movie


def one_pass(movie: HRTEM, folder: Path) -> int:
    """Return the number of rows of both tables."""
    _, properties, reflections = movie.follow_particles(
        "au-ceo2-mask", folder, size=SIZE, crystal="Au", **TRACK, **QUIET
    )
    assert reflections is not None
    return len(properties) + len(reflections)


def single_methods(movie: HRTEM, folder: Path, *, save: bool = False) -> int:
    """Return the number of rows of both tables."""
    particles = movie.segment("au-ceo2-mask").track_instances(**TRACK)
    if save:
        folder.mkdir()
        particles.to_hspy(folder / "particles.hspy", **QUIET)
        particles = hs.load(folder / "particles.hspy", lazy=True)
    rows = len(particles.properties(movie, **QUIET))
    for number in particles.ids(**QUIET):
        spectra = movie.local_fft(particles, id=number, size=SIZE)
        rows += len(spectra.peak_table("Au", **QUIET))
    return rows


METHODS: dict[str, Callable[[HRTEM, Path], int]] = {
    "one pass": one_pass,
    "single methods": single_methods,
    "single methods, particles saved": partial(single_methods, save=True),
}


def run(path: Path, method: str, processes: int) -> None:
    """Print seconds, the peak memory in MiB, and what was found."""
    with h5py.File(path) as file:
        movie = load_movie(file)
        client = cluster_client(processes) if processes else nullcontext()
        with client:
            start = time.perf_counter()
            rows = METHODS[method](movie, path.with_suffix(f".{method}.{processes}"))
            seconds = time.perf_counter() - start
    who = resource.RUSAGE_CHILDREN if processes else resource.RUSAGE_SELF
    print(seconds, resource.getrusage(who).ru_maxrss / 2**10, rows)


def measured(path: Path, method: str = "one pass", processes: int = 0) -> list[float]:
    """Run one method in a process of its own."""
    command = [sys.executable, __file__, "--run", str(path), method, str(processes)]
    output = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return [float(value) for value in output.stdout.split()[-3:]]


def main() -> None:
    """Print a line for each run and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--frames", type=int, nargs="+", default=[50, 200])
    parser.add_argument("--large", type=int, default=4, help="frames of 4096 x 4096")
    parser.add_argument("--compare", type=int, default=10, help="frames for the ratio")
    parser.add_argument("--processes", type=int, default=2, help="0 for none")
    parser.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        path, method, processes = options.run
        run(Path(path), method, int(processes))
        return
    print(f"{os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        peaks = []
        jobs = [(frames, options.side) for frames in options.frames]
        for frames, side in [*jobs, (options.large, 4096)]:
            path = Path(folder) / f"{frames}_{side}.h5"
            write_movie(path, frames, side)
            seconds, peak, rows = measured(path)
            peaks.append(peak)
            print(
                f"{frames:4} frames of {side} x {side} ({frames * side**2 / 2**20:.0f} "
                f"MiB): {seconds / frames:.2f} s a frame, {rows / frames:.0f} rows of "
                f"tables a frame, peak {peak:.0f} MiB",
                flush=True,
            )
        print(f"peak of the longest over the shortest: {peaks[-2] / peaks[0]:.2f}")
        path = Path(folder) / "compare.h5"
        write_movie(path, options.compare, options.side)
        alone, _, rows = measured(path)
        for method in list(METHODS)[1:]:
            others, _, other_rows = measured(path, method)
            assert rows == other_rows
            print(
                f"{method}, {options.compare} frames of {options.side} x "
                f"{options.side}: {others / alone:.2f} times as long as one pass",
                flush=True,
            )
        if not options.processes:
            return
        there, peak, other_rows = measured(path, "one pass", options.processes)
        assert rows == other_rows
        print(
            f"in {options.processes} processes {there / alone:.2f} times as long as in "
            f"threads, peak {peak:.0f} MiB of each"
        )


if __name__ == "__main__":
    main()
