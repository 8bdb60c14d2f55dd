# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracking 100 particles over 500 frames against a plain scikit-image loop.

Both get the same thresholded discs, which drift, shrink and sometimes touch. The loop
is what one writes with `label`, `regionprops` and masks: thesis section 3.5, without
the bookkeeping this package adds.
"""

from __future__ import annotations

import argparse
import resource
import time
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt
from skimage.feature import peak_local_max
from skimage.measure import label, regionprops
from skimage.segmentation import watershed

from hyperspy_hrtemnn.analysis import ParticleTracker, split_particles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Method = Callable[[Iterator[np.ndarray]], Iterator[np.ndarray]]

MIN_SEPARATION = 20.0
SMALLEST_RADIUS = 12.0


class Discs:
    """A movie of discs with truth, drawn a frame at a time."""

    def __init__(self, particles: int, frames: int, size: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.size, self.frames = size, frames
        cells = int(np.ceil(np.sqrt(particles)))
        step = size / cells
        grid = np.stack(np.divmod(np.arange(particles), cells), axis=1) + 0.5
        self.start = grid * step + rng.uniform(-0.1, 0.1, (particles, 2)) * step
        radius = rng.uniform(0.3, 0.42, particles) * step
        self.first_radius = np.maximum(radius, SMALLEST_RADIUS + 2)
        self.speed = rng.normal(0, 0.12 * step / frames, (particles, 2))
        self.common = 0.04 * step
        self.shrinking = rng.uniform(0.6, 1.0, particles)

    def places(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the centers (row, column) and radii in a frame."""
        turn = 2 * np.pi * 3 * frame / self.frames
        drift = self.common * np.array([np.sin(turn), np.cos(turn)])
        share = 1 + (self.shrinking - 1) * frame / self.frames
        radii = np.maximum(self.first_radius * share, SMALLEST_RADIUS)
        return self.start + self.speed * frame + drift, radii

    def draw(self, frame: int) -> np.ndarray:
        """Return the probability map of a frame."""
        image = np.zeros((self.size, self.size), np.float32)
        for center, radius in zip(*self.places(frame), strict=True):
            low = np.maximum(center - radius, 0).astype(int)
            high = np.minimum(center + radius + 2, self.size).astype(int)
            row, column = np.ogrid[low[0] : high[0], low[1] : high[1]]
            inside = np.hypot(row - center[0], column - center[1]) <= radius
            image[low[0] : high[0], low[1] : high[1]][inside] = 1
        return image


def plain_loop(frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Link frames as a microscopist's script does."""
    before: np.ndarray | None = None
    next_id = 1
    for frame in frames:
        mask = frame >= 0.5
        distance = distance_transform_edt(mask)
        peaks = peak_local_max(
            distance, min_distance=int(MIN_SEPARATION / 2), labels=label(mask)
        )
        markers = np.zeros(mask.shape, int)
        markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
        found = watershed(-distance, markers, mask=mask)
        linked = np.zeros_like(found)
        taken = set()
        for region in regionprops(found):
            if region.area < MIN_SEPARATION**2:
                continue
            mine = found == region.label
            best, best_overlap = 0, 0.5
            for old in [] if before is None else np.unique(before[mine]):
                overlap = (mine & (before == old)).sum() / region.area
                if old and old not in taken and overlap > best_overlap:
                    best, best_overlap = old, overlap
            if not best:
                best = next_id
                next_id += 1
            taken.add(best)
            linked[mine] = best
        before = linked
        yield linked


def this_package(frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Link frames with `split_particles` and `ParticleTracker`."""
    tracker = ParticleTracker()
    for frame in frames:
        yield tracker.link(split_particles(frame, MIN_SEPARATION))


def measure(name: str, method: Method, movie: Discs, frames: int) -> float:
    """Print speed and correctness of a method, return frames per second."""
    started = spent = 0.0
    switches = missed = 0
    ids: np.ndarray | None = None

    def drawn() -> Iterator[np.ndarray]:
        nonlocal started
        for number in range(frames):
            image = movie.draw(number)
            started = time.perf_counter()
            yield image

    distinct: set[int] = set()
    for number, linked in enumerate(method(drawn())):
        spent += time.perf_counter() - started
        rows, columns = movie.places(number)[0].astype(int).T
        now = linked[rows, columns]
        missed += int((now == 0).sum())
        if ids is not None:
            switches += int(((now != ids) & (now > 0)).sum())
        ids = now
        distinct |= set(np.unique(linked[linked > 0]).tolist())
    rate = frames / spent
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{name:12s} {rate:7.2f} frames/s over {frames} frames; "
        f"id switches {switches}, centers without id {missed}, ids {len(distinct)}; "
        f"peak memory {peak:.0f} MiB"
    )
    return rate


def main() -> None:
    """Run both on the same movie."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--particles", type=int, default=100)
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument(
        "--loop-frames", type=int, default=None, help="fewer for the slow loop"
    )
    options = parser.parse_args()
    movie = Discs(options.particles, options.frames, options.size)
    print(f"{options.particles} particles, {options.size} x {options.size}")
    ours = measure("this package", this_package, movie, options.frames)
    loop_frames = options.loop_frames or options.frames
    loop = measure("plain loop", plain_loop, movie, loop_frames)
    print(f"ratio {ours / loop:.1f}")


if __name__ == "__main__":
    main()
