# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers of dask.distributed in `follow_particles`: measured parts, efficiency to 64.

    python benchmarks/cluster.py

The client reads each frame, hands it out and writes what comes back, one frame after
the other, while the workers compute. So a frame takes the longest of what the client
does, of what the workers do divided by their number, and of the wire; ids and tables
come after all frames. The parts are processor time, which other programs on the machine
hardly change. The client and the scheduler are in one process, as with dask-jobqueue.
From them the table is calculated. One and two workers, of one thread each, are measured
on the clock, in turn.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import h5py
import numpy as np
from distributed import Client, LocalCluster

from hyperspy_hrtemnn.checkpoint import Checkpoint
from hyperspy_hrtemnn.options import PredictionOptions, TrackingOptions
from hyperspy_hrtemnn.signals._one_pass.particle_work import prepare
from hyperspy_hrtemnn.signals._shared.deferred import deferred_blocks
from hyperspy_hrtemnn.signals._shared.runner import results_in_flight
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule
from one_pass import load_movie, write_movie

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from hyperspy_hrtemnn.signals import HRTEM

NETWORK = "au-ceo2-mask"
SEPARATION = "2 nm"
WORKERS = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Parts:
    """Seconds that each part takes for one frame.

    Parameters
    ----------
    read, hand_out, write
        What the client does while the workers compute.
    compute
        What a worker of one thread does.
    after
        What the client does when all frames are done: ids and tables.
    wire
        A frame on the network.
    """

    read: float
    hand_out: float
    compute: float
    write: float
    after: float
    wire: float

    def seconds(self, workers: int) -> float:
        """Return the time of a frame with a number of workers."""
        client = self.read + self.hand_out + self.write
        return max(client, self.wire, self.compute / workers) + self.after

    def efficiency(self, workers: int) -> float:
        """Return what workers do over what as many single ones would do."""
        return self.seconds(1) / workers / self.seconds(workers)


def processor_time(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return how much of the processor a function takes in this process."""
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def nothing(frame: NDArray[Any]) -> tuple[int, ...]:
    """Return the shape of a frame, in place of work."""
    return frame.shape


def measure(movie: HRTEM, folder: Path, wire: float) -> Parts:
    """Return the parts of the work on a movie.

    Parameters
    ----------
    movie
        The movie.
    folder
        Folder for what is found.
    wire
        Bytes that the network carries in a second.
    """
    work = prepare(
        movie,
        NETWORK,
        device="cpu",
        running=PredictionOptions(),
        tracking=TrackingOptions(SEPARATION),
        show_progressbar=False,
        num_workers=1,
        source=None,
    )
    blocks = deferred_blocks(work.movie)
    read, frames = processor_time(lambda: [block.load() for block in blocks])
    images = [image for block in frames for image in block]
    count = len(images)
    work.analysis(images[0])  # what is loaded with the first
    compute, records = processor_time(lambda: [work.analysis(each) for each in images])
    write, _ = processor_time(partial(keep, records, folder / "frames"))
    return Parts(
        read=read / count,
        hand_out=hand_out(images),
        compute=compute / count,
        write=write / count,
        after=after(movie, folder),
        wire=images[0].nbytes / wire,
    )


def keep(records: list[dict[str, NDArray[Any]]], folder: Path) -> None:
    """Write what was found in frames."""
    store = Checkpoint(folder, {"job": "benchmark"})
    for number, record in enumerate(records):
        store.write_record(number, record)


def hand_out(images: list[NDArray[Any]]) -> float:
    """Return what client and scheduler together take to hand out a frame."""
    times = 4

    def given() -> Iterator[tuple[int, tuple[NDArray[Any]]]]:
        for number in range(times * len(images)):
            yield number, (images[number % len(images)],)

    rule = FrameRule("raise").over((times * len(images),))
    with cluster(1) as local, Client(local):
        list(results_in_flight(nothing, [(0, (images[0],))], None, rule))
        seconds, found = processor_time(
            lambda: list(results_in_flight(nothing, given(), None, rule))
        )
    return seconds / len(found)


def after(movie: HRTEM, folder: Path) -> float:
    """Return what ids and tables take for a frame when all frames are done.

    What is done once for a movie, however long, is in the half of it, too.
    """
    whole: int = movie.axes_manager.navigation_size
    half = whole // 2
    seconds: list[float] = []
    for count in (half, whole):
        part = movie.inav[:count]
        follow(part, folder / f"after {count}")
        # Frames are kept; the ids of another memory are given anew.
        again = partial(follow, part, folder / f"after {count}", memory=1)
        seconds.append(processor_time(again)[0])
    return (seconds[1] - seconds[0]) / (whole - half)


def follow(movie: HRTEM, folder: Path, memory: int = 0) -> Any:
    """Follow the particles of a movie."""
    return movie.follow_particles(
        NETWORK,
        folder,
        min_separation=SEPARATION,
        memory=memory,
        device="cpu",
        show_progressbar=False,
    )


def cluster(workers: int) -> Any:
    """Return processes of one thread each, without a page of their own."""
    return LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0")


@dataclass(frozen=True)
class Run:
    """One run through the movie on the clock.

    Parameters
    ----------
    seconds
        On the clock.
    processor
        Processor time of all workers [s].
    labels
        Ids of the particles, shape (frame, y, x).
    """

    seconds: float
    processor: float
    labels: NDArray[np.int32]


def on_the_clock(movie: HRTEM, folder: Path, local: Any) -> Run:
    """Return how long the workers of a cluster take for a movie."""
    with Client(local) as client:
        client.wait_for_workers(len(local.workers))
        # What a worker loads with its first frame.
        follow(movie.inav[: 2 * len(local.workers)], folder / uuid4().hex)
        before = sum(client.run(time.process_time).values())
        start = time.perf_counter()
        found = follow(movie, folder / uuid4().hex)
        seconds = time.perf_counter() - start
        processor = sum(client.run(time.process_time).values()) - before
    return Run(seconds, processor, np.asarray(found.particles.data))


def compare(movie: HRTEM, folder: Path, repeats: int) -> None:
    """Print one and two workers, in turn, the best of each."""
    with cluster(1) as one, cluster(2) as two:
        runs: dict[int, list[Run]] = {1: [], 2: []}
        for _ in range(repeats):
            for local in (one, two):
                runs[len(local.workers)].append(on_the_clock(movie, folder, local))
    best = {
        count: min(several, key=lambda run: run.seconds)
        for count, several in runs.items()
    }
    assert all(
        np.array_equal(run.labels, best[1].labels)
        for several in runs.values()
        for run in several
    )
    for count, run in best.items():
        print(
            f"workers {count}: {run.seconds / len(run.labels):.2f} s a frame, "
            f"{run.processor / len(run.labels):.2f} s of their processors"
        )
    print(
        f"two are {best[1].seconds / best[2].seconds:.2f} times as fast, best of "
        f"{repeats}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )


def main() -> None:
    """Print the parts, the calculated table, and one against two workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--gigabits", type=float, default=10, help="of the network")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_movie(folder / "movie.h5", options.frames, options.side)
        with h5py.File(folder / "movie.h5") as file:
            movie = load_movie(file)
            parts = measure(movie, folder, options.gigabits * 1e9 / 8)
            for part, seconds in vars(parts).items():
                print(f"{part:9} {1e3 * seconds:8.1f} ms a frame")
            print("workers   s a frame   efficiency (calculated)", flush=True)
            for workers in WORKERS:
                print(
                    f"{workers:7} {parts.seconds(workers):11.3f} "
                    f"{parts.efficiency(workers):12.0%}",
                    flush=True,
                )
            compare(movie, folder, options.repeats)


if __name__ == "__main__":
    main()
