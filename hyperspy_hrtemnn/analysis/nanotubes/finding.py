# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding of nanotubes in an image: the axis of each, from the pairs of its walls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.transform import resize

from .straightening import straighten
from .wall_pairs import find_wall_pairs
from .wall_profile import measure_walls

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAMPLING = 1.0  # of the search [Å]

# Standard deviations of noise that the weaker wall of a pair has at least.
_STRENGTH = 6.0

# Distances of walls that are looked for; beyond those of the tubes that are told [Å].
_DISTANCES = (4.0, 40.0)

# Distances of the walls, as they are seen, of tubes of 6 to 20 Å: defocus moves the
# dark lines by 1 Å and more towards each other [Å].
_SEEN = (4.5, 20.0)

SHORTEST = 67.0
"""Shortest straight piece of a tube whose indices are told [Å]."""

# Largest deviation of an axis from a smooth line: root mean square [Å].
_CROOKED = 2.5


@dataclass(frozen=True)
class Tube:
    """A nanotube in an image, or what looked like one.

    Parameters
    ----------
    axis
        Points of its axis, about 1 Å apart, shape (point, 2), (y, x) [pixels].
    diameter
        Distance of its two walls [Å].
    reason
        Why its indices cannot be told; empty if they can.
    """

    axis: NDArray[np.float64]
    diameter: float
    reason: str = ""


def find_tubes(image: NDArray[np.floating], pixel: float) -> list[Tube]:
    """Find the nanotubes in an image.

    Pairs of parallel lines, see `find_wall_pairs`, that go on over some nanometers are
    joined to axes. The mean of the image along each of them shows the walls.

    Parameters
    ----------
    image
        Image, shape (y, x).
    pixel
        Pixel size [Å].

    Returns
    -------
    The tubes, the longest first, and what was refused, with the reason: too wide or too
    narrow, of several walls, too short, bent, or two sides that are not alike.

    Raises
    ------
    ValueError
        If the pixels are too large to see walls.
    """
    if not 0 < pixel <= _SAMPLING:
        raise ValueError(
            f"Nanotubes are found in images of up to {_SAMPLING:g} Å per pixel, not "
            f"{pixel:.3g}; take a larger magnification, or check the calibration."
        )
    image = _without_outliers(np.asarray(image, np.float32))
    shape = [max(round(n * pixel / _SAMPLING), 1) for n in image.shape]
    small = resize(image, shape, order=1, anti_aliasing=True, preserve_range=True)
    ratio = image.shape[0] / shape[0]
    pairs = find_wall_pairs(small, _SAMPLING, _DISTANCES)
    tubes: list[Tube] = []
    for points, weights, wide in _axes(pairs.strength, pairs.distance):
        axis, crooked = _smooth(points, weights)
        length = len(axis) * _SAMPLING
        if _is_ghost(axis * ratio, wide * ratio, tubes, pixel):
            continue
        full = (axis + 0.5) * ratio - 0.5
        reason = ""
        if crooked * _SAMPLING > _CROOKED:
            reason = "it is bent too strongly, or crosses another"
        elif length < SHORTEST:
            reason = (
                f"its straight piece of {length:.0f} Å is shorter than {SHORTEST:g}"
            )
        diameter = wide * _SAMPLING
        if not reason:
            strip = straighten(image, full, round(2.2 * (diameter + 8) / pixel))
            walls = measure_walls(strip, pixel, diameter)
            full = full + _normals(full) * walls.offset / pixel
            diameter, reason = walls.diameter, walls.reason
        if not reason and not _SEEN[0] <= diameter <= _SEEN[1]:
            reason = f"its walls are {diameter:.1f} Å apart, not those of 6 to 20 Å"
        tubes.append(Tube(full, diameter, reason))
    return sorted(tubes, key=lambda tube: -len(tube.axis))


def _without_outliers(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image whose hot and dead pixels are no more than its darkest others."""
    low, high = np.percentile(image, [0.1, 99.9])
    return np.clip(image, low, high)


def _axes(
    strength: NDArray[np.float32], distance: NDArray[np.float32]
) -> list[tuple[NDArray[np.float64], NDArray[np.float32], float]]:
    """Return points, weights and distance of the walls of each axis, strongest first.

    Pixels belong together if they touch in place and in direction, so that two tubes
    that cross stay apart.
    """
    around = np.concatenate([strength[-1:], strength, strength[:1]])
    is_best = (strength >= around[:-2]) & (strength >= around[2:])
    labels, count = ndimage.label((strength > _STRENGTH) & is_best, np.ones((3, 3, 3)))
    labels = _joined_at_the_ends(labels, count)
    found = []
    for number, box in enumerate(ndimage.find_objects(labels), 1):
        if box is None:
            continue
        inside = labels[box] == number
        start = [part.start for part in box[1:]]
        points = np.argwhere(inside)[:, 1:] + start
        weights = strength[box][inside]
        if np.ptp(points, axis=0).max() * _SAMPLING < SHORTEST / 3:
            continue
        wide = float(np.average(distance[box][inside], weights=weights))
        found.append((points.astype(float), weights, wide))
    return sorted(found, key=lambda axis: -float(axis[1].sum()))


def _joined_at_the_ends(labels: NDArray[np.int32], count: int) -> NDArray[np.int32]:
    """Give pixels of the first and the last direction that touch the same label."""
    new = np.arange(count + 1)
    first, last = labels[0], labels[-1]
    near = ndimage.grey_dilation(last, (3, 3))
    for one, other in {*zip(first[first > 0], near[first > 0], strict=True)}:
        if other:
            low, high = sorted((new[one], new[other]))
            new[new == high] = low
    return np.asarray(new[labels])


def _smooth(
    points: NDArray[np.float64], weights: NDArray[np.float32]
) -> tuple[NDArray[np.float64], float]:
    """Return a cubic line through points, a step of one pixel, and the rms beside it.

    What counts is the middle of the points at each step along the line: the two walls
    of a double-walled tube pair in several ways, whose axes are beside each other.
    """
    middle = np.average(points, axis=0, weights=weights)
    centered = (points - middle) * np.sqrt(weights)[:, np.newaxis]
    axes = np.linalg.svd(centered, full_matrices=False)[2]
    along, across = ((points - middle) @ axis for axis in axes)
    index = np.rint(along - along.min()).astype(int)
    weight = np.bincount(index, weights)
    there = weight > 0
    steps = np.flatnonzero(there) + along.min()
    centers = np.bincount(index, weights * across)[there] / weight[there]
    degree = 3 if np.ptp(along) > 2 * SHORTEST else 2
    line = np.polynomial.Polynomial.fit(steps, centers, degree, w=weight[there] ** 0.5)
    beside = np.sqrt(np.average((centers - line(steps)) ** 2, weights=weight[there]))
    places = np.arange(steps[0], steps[-1] + 1)
    axis = middle + np.stack([places, line(places)], axis=1) @ axes
    return axis, float(beside)


def _normals(axis: NDArray[np.float64]) -> NDArray[np.float64]:
    tangent = np.gradient(axis, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    return np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)


def _is_ghost(
    axis: NDArray[np.float64], wide: float, tubes: list[Tube], pixel: float
) -> bool:
    """Return whether both walls may be those of tubes that were found before."""
    for tube in tubes:
        away = np.linalg.norm(axis[:, np.newaxis] - tube.axis, axis=2).min(axis=1)
        if np.median(away) < (tube.diameter / pixel + wide) / 2 + 3 / pixel:
            return True
    return False
