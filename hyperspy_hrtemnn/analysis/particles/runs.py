# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs: the particles of a frame as runs of pixels along its rows.

A particle of a thousand pixels has some thirty runs, and runs are moved by an addition,
so that a frame is compared with moved particles without drawing them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.intp]
    Labels = NDArray[np.integer]


def row_runs(labels: Labels) -> tuple[Index, Labels]:
    """Return the flat indices at which runs of equal pixels start, and their labels.

    A run ends with its row at the latest.
    """
    starts = np.ones(labels.shape, dtype=bool)
    np.not_equal(labels[:, 1:], labels[:, :-1], out=starts[:, 1:])
    start = np.flatnonzero(starts)
    return start, labels.ravel()[start]


@dataclass(frozen=True)
class ParticleRuns:
    """Particles as runs: `row`, columns from `begin` to before `end`, and `owner`.

    These have the shape (run,), and `area` [pixels] has the shape (particle,). The
    owner of a run is the index of its particle.
    """

    row: Index
    begin: Index
    end: Index
    owner: Index
    area: Index

    @classmethod
    def of(cls, start: Index, labels: Labels, shape: tuple[int, ...]) -> ParticleRuns:
        """Return the particles of a frame, without background and regions without data.

        Particles are in the order of their first pixels.

        Parameters
        ----------
        start, labels
            Result of `row_runs`.
        shape
            Shape of the frame.
        """
        end = np.append(start[1:], shape[0] * shape[1])
        inside = labels > 0  # labels below 0 mark regions without data
        owner = _in_order(labels[inside])
        length = (end - start)[inside]
        row, begin = np.divmod(start[inside], shape[1])
        area = np.bincount(owner, weights=length).astype(np.intp)
        return cls(row, begin, begin + length, owner, area)

    def centers(self) -> NDArray[np.float64]:
        """Return the centroids (y, x), shape (particle, 2)."""
        length = self.end - self.begin
        twice = np.stack([2 * self.row, self.begin + self.end - 1])
        sums = [np.bincount(self.owner, weights=length * one) for one in twice]
        return np.stack(sums, axis=1) / (2 * self.area[:, np.newaxis])

    def only(self, keep: NDArray[np.bool_]) -> ParticleRuns:
        """Return some of the particles."""
        position = np.cumsum(keep) - 1
        kept = keep[self.owner]
        return ParticleRuns(
            self.row[kept],
            self.begin[kept],
            self.end[kept],
            position[self.owner[kept]],
            self.area[keep],
        )

    def and_also(self, others: ParticleRuns) -> ParticleRuns:
        """Return these particles, then others."""
        return ParticleRuns(
            np.concatenate([self.row, others.row]),
            np.concatenate([self.begin, others.begin]),
            np.concatenate([self.end, others.end]),
            np.concatenate([self.owner, others.owner + len(self.area)]),
            np.concatenate([self.area, others.area]),
        )

    def shared_areas(
        self, frame: ParticleRuns, shift: Index, width: int
    ) -> tuple[Index, Index, Index]:
        """Return all pairs of these particles and those of a frame that overlap.

        Parameters
        ----------
        frame
            Particles of the frame, which do not overlap each other.
        shift
            Shift (y, x) of each of these particles [pixels], shape (particle, 2).
            Pixels that leave the frame do not count.
        width
            Width of the frame [pixels].

        Returns
        -------
        Indices of the two particles, and the number of pixels they share.
        """
        moved = shift[self.owner]
        row = (self.row + moved[:, 0]) * width
        begin = row + np.maximum(self.begin + moved[:, 1], 0)
        end = row + np.minimum(self.end + moved[:, 1], width)
        starts, stops = frame.row * width + frame.begin, frame.row * width + frame.end
        first = np.searchsorted(stops, begin, side="right")
        behind = np.searchsorted(starts, end, side="left")
        count = np.where(begin < end, behind - first, 0)
        here = np.repeat(np.arange(len(count)), count)
        # The runs from `first` to before `behind`, one after the other.
        skipped = first - np.cumsum(count) + count
        there = np.arange(len(here)) + np.repeat(skipped, count)
        shared = np.minimum(end[here], stops[there]) - np.maximum(
            begin[here], starts[there]
        )
        pair = self.owner[here] * len(frame.area) + frame.owner[there]
        distinct, position = np.unique(pair, return_inverse=True)
        sums = np.bincount(position, weights=shared).astype(np.intp)
        return *np.divmod(distinct, max(len(frame.area), 1)), sums


def _in_order(values: Labels) -> Index:
    """Return numbers from 0 on, in the order in which the values appear."""
    distinct, position = _compact(values)
    first = np.empty(len(distinct), dtype=np.intp)
    first[position[::-1]] = np.arange(len(values))[::-1]
    rank = np.empty_like(first)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[position]


def _compact(values: Labels) -> tuple[Labels, Index]:
    """Return the distinct values and, for each value, its index among them."""
    if len(values) and values.min() >= 0 and values.max() <= len(values):
        # This does not need sorting; labels are usually small.
        distinct = np.flatnonzero(np.bincount(values))
        position = np.zeros(int(values.max()) + 1, dtype=np.intp)
        position[distinct] = np.arange(len(distinct))
        return distinct, position[values]
    distinct, inverse = np.unique(values, return_inverse=True)
    return distinct, inverse
