# SPDX-License-Identifier: GPL-3.0-or-later
"""Touching particles separated, and noisy ones not, against a plain watershed.

Discs in known places: films in which they are tangent, apart, or overlap, chains, mixed
sizes; and single particles with pinholes, rough edges, or hollow. A particle is right
if a label has an IoU of 0.75 with it. The plain watershed is that of the scikit-image
gallery: `peak_local_max` on the distance map, with the same smallest distance. Then
processor time and peak memory of connected networks that fill the frame, each size in
a process of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

from hyperspy_hrtemnn.analysis import split_particles

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Labels = NDArray[np.int32]
    Places = NDArray[np.float64]
    Method = Callable[[Mask, float], Labels]

SIZE = 360
_RIGHT = 0.75


@dataclass(frozen=True)
class Scene:
    """A mask, the true labels, and the smallest distance of centers in pixels."""

    mask: Mask
    truth: Labels
    min_separation: float


def of_discs(places: Places, radii: Places, min_separation: float) -> Scene:
    """Draw discs; where two overlap, a pixel is of that in which it is deeper."""
    depth = np.zeros((SIZE, SIZE))
    truth = np.zeros((SIZE, SIZE), np.int32)
    y, x = np.mgrid[:SIZE, :SIZE]
    for number, ((row, column), radius) in enumerate(zip(places, radii, strict=True)):
        inside = 1 - ((y - row) ** 2 + (x - column) ** 2) / radius**2
        nearer = inside > depth
        truth[nearer] = number + 1
        depth[nearer] = inside[nearer]
    return Scene(truth > 0, truth, min_separation)


def lattice(
    rng: np.random.Generator, angle: float, distance: float, radius: float, share: float
) -> Scene:
    """Return a film of equal discs; `distance` in radii, `share` of it is asked for."""
    spacing = distance * radius
    n = int(SIZE / spacing) + 3
    steps = np.mgrid[-n : n + 1, -n : n + 1].reshape(2, -1).T
    turn = rng.uniform(0, 2 * np.pi)
    vectors = [[np.cos(t), np.sin(t)] for t in (turn, turn + np.radians(angle))]
    places = steps @ np.array(vectors) * spacing + SIZE / 2 + rng.uniform(0, spacing, 2)
    # An island, as a film that fills the frame has no outside: its discs are cut.
    inside = ((places > radius) & (places < SIZE - 1 - radius)).all(axis=1)
    places = places[inside]
    return of_discs(places, np.full(len(places), radius), share * spacing)


def aggregate(
    rng: np.random.Generator, overlap: float, spread: float, radius: float
) -> Scene:
    """Return discs of lognormal sizes, each touching one or two placed before."""
    radii = radius * np.exp(spread * rng.normal(size=400))
    places = [np.full(2, SIZE / 2)]
    used = [radii[0]]
    for own in radii[1:]:
        for _ in range(30):
            other = rng.integers(len(places))
            angle = rng.uniform(0, 2 * np.pi)
            step = (used[other] + own) * (1 - overlap)
            place = places[other] + step * np.array([np.sin(angle), np.cos(angle)])
            gaps = np.hypot(*(np.array(places) - place).T)
            fits = (gaps >= (np.array(used) + own) * (1 - overlap) - 1e-6).all()
            if fits and (place > own).all() and (place < SIZE - 1 - own).all():
                places.append(place)
                used.append(own)
                break
    smallest = 2 * np.min(used) * (1 - overlap)
    return of_discs(np.array(places), np.array(used), 0.6 * smallest)


def pair(rng: np.random.Generator, ratio: float, radius: float) -> Scene:
    """Return two discs that touch, one larger."""
    angle = rng.uniform(0, 2 * np.pi)
    step = 0.97 * (1 + ratio) * radius * np.array([np.sin(angle), np.cos(angle)])
    places = np.stack([-step / 2, step / 2]) + SIZE / 2
    return of_discs(places, radius * np.array([1, ratio]), radius)


def necklace(
    rng: np.random.Generator, count: int, distance: float, radius: float
) -> Scene:
    """Return a closed chain of equal discs."""
    turn = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(count) / count
    around = distance * radius / (2 * np.sin(np.pi / count))
    places = around * np.stack([np.sin(turn), np.cos(turn)], axis=1) + SIZE / 2
    return of_discs(places, np.full(count, radius), 0.6 * distance * radius)


def noisy_disc(
    rng: np.random.Generator,
    *,
    radius: float,
    pinholes: float,
    share: float,
    grain: float = 0.0,
    rough: float = 0.0,
    inner: float = 0.0,
) -> Scene:
    """Return one particle; `grain` is the spread of its pinholes in pixels."""
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2 + rng.uniform(0, 1)
    edge = ndimage.gaussian_filter(rng.normal(size=(SIZE, SIZE)), 2)
    far = np.hypot(y, x) + rough * edge / edge.std()
    disc = (far <= radius) & (far >= inner * radius)
    noise = ndimage.gaussian_filter(rng.normal(size=(SIZE, SIZE)), grain)
    holes = noise < np.quantile(noise, pinholes)
    labels, _ = ndimage.label(disc & ~holes, np.ones((3, 3)))
    # Pixels that hang together with nothing are no particle.
    mask = labels == np.bincount(labels[labels > 0]).argmax()
    return Scene(mask, disc.astype(np.int32), share * radius)


def spoiled(rng: np.random.Generator, scene: partial[Scene], pinholes: float) -> Scene:
    """Return a scene with single pixels missing."""
    whole = scene(rng)
    return replace(whole, mask=whole.mask & (rng.random(whole.mask.shape) >= pinholes))


def here(mask: Mask, min_separation: float) -> Labels:
    """Separate with this package."""
    return split_particles(mask, min_separation, min_area=9)


def plain(mask: Mask, min_separation: float) -> Labels:
    """Separate with a watershed on the distance map, as in the gallery."""
    distance = ndimage.distance_transform_edt(mask)
    peaks = peak_local_max(
        distance,
        min_distance=int(min_separation),
        labels=mask.astype(int),
        exclude_border=False,
    )
    markers = np.zeros(mask.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels: Labels = watershed(-distance, markers, mask=mask)
    return labels


METHODS: dict[str, Method] = {"here": here, "plain": plain}

_HEX, _SQUARE = 60.0, 90.0
SCENES: dict[str, Callable[[np.random.Generator], Scene]] = {
    **{
        f"hexagonal film, {d:.2f} radii": partial(
            lattice, angle=_HEX, distance=d, radius=20, share=0.5
        )
        for d in (2.06, 2.0, 1.94, 1.9, 1.86, 1.82, 1.78, 1.7)
    },
    **{
        f"hexagonal film, {d:.2f} radii of {r} pixels": partial(
            lattice, angle=_HEX, distance=d, radius=r, share=0.5
        )
        for r in (7, 10, 45)
        for d in (2.0, 1.9)
    },
    **{
        f"hexagonal film, 1.94 radii, min_separation {s:.2f}": partial(
            lattice, angle=_HEX, distance=1.94, radius=20, share=s
        )
        for s in (0.25, 0.8, 0.95)
    },
    **{
        f"square film, {d:.2f} radii": partial(
            lattice, angle=_SQUARE, distance=d, radius=20, share=0.6
        )
        for d in (2.06, 2.0, 1.9, 1.8, 1.7)
    },
    **{
        f"mixed sizes (lognormal, {s:.2f}), overlap {o:.2f}": partial(
            aggregate, overlap=o, spread=s, radius=16
        )
        for s in (0.1, 0.3)
        for o in (0.0, 0.05)
    },
    **{
        f"hexagonal film, {d:.2f} radii, {p:.1%} pinholes": partial(
            spoiled,
            scene=partial(lattice, angle=_HEX, distance=d, radius=20, share=0.5),
            pinholes=p,
        )
        for d in (2.0, 1.9)
        for p in (0.002, 0.01, 0.03)
    },
    "pairs of 1:2": partial(pair, ratio=2.0, radius=20),
    "closed chains of 3": partial(necklace, count=3, distance=1.92, radius=25),
    "closed chains of 5": partial(necklace, count=5, distance=1.92, radius=25),
    **{
        f"disc of {r} pixels, {p:.0%} pinholes, min_separation {s:.1f}": partial(
            noisy_disc, radius=r, pinholes=p, share=s
        )
        for r in (20, 60, 120)
        for p in (0.01, 0.03, 0.1)
        for s in (0.3, 0.7)
    },
    **{
        f"disc of 60 pixels, {p:.0%} coarse pinholes": partial(
            noisy_disc, radius=60, pinholes=p, share=0.4, grain=g
        )
        for p, g in ((0.01, 1.0), (0.03, 1.0), (0.1, 1.0))
    },
    "disc, rough edge": partial(noisy_disc, radius=40, pinholes=0, share=0.4, rough=2),
    "disc, rough edge and 5% pinholes": partial(
        noisy_disc, radius=40, pinholes=0.05, share=0.4, rough=2
    ),
    "hollow, rough edges": partial(
        noisy_disc, radius=40, pinholes=0, share=0.8, rough=2, inner=0.4
    ),
    "hollow, rough edges, 3% pinholes": partial(
        noisy_disc, radius=40, pinholes=0.03, share=0.8, rough=2, inner=0.4
    ),
}


def share_right(scene: Scene, labels: Labels) -> tuple[int, int]:
    """Return how many particles are right, and how many there are."""
    table = np.zeros((scene.truth.max() + 1, labels.max() + 1))
    np.add.at(table, (scene.truth.ravel(), labels.ravel()), 1)
    shared = table[1:, 1:]
    union = table.sum(axis=1)[1:, None] + table.sum(axis=0)[1:] - shared
    best = (shared / union).max(axis=1, initial=0)
    return int((best >= _RIGHT).sum()), len(best)


def network(size: int) -> Mask:
    """Return a labyrinth: half of the frame, nearly all of it connected."""
    noise = np.random.default_rng(0).normal(size=(size, size)).astype(np.float32)
    return np.asarray(ndimage.gaussian_filter(noise, 3) > 0)


def measured(size: int) -> tuple[int, float, float]:
    """Return particles, seconds of the processor and peak memory [MiB]."""
    mask = network(size)
    start = time.process_time()
    count = int(split_particles(mask, 10).max())
    seconds = time.process_time() - start
    return count, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1024, 2048, 4096])
    options = parser.parse_args()
    print(f"{'particles right [%]':58s}", *(f"{name:>7s}" for name in METHODS))
    for name, make in SCENES.items():
        counts = np.zeros((len(METHODS), 2), int)
        for seed in range(options.seeds):
            scene = make(np.random.default_rng(seed))
            for row, method in enumerate(METHODS.values()):
                labels = method(scene.mask, scene.min_separation)
                counts[row] += share_right(scene, labels)
        right = 100 * counts[:, 0] / counts[:, 1]
        print(f"{name:58s}", *(f"{one:7.1f}" for one in right))
    # Each in a new process: the peak is that of the process.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for size in options.sizes:
            count, seconds, memory = pool.apply(measured, (size,))
            print(
                f"network of {size} x {size}: {count} parts, {seconds:.1f} s of the "
                f"processor, peak {memory:.0f} MiB"
            )


if __name__ == "__main__":
    main()
