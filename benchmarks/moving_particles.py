# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated movies of particles whose identity is known, for the tracking benchmark.

Particles are discs with a wavy edge that turn slowly. A scenario is a function from a
random generator to a `Movie`: where each particle is in each frame, how large, and
whether the segmentation saw it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Labels = NDArray[np.int32]

SIZE = 512
FRAMES = 100
SMALLEST_RADIUS = 4.0
_WAVES = np.arange(2, 6)


@dataclass
class Movie:
    """Particles through time, in pixels.

    `places` (frame, particle, 2) are (y, x), `radii` (frame, particle) are 0 where
    there is no particle, `detected` (frame, particle) is what the segmentation saw,
    `false` has for each frame rows (y, x, radius) of what it saw and is not there.
    `drift` (frame, 2) is the part of the places that all have in common, `memory` the
    longest time out of sight.
    """

    places: Array
    radii: Array
    seed: int
    detected: NDArray[np.bool_] | None = None
    false: list[Array] = field(default_factory=list)
    memory: int = 0
    drift: Array = field(default_factory=lambda: np.zeros((FRAMES, 2)))

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        shape = (self.radii.shape[1], len(_WAVES))
        self.waves = rng.normal(0, 0.12, shape) / _WAVES
        self.phases = rng.uniform(0, 2 * np.pi, shape)
        self.turn: Array = rng.normal(0, 0.02, (shape[0],))

    def frame(self, number: int) -> tuple[Labels, NDArray[np.bool_]]:
        """Return the truth (1 + number of the particle) and the mask that is seen."""
        truth = np.zeros((SIZE, SIZE), np.int32)
        depth = np.zeros((SIZE, SIZE), np.float32)
        mask = np.zeros((SIZE, SIZE), bool)
        for particle in np.flatnonzero(self.radii[number]):
            phases = self.phases[particle] + self.turn[particle] * number * _WAVES
            box, inside = _draw(
                self.places[number, particle],
                self.radii[number, particle],
                self.waves[particle],
                phases,
            )
            nearer = inside > depth[box]
            truth[box][nearer] = particle + 1
            depth[box][nearer] = inside[nearer]
            if self.detected is None or self.detected[number, particle]:
                mask[box] |= inside > 0
        for y, x, radius in self.false[number] if self.false else []:
            box, inside = _draw(np.array([y, x]), radius, self.waves[0], self.phases[0])
            mask[box] |= inside > 0
        return truth, mask

    def longest_step(self) -> float:
        """Return how far a particle moves from one sighting to the next."""
        return self._longest_step(self.places)

    def longest_own_step(self) -> float:
        """Return how far a particle moves by itself."""
        return self._longest_step(self.places - self.drift[:, np.newaxis])

    def _longest_step(self, places: Array) -> float:
        in_view = ((self.places >= 0) & (self.places < SIZE)).all(axis=2)
        seen = (self.radii > 0) & in_view
        if self.detected is not None:
            seen &= self.detected
        longest = 0.0
        for gap in range(1, self.memory + 2):
            both = seen[gap:] & seen[:-gap]
            for between in range(1, gap):
                both &= ~seen[between : len(seen) - gap + between]
            steps = np.hypot(*(places[gap:] - places[:-gap]).T).T
            longest = max(longest, steps[both].max(initial=0))
        return longest


def _draw(
    place: Array, radius: float, waves: Array, phases: Array
) -> tuple[tuple[slice, slice], NDArray[np.float32]]:
    """Return the box around a particle and the depth below its edge, 0 outside."""
    reach = 1.5 * radius + 1
    low = np.clip(place - reach, 0, SIZE).astype(int)
    high = np.clip(place + reach + 1, 0, SIZE).astype(int)
    y, x = np.ogrid[low[0] : high[0], low[1] : high[1]]
    y, x = y - place[0], x - place[1]
    angle = np.arctan2(y, x)[..., np.newaxis]
    edge = radius * (1 + (waves * np.cos(_WAVES * angle + phases)).sum(axis=2))
    inside = np.maximum(edge - np.hypot(y, x), 0).astype(np.float32)
    return (slice(low[0], high[0]), slice(low[1], high[1])), inside


def scattered(
    rng: np.random.Generator, most: int, distance: float, margin: float = 0.0
) -> Array:
    """Return random places (y, x), apart from each other, in and around the view."""
    places: list[Array] = []
    for place in rng.uniform(-margin, SIZE + margin, (40 * most, 2)):
        if all(np.hypot(*(place - other)) >= distance for other in places):
            places.append(place)
            if len(places) == most:
                break
    return np.array(places)


def _jitter(rng: np.random.Generator, count: int, step: float, bond: float) -> Array:
    """Return random walks (frame, particle, 2) that are pulled back to their start."""
    walk = np.zeros((FRAMES, count, 2))
    for number in range(1, FRAMES):
        walk[number] = (1 - bond) * walk[number - 1] + rng.normal(0, step, (count, 2))
    return walk


def _constant(radii: Array) -> Array:
    return np.tile(radii, (FRAMES, 1))


def still(seed: int) -> Movie:
    """Particles that tremble by a fraction of a pixel."""
    return _drifting(seed, np.zeros((FRAMES, 2)))


def slow_drift(seed: int) -> Movie:
    """Continuous drift of a sixth of a particle per frame, in turning directions."""
    turn = np.arange(FRAMES) / 12
    return _drifting(seed, 36 * np.stack([np.sin(turn), np.cos(turn) - 1], axis=1))


def fast_drift(seed: int) -> Movie:
    """Continuous drift of up to two particles per frame."""
    turn = np.arange(FRAMES) * 2 * np.pi / 30
    path = np.stack([np.sin(turn), np.sin(1.3 * turn + 1) - np.sin(1)], axis=1)
    return _drifting(seed, 150 * path)


def drift_steps(seed: int) -> Movie:
    """Jumps of the stage by one to four particles every eighth frame."""
    rng = np.random.default_rng(seed)
    target = rng.uniform(-90, 90, (FRAMES // 8 + 1, 2))
    return _drifting(seed, target[np.arange(FRAMES) // 8] - target[0])


def _drifting(seed: int, drift: Array) -> Movie:
    rng = np.random.default_rng(seed)
    start = scattered(rng, 60 if not drift.any() else 150, 36, np.abs(drift).max())
    places = start + _jitter(rng, len(start), 0.4, 0.05) + drift[:, np.newaxis]
    radii = _constant(rng.uniform(7, 14, len(start)))
    return Movie(places, radii, seed, drift=drift)


def growth(seed: int) -> Movie:
    """Nuclei that appear and grow, others that shrink and vanish."""
    rng = np.random.default_rng(seed)
    start = scattered(rng, 90, 38)
    count = len(start)
    age = np.arange(FRAMES)[:, np.newaxis] - rng.integers(-60, 80, count)
    largest = rng.uniform(9, 17, count)
    growing = largest * np.sqrt(np.clip(age, 0, 60) / 60)
    shrinking = largest * np.sqrt(np.clip(60 - age, 0, 60) / 60)
    radii = np.where(rng.random(count) < 0.6, growing, shrinking)
    radii[radii < SMALLEST_RADIUS] = 0
    places = start + _jitter(rng, count, 0.5, 0.02)
    return Movie(places, radii, seed)


def disappearance(seed: int) -> Movie:
    """Particles that are gone for one to four frames and come back."""
    rng = np.random.default_rng(seed)
    start = scattered(rng, 70, 40)
    radii = _constant(rng.uniform(7, 14, len(start)))
    _leave(rng, radii, 0.03, 4)
    places = start + _jitter(rng, len(start), 1.5, 0.1)
    return Movie(places, radii, seed, memory=4)


def _leave(rng: np.random.Generator, radii: Array, chance: float, longest: int) -> None:
    for frame, particle in np.argwhere(rng.random(radii.shape) < chance):
        if frame > 0 and radii[frame - 1, particle] > 0:
            # Seen again before it leaves again.
            end = frame + rng.integers(1, longest + 1)
            radii[frame:end, particle] = 0


def touching(seed: int) -> Movie:
    """Pairs that come together, merge in the mask, turn and part again."""
    rng = np.random.default_rng(seed)
    middle = scattered(rng, 30, 90)
    pairs = len(middle)
    radii = rng.uniform(9, 14, (2, pairs))
    time = np.arange(FRAMES)[:, np.newaxis]
    closeness = np.sin(time / rng.uniform(5, 9, pairs) + rng.uniform(0, 6, pairs))
    gap = radii.sum(axis=0) * (1.22 + 0.3 * closeness)
    angle = rng.uniform(0, 6, pairs) + time * rng.normal(0, 0.02, pairs)
    arm = np.stack([np.sin(angle), np.cos(angle)], axis=2) * gap[..., np.newaxis] / 2
    places = np.concatenate([middle + arm, middle - arm], axis=1)
    return Movie(places, _constant(radii.ravel()), seed, memory=4)


def passing(seed: int) -> Movie:
    """Rows of particles that pass close by each other in opposite directions."""
    rng = np.random.default_rng(seed)
    rows = np.arange(14, SIZE, 28.0)
    speed = rng.uniform(4, 8, len(rows)) * (-1) ** np.arange(len(rows))
    along = np.arange(-8 * FRAMES, SIZE + 8 * FRAMES, 62.0)
    x = along[:, np.newaxis] + rng.uniform(-12, 12, (len(along), len(rows)))
    moving = x.ravel() + np.arange(FRAMES)[:, np.newaxis] * np.tile(speed, len(along))
    places = np.stack(
        [np.broadcast_to(np.tile(rows, len(along)), moving.shape), moving], 2
    )
    places = places + rng.normal(0, 0.3, places.shape)
    near = ((moving > -30) & (moving < SIZE + 30)).any(axis=0)
    radii = rng.uniform(8, 12, near.sum())
    return Movie(places[:, near], _constant(radii), seed)


def dense(seed: int) -> Movie:
    """Particles of nearly the same size, as dense as can be, that drift slowly."""
    rng = np.random.default_rng(seed)
    start = scattered(rng, 420, 21.5, 40)
    turn = np.arange(FRAMES) / 12
    drift = 24 * np.stack([np.sin(turn), np.cos(turn) - 1], axis=1)
    places = start + _jitter(rng, len(start), 0.8, 0.2) + drift[:, np.newaxis]
    radii = _constant(rng.uniform(8, 9.5, len(start)))
    return Movie(places, radii, seed, drift=drift)


def imperfect(seed: int) -> Movie:
    """Particles of which 5 % are missed, and three in each frame that are none."""
    rng = np.random.default_rng(seed)
    start = scattered(rng, 60, 38)
    places = start + _jitter(rng, len(start), 1.0, 0.1)
    radii = _constant(rng.uniform(7, 14, len(start)))
    return Movie(
        places, radii, seed, rng.random(radii.shape) > 0.05, _false(rng), memory=3
    )


def _false(rng: np.random.Generator) -> list[Array]:
    numbers = rng.poisson(3, FRAMES)
    low, high = (0, 0, 5), (SIZE, SIZE, 10)
    return [rng.uniform(low, high, (number, 3)) for number in numbers]


def jumping(seed: int) -> Movie:
    """Particles that jump by themselves, often farther than their own radius."""
    rng = np.random.default_rng(seed)
    start = scattered(rng, 30, 80)
    places = start + _jitter(rng, len(start), 8, 0.5)
    return Movie(places, _constant(rng.uniform(8, 13, len(start))), seed)


def everything(seed: int) -> Movie:
    """Touching pairs that drift in steps, leave, and are missed, beside false ones."""
    rng = np.random.default_rng(seed)
    pairs = touching(seed)
    radii = pairs.radii * np.linspace(0.85, 1.1, FRAMES)[:, np.newaxis]
    _leave(rng, radii, 0.01, 3)
    target = rng.uniform(-70, 70, (FRAMES // 8 + 1, 2))
    drift = target[np.arange(FRAMES) // 8]
    places = pairs.places + drift[:, np.newaxis]
    detected = rng.random(radii.shape) > 0.03
    return Movie(places, radii, seed, detected, _false(rng), memory=4, drift=drift)


SCENARIOS: dict[str, Callable[[int], Movie]] = {
    function.__name__: function
    for function in (
        still, slow_drift, fast_drift, drift_steps, growth, disappearance,
        touching, passing, dense, imperfect, jumping, everything,
    )
}  # fmt: skip
