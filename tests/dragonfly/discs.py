# SPDX-License-Identifier: GPL-3.0-or-later
"""A movie of discs, and what is known of it."""

from __future__ import annotations

from itertools import chain

import numpy as np

HEIGHT, WIDTH = 45, 61
PIXEL = 0.1  # nm

# Centers (y, x) and radius in each frame: two touch, a third comes in frame 1 and goes
# in frame 3.
TOUCHING = [[(20, 15, 8), (20, 28, 7)]] * 4
VISITOR = [[], [(30, 50, 5)], [(31, 50, 5)], []]


def movie(*discs):
    """Return a mask (frame, y, x) of lists of discs."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    frames = []
    for of_frame in zip(*discs, strict=True):
        frame = np.zeros((HEIGHT, WIDTH), bool)
        for row, column, radius in chain(*of_frame):
            frame |= np.hypot(y - row, x - column) < radius
        frames.append(frame)
    return np.array(frames)


def three_particles():
    """Return the movie, with a speck that is too small for a particle."""
    mask = movie(TOUCHING, VISITOR)
    mask[0, 2, 3:5] = True
    return mask
