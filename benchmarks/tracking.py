# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracking against trackpy and laptrack, on simulated movies with truth.

All get the same particles, split frame by frame by `split_particles`: this package and
laptrack's OverLapTrack the label images, the others their centroids. Search ranges are
the longest step of the scenario, for this package without the drift of the whole field,
which it takes out by itself; memories are the longest absence. Scores are those of
py-motmetrics, a particle and a label matching from an IoU of 0.5 on. The time is the
processor's, for linking alone, the fastest of a second's repetitions: labels to linked
labels here, the centroids are there already. What scikit-image takes to find them is
printed below.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import motmetrics
import numpy as np
import pandas as pd
import trackpy
from laptrack import LapTrack, OverLapTrack
from skimage.measure import regionprops_table

from hyperspy_hrtemnn.analysis import (
    ParticleTracker,
    particle_properties,
    split_particles,
)
from moving_particles import SCENARIOS, Movie

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Labels = NDArray[np.int32]
    # For each frame, the id of each label; 0 for the background.
    Ids = list[NDArray[np.int64]]

MIN_SEPARATION = 9.0
MIN_AREA = 40.0
# Centroids are not exactly where the particles are.
_SLACK = 2.0
# Seconds for which a tracker is repeated: a page fault may take longer than linking.
_REPEATED = 1.0

_COUNTS = ["id switches", "fragmentations"]
_MEANS = ["IDF1", "ms per frame"]


@dataclass(frozen=True)
class Task:
    """What a tracker gets: labels of each frame, their table, and its settings."""

    labels: list[Labels]
    table: pd.DataFrame
    search_range: float
    own_search_range: float
    memory: int

    @classmethod
    def of(cls, movie: Movie, masks: list[NDArray[np.bool_]]) -> Task:
        """Split the particles of a movie."""
        labels = [
            split_particles(mask, MIN_SEPARATION, min_area=MIN_AREA) for mask in masks
        ]
        tables = [
            particle_properties(one).assign(frame=n) for n, one in enumerate(labels)
        ]
        table = pd.concat(tables, ignore_index=True)
        table = table[["frame", "y", "x", "id"]].rename(columns={"id": "label"})
        ranges = movie.longest_step() + _SLACK, movie.longest_own_step() + _SLACK
        return cls(labels, table, *ranges, movie.memory)

    def ids(self, linked: pd.DataFrame, name: str) -> Ids:
        """Return the ids from a table with the columns ``frame``, ``label``, `name`."""
        ids = [np.zeros(one.max() + 1, np.int64) for one in self.labels]
        for frame, label, track in linked[["frame", "label", name]].to_numpy(int):
            ids[frame][label] = track + 1
        return ids


def ours(task: Task) -> Callable[[], Ids]:
    """Link by overlap, with the settings `Segmentation.track_instances` has."""
    tracker = ParticleTracker(memory=task.memory, search_range=task.own_search_range)
    linked = [tracker.link(one) for one in task.labels]
    return lambda: [_renamed(*pair) for pair in zip(task.labels, linked, strict=True)]


def _renamed(labels: Labels, linked: Labels) -> NDArray[np.int64]:
    ids = np.zeros(labels.max() + 1, np.int64)
    ids[labels.ravel()] = linked.ravel()
    return ids


def trackpy_nearest(task: Task) -> Callable[[], Ids]:
    """Link with trackpy; dense fields need its adaptive search."""
    linked = trackpy.link(
        task.table,
        task.search_range,
        memory=task.memory,
        **_adaptive(task.search_range),
    )
    return lambda: task.ids(linked, "particle")


def trackpy_drift(task: Task) -> Callable[[], Ids]:
    """Link with trackpy, which expects the drift of the frame before."""
    predictor = trackpy.predict.DriftPredict()
    linked = predictor.link_df(
        task.table,
        task.search_range,
        memory=task.memory,
        **_adaptive(task.search_range),
    )
    return lambda: task.ids(linked, "particle")


def _adaptive(search_range: float) -> dict[str, float]:
    return {"adaptive_stop": min(2.0, search_range / 2), "adaptive_step": 0.9}


def laptrack_nearest(task: Task) -> Callable[[], Ids]:
    """Link with laptrack, squared distances."""
    tracker = LapTrack(
        cutoff=task.search_range**2,
        gap_closing_cutoff=task.search_range**2 if task.memory else False,
        gap_closing_max_frame_count=task.memory + 1,
    )
    linked, _, _ = tracker.predict_dataframe(
        task.table, ["y", "x"], only_coordinate_cols=False
    )
    return lambda: task.ids(linked, "track_id")


def laptrack_overlap(task: Task) -> Callable[[], Ids]:
    """Link with laptrack by overlap over the area in the frame before, at least 0.1."""
    tracker = OverLapTrack(
        cutoff=0.9,
        gap_closing_cutoff=0.9 if task.memory else False,
        gap_closing_max_frame_count=task.memory + 1,
    )
    linked, _, _ = tracker.predict_overlap_dataframe(task.labels)
    return lambda: task.ids(linked.reset_index(), "track_id")


TRACKERS = {
    "this package": ours,
    "trackpy": trackpy_nearest,
    "trackpy, drift": trackpy_drift,
    "laptrack": laptrack_nearest,
    "laptrack, overlap": laptrack_overlap,
}


class Score:
    """Distances of truth and labels, found once, scored for any ids of the labels."""

    def __init__(self, truths: list[Labels], labels: list[Labels]) -> None:
        self.frames = [_distances(*pair) for pair in zip(truths, labels, strict=True)]

    def of(self, ids: Ids) -> dict[str, float]:
        """Return id switches, fragmentations and IDF1."""
        accumulator = motmetrics.MOTAccumulator(auto_id=True)
        for (particles, found, distance), id_of in zip(self.frames, ids, strict=True):
            accumulator.update(particles, id_of[found], distance)
        names = ["num_switches", "num_fragmentations", "idf1"]
        scores = motmetrics.metrics.create().compute(accumulator, metrics=names)
        columns = ("id switches", "fragmentations", "IDF1")
        return dict(zip(columns, scores[names].iloc[0].tolist(), strict=True))


def _distances(
    truth: Labels, labels: Labels
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return particles, labels, and 1 - IoU of all pairs, nan above 0.5."""
    shape = (truth.max() + 1, labels.max() + 1)
    pairs = np.ravel_multi_index((truth.ravel(), labels.ravel()), shape)
    shared = np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape)
    area, found_area = shared.sum(axis=1), shared.sum(axis=0)
    iou = shared / (area[:, np.newaxis] + found_area - shared + 1e-9)
    here, found = np.flatnonzero(area[1:]) + 1, np.flatnonzero(found_area[1:]) + 1
    distance = 1 - iou[np.ix_(here, found)]
    return here, found, np.where(distance <= 0.5, distance, np.nan)


def timed(
    tracker: Callable[[Task], Callable[[], Ids]], task: Task
) -> tuple[Callable[[], Ids], float]:
    """Return what a tracker finds, and the fastest of some repetitions in seconds."""
    times: list[float] = []
    while not times or sum(times) < _REPEATED:
        started = time.process_time()
        ids = tracker(task)
        times.append(time.process_time() - started)
    return ids, min(times)


def compare(scenario: str, seed: int, frames: int) -> list[dict[str, Any]]:
    """Run all trackers on a movie and return a row for each."""
    movie = SCENARIOS[scenario](seed)
    truths, masks = zip(*(movie.frame(number) for number in range(frames)), strict=True)
    task = Task.of(movie, list(masks))
    score = Score(list(truths), task.labels)
    started = time.process_time()
    for labels in task.labels:
        regionprops_table(labels, properties=("label", "centroid"))
    centroids = 1000 * (time.process_time() - started) / frames
    rows = []
    for name, tracker in TRACKERS.items():
        ids, spent = timed(tracker, task)
        row = {"scenario": scenario, "tracker": name, **score.of(ids())}
        row |= {"ms per frame": 1000 * spent / frames, "centroids": centroids}
        rows.append(row)
    return rows


def main() -> None:
    """Print a table for each quantity: scenarios by trackers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", default=list(SCENARIOS), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=100)
    options = parser.parse_args()
    trackpy.quiet()
    warnings.filterwarnings("ignore", module="laptrack|trackpy|motmetrics")
    compare("still", 0, 3)  # imports and compilation are not linking
    rows = [
        row
        for scenario in options.scenarios
        for seed in range(options.seeds)
        for row in compare(scenario, seed, options.frames)
    ]
    table = pd.DataFrame(rows)
    groups = table.groupby(["scenario", "tracker"], sort=False)
    sums = groups[_COUNTS].sum().reset_index()
    means = groups[_MEANS].mean().reset_index()
    for name in (*_COUNTS, *_MEANS):
        shown = (sums if name in _COUNTS else means).pivot_table(
            name, "scenario", "tracker", sort=False
        )
        print(f"\n{name}\n{shown.round(3).to_string()}")
    print(
        f"\ncentroids with scikit-image: {table['centroids'].mean():.2f} ms per frame"
    )


if __name__ == "__main__":
    main()
