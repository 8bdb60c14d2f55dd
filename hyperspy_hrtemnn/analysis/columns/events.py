# SPDX-License-Identifier: GPL-3.0-or-later
"""Events of atomic columns: they appear, are lost, or change their class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from .steady_states import UNKNOWN, steady_states
from .table import check_columns, known_frames, neighbor_distance, unknown_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

NONE = "none"
"""The class of a site without a column."""

_PLACES = ("x", "y", "x_corrected", "y_corrected")

# Longest distance between tracks of one site, in distances of neighboring columns.
_SAME = 1 / 3

# Number of sites whose states are found together, in about 100 MB for a thousand
# frames.
_TOGETHER = 2000


def column_events(tracks: pd.DataFrame, *, min_frames: int = 3) -> pd.DataFrame:
    """Find when columns appear, are lost, or change their class.

    A sulfur vacancy is made where a 2S column of MoS2 becomes 1S or a 1S column is
    lost, and filled where it is the other way around. An event separates two states of
    a site that last `min_frames` frames at least, see
    `hyperspy_hrtemnn.analysis.steady_states`. Single frames in which a column is missed
    or taken for another class are not events. Tracks that follow each other in one
    place belong to one site. Nothing is known of sites nearer to the edge of the field
    of view than half the distance of neighboring columns, so that a column that drifts
    in or out of view is not an event.

    Frames that were left out, because they are blank or not on a zone axis, are
    unknown, not empty: see `hyperspy_hrtemnn.analysis.known_frames`. They do not count
    for `min_frames`. A change during such frames is one event, in the next frame that
    is known.

    Parameters
    ----------
    tracks
        Table from `link_columns`, with a ``class``. Its ``attrs`` are those that
        `Segmentation.find_columns` writes: ``unknown_frames`` are the frames that could
        not be used; all frames without a column are unknown, too. ``field`` has the
        lowest and highest ``x`` and ``y`` in view, by default everything.
    min_frames
        Shortest duration of a state, in frames that are known.

    Returns
    -------
    A row for each event, in the order of the frames: ``frame``, the first one of the
    new state, and ``time`` if there is one, ``track``, the first one of the site, the
    classes ``before`` and ``after``, "none" for a site without a column, ``x`` and
    ``y`` of the site in that frame, ``x_corrected`` and ``y_corrected`` of the site
    without drift, and ``frame_before``, the last frame in which the site was seen
    before: the event was between the two. ``attrs["unknown_frames"]`` has the numbers
    of all frames of which nothing is known.

    Raises
    ------
    ValueError
        If the table lacks a column or `min_frames` is less than 1.
    """
    check_columns(tracks, "frame", "class", "track", *_PLACES)
    if min_frames < 1 or min_frames != int(min_frames):
        raise ValueError(f"min_frames is a number of frames, not {min_frames}.")
    known = known_frames(tracks)
    left_out = unknown_frames(tracks)
    attrs = dict(tracks.attrs)
    tracks = tracks[tracks["frame"].isin(known)]
    distance = neighbor_distance(tracks)
    if not np.isfinite(distance):  # no frame has two columns
        distance = 0.0
    movie = _Movie(known, _drift(tracks, known), _View.of(attrs, distance / 2))
    sites = tracks.assign(track=_sites(tracks, _SAME * distance))
    sightings = sites.groupby("track")["frame"].transform("size")
    # For columns that are seen more rarely, "none" is the best explanation anyway.
    sites = sites[sightings >= min(min_frames, len(known)) / 2]
    group = (sites["track"].rank(method="dense") - 1) // _TOGETHER
    parts = [part for _, part in sites.groupby(group)] or [sites]
    events = pd.concat([_events_of(part, movie, min_frames) for part in parts])
    if "time" in tracks:
        time = tracks.groupby("frame")["time"].first()
        events.insert(1, "time", events["frame"].map(time))
    events = events.sort_values(["frame", "track"], ignore_index=True)
    events.attrs = attrs | {"unknown_frames": left_out}
    return events


def _sites(tracks: pd.DataFrame, distance: float) -> NDArray[np.intp]:
    """Return the first track of the site of each row.

    Tracks that are near each other are one site, unless they are seen in the same
    frame.
    """
    places = tracks.groupby("track")[["x_corrected", "y_corrected"]].mean()
    tracks_of_place = places.index.to_numpy()
    pairs = cKDTree(places.to_numpy(float)).query_pairs(distance, output_type="ndarray")
    ones = np.ones(len(pairs), bool)
    graph = coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(len(places),) * 2)
    _, group = connected_components(graph, directed=False)
    row = np.searchsorted(tracks_of_place, tracks["track"])
    at_once = pd.DataFrame({"group": group[row], "frame": tracks["frame"].to_numpy()})
    apart = at_once.loc[at_once.duplicated(), "group"].unique()
    first = np.full(len(places), tracks_of_place.max(initial=0))
    np.minimum.at(first, group, tracks_of_place)
    first_track = np.where(np.isin(group, apart), tracks_of_place, first[group])
    return np.asarray(first_track[row])


def _drift(tracks: pd.DataFrame, known: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the drift (x, y) of each frame that is known."""
    moved = pd.DataFrame({a: tracks[a] - tracks[f"{a}_corrected"] for a in "xy"})
    by_frame = moved.groupby(tracks["frame"]).median().reindex(known)
    return by_frame.to_numpy(float)


@dataclass(frozen=True)
class _View:
    """The corners (x, y) between which a site is in full view."""

    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]

    @classmethod
    def of(cls, attrs: dict[Any, Any], margin: float) -> _View:
        everything = dict.fromkeys("xy", (-np.inf, np.inf))
        field = np.array([attrs.get("field", everything)[a] for a in "xy"])
        return cls(field[:, 0] + margin, field[:, 1] - margin)

    def shows(self, places: NDArray[np.float64]) -> NDArray[np.bool_]:
        inside = (places >= self.lowest) & (places <= self.highest)
        return np.asarray(inside.all(axis=-1))


@dataclass(frozen=True)
class _Movie:
    """The frames that are known: number and drift (x, y) of each, and the view."""

    frames: NDArray[np.intp]
    drift: NDArray[np.float64]
    view: _View


def _events_of(tracks: pd.DataFrame, movie: _Movie, min_frames: int) -> pd.DataFrame:
    """Return the events of some of the tracks."""
    number, row = np.unique(tracks["track"], return_inverse=True)
    codes, names = pd.factorize(tracks["class"])
    classes = np.array([NONE, *names], object)
    corrected = tracks.groupby("track")[["x_corrected", "y_corrected"]].mean()
    sites = corrected.to_numpy(float)
    observed = np.zeros((len(number), len(movie.frames)), np.int64)
    observed[row, np.searchsorted(movie.frames, tracks["frame"])] = codes + 1
    observed[~movie.view.shows(sites[:, np.newaxis] + movie.drift)] = UNKNOWN
    states = steady_states(observed, len(classes), min_frames)
    site, last = np.nonzero(np.diff(states, axis=1))
    place = sites[site] + movie.drift[last + 1]
    seen = np.where(observed == UNKNOWN, 0, np.arange(len(movie.frames)))
    seen_before = np.maximum.accumulate(seen, axis=1)[site, last]
    return pd.DataFrame(
        {
            "frame": movie.frames[last + 1],
            "track": number[site],
            "before": classes[states[site, last]],
            "after": classes[states[site, last + 1]],
            "x": place[:, 0],
            "y": place[:, 1],
            "x_corrected": sites[site, 0],
            "y_corrected": sites[site, 1],
            "frame_before": movie.frames[seen_before],
        }
    )
