# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns of MoS2 without images: movies whose events are known."""

from __future__ import annotations

import numpy as np
import pandas as pd

A = 0.316
VECTORS = np.array([(A, 0), (A / 2, A * np.sqrt(3) / 2)])


def mos2(rows, columns):
    """Return places (x, y) in nm and classes of a parallelogram of unit cells."""
    i, j = np.mgrid[:columns, :rows].reshape(2, -1)
    mo = np.stack([i, j], axis=1) @ VECTORS
    sulfur = mo + VECTORS.sum(axis=0) / 3
    names = np.repeat(np.array(["1Mo", "2S"], object), len(mo))
    return np.concatenate([mo, sulfur]), names


class Movie:
    """A table of columns as `find_columns` gives it, with the site of each row.

    `states` has the class of each site in each frame, "none" where it is empty.
    """

    def __init__(
        self, places, states, *, drift=None, noise=0.0, missed=0.0, wrong=0.0, seed=0
    ):
        rng = np.random.default_rng(seed)
        self.drift = np.zeros((len(states), 2)) if drift is None else drift
        tables = []
        for frame, state in enumerate(states):
            seen = np.array(state, object)
            lies = (rng.random(len(seen)) < wrong) & np.isin(seen, ["1S", "2S"])
            seen[lies] = np.where(seen[lies] == "2S", "1S", "2S")
            kept = (seen != "none") & (rng.random(len(seen)) >= missed)
            kept = rng.permutation(np.flatnonzero(kept))
            xy = places[kept] + self.drift[frame] + rng.normal(0, noise, (len(kept), 2))
            tables.append(
                pd.DataFrame(
                    {
                        "frame": frame,
                        "class": seen[kept],
                        "x": xy[:, 0],
                        "y": xy[:, 1],
                        "site": kept,
                    }
                )
            )
        table = pd.concat(tables, ignore_index=True)
        self.site = table.pop("site").to_numpy()
        self.table = table
        self.table.attrs["frames"] = len(states)


def walk(frames, step, seed=0):
    """Return a drift (x, y) that begins at 0."""
    steps = np.random.default_rng(seed).normal(0, step, (frames, 2))
    steps[0] = 0
    return steps.cumsum(axis=0)
