# SPDX-License-Identifier: GPL-3.0-or-later
"""Linking 5,000 columns over 500 frames, and finding their events.

A crystal of MoS2 that drifts, with positions 10 pm off, one column in fifty missed, and
one sulfur column in fifty that becomes a vacancy. Prints time, peak memory and how many
of the events are found.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import Counter

import numpy as np
import pandas as pd

from hyperspy_hrtemnn.analysis import column_events, find_vacancies, link_columns

A = 0.316


def movie(cells: int, frames: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a table of columns and the frames in which vacancies are made."""
    rng = np.random.default_rng(0)
    i, j = np.mgrid[:cells, :cells].reshape(2, -1)
    mo = A * np.stack([i + j / 2, j * np.sqrt(3) / 2], axis=1)
    places = np.concatenate([mo, mo + np.array([A / 2, A / 2 / np.sqrt(3)])])
    made = np.full(len(places), frames)
    chosen = len(mo) + rng.choice(len(mo), len(mo) // 50, replace=False)
    made[chosen] = rng.integers(5, frames - 5, len(chosen))
    drift = rng.normal(0, 0.02, (frames, 2)).cumsum(axis=0)
    tables = []
    for frame in range(frames):
        seen = rng.permutation(np.flatnonzero(rng.random(len(places)) > 0.02))
        xy = places[seen] + drift[frame] + rng.normal(0, 0.01, (len(seen), 2))
        names = np.where(seen < len(mo), "1Mo", "2S")
        names[frame >= made[seen]] = "1S"
        columns = {"frame": frame, "class": names, "x": xy[:, 0], "y": xy[:, 1]}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True), np.sort(made[chosen])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=50, help="along each side")
    parser.add_argument("--frames", type=int, default=500)
    options = parser.parse_args()
    table, made = movie(options.cells, options.frames)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    tracks = link_columns(table)
    linked = time.perf_counter()
    events = column_events(tracks, min_frames=5)
    found = time.perf_counter()
    some = table[table["frame"] < 20]
    find_vacancies(some)
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    changes = events.loc[events["after"] == "1S", "frame"].tolist()
    exact = sum((Counter(changes) & Counter(made.tolist())).values())
    print(f"{len(table)} columns in {options.frames} frames")
    print(f"linked in {linked - start:.1f} s, events in {found - linked:.1f} s")
    print(f"vacancies of a frame in {1000 * (done - found) / 20:.0f} ms")
    print(f"peak memory {peak:.0f} MB, {before:.0f} MB with the table alone")
    # Where the column is missed in that very frame, the next one is as likely.
    print(f"{len(changes)} of {len(made)} vacancies, {exact} in the right frame")
    print(f"{len(events) - len(changes)} other events")


if __name__ == "__main__":
    main()
