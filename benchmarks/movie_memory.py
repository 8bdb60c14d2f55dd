# SPDX-License-Identifier: GPL-3.0-or-later
"""Peak memory of a lazy movie through `segment` and `track_instances`, by its length.

    python benchmarks/movie_memory.py

Each length runs in a process of its own, from a file on disk to files on disk.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import hyperspy.api as hs
import numpy as np

SIDE = 1024
SAMPLING = 0.1  # [Å]


def write_movie(path: Path, frames: int) -> None:
    """Write noisy frames with drifting bright discs, a frame in a chunk."""
    import h5py

    with h5py.File(path, "w") as file:
        data = file.create_dataset(
            "movie", (frames, SIDE, SIDE), np.uint8, chunks=(1, SIDE, SIDE)
        )
        rng = np.random.default_rng(0)
        noise = rng.poisson(20, (SIDE + frames, SIDE)).astype(np.uint8)
        for i in range(frames):
            data[i] = noise[i : i + SIDE]


def one_run(path: Path) -> None:
    """Segment and track one movie; print the seconds and the peak memory in MiB."""
    import dask.array as da
    import h5py

    with h5py.File(path) as file:
        movie = hs.signals.Signal2D(
            da.from_array(file["movie"], chunks=(1, SIDE, SIDE))
        )
        movie = movie.as_lazy()
        movie.set_signal_type("HRTEM")
        for axis in movie.axes_manager.signal_axes:
            axis.scale, axis.units = SAMPLING, "angstrom"
        start = time.perf_counter()
        segmentation = movie.segment("au-ceo2-mask", show_progressbar=False)
        particles = segmentation.track_instances("2 nm", show_progressbar=False)
        particles.save(path.with_suffix(".hspy"), overwrite=True)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(seconds, peak)


def main() -> None:
    """Run the lengths and print the ratio of the longest to the shortest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=[25, 50, 200])
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        one_run(options.run)
        return
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        for frames in options.frames:
            path = Path(folder) / f"{frames}.h5"
            write_movie(path, frames)
            command = [sys.executable, __file__, "--run", str(path)]
            output = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
            seconds, peak = map(float, output.stdout.split()[-2:])
            peaks.append(peak)
            movie = frames * SIDE**2 / 2**20
            print(
                f"{frames:4} frames of {SIDE} x {SIDE} ({movie:.0f} MiB as counts, "
                f"{4 * movie:.0f} MiB as probabilities): {frames / seconds:.2f} "
                f"frames/s, peak {peak:.0f} MiB",
                flush=True,
            )
    print(f"peak of the longest over the shortest: {peaks[-1] / peaks[0]:.2f}")


if __name__ == "__main__":
    main()
