# SPDX-License-Identifier: GPL-3.0-or-later
"""Events of atomic columns: they appear, vanish, jump, or change their class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from .coordination import coordination
from .diffusion import pair_moves
from .hidden_states import decode_states
from .steady_states import UNKNOWN
from .table import (
    NONE,
    check_columns,
    known_frames,
    neighbor_distance,
    unknown_frames,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PLACES = ("x", "y", "x_corrected", "y_corrected")

# Longest distance between tracks of one site, and of a jump, in distances of
# neighboring columns. Two steps along a row are 2, the next site of a neighboring row
# is at most 1.9 away, and that of the row after it is farther than 2.25.
_SAME = 1 / 3
_JUMP = 2.25

# The two ends of a jump are found in the same frame or in neighboring ones.
_FRAMES_OF_A_JUMP = 1

# How sure a network is of a column, the better measure first: a few pixels that are
# certain do not make one.
_EVIDENCE = ("filling", "confidence")

# Steps in which it is counted, and from which of these on there may be a column; from
# which there is one comes out.
_LEVELS = np.linspace(0.1, 0.9, 9)
_GUESSES = (0.4, 0.6, 0.8)


def column_events(
    tracks: pd.DataFrame,
    *,
    min_frames: int = 3,
    min_probability: float = 0.5,
    max_jump: float | None = None,
) -> pd.DataFrame:
    """Find when columns appear, vanish, jump to another site, or change their class.

    A sulfur vacancy is made where a 2S column of MoS2 becomes 1S or a 1S column is
    lost, and filled where it is the other way around. An event separates two states of
    a site that last `min_frames` frames at least. The states are those that are most
    probable, given all frames: how often columns are missed, false or taken for another
    class, how certain they then are, and how often sites change is found from the table
    itself, see `hyperspy_hrtemnn.analysis.decode_states`. Sites in the bulk change at
    another rate than those on the surface, which have fewer neighbors. Tracks that
    follow each other in one place belong to one site. Nothing is known of sites nearer
    to the edge of the field of view than half the distance of neighboring columns, so
    that a column that drifts in or out of view is not an event.

    Frames that were left out, because they are blank or not on a zone axis, are
    unknown, not empty: see `hyperspy_hrtemnn.analysis.known_frames`. Each particle has
    its own. They do not count for `min_frames`. A change during such frames is one
    event, in the next frame that is known.

    Parameters
    ----------
    tracks
        Table from `link_columns` or `place_on_sites`, with a ``class``. If it has a
        ``filling`` or a ``confidence``, columns need not be certain: with a low
        threshold in `Segmentation.find_columns`, such as 0.1, the doubtful ones count
        as what they are. If it has an ``id``, each particle is looked at by itself. Its
        ``attrs`` are those that `Segmentation.find_columns` writes: ``unknown_frames``
        are the frames that could not be used; all frames without a column are unknown,
        too. ``field`` has the lowest and highest ``x`` and ``y`` in view, by default
        everything.
    min_frames
        Shortest duration of a state, in frames that are known.
    min_probability
        Events that are less probable than this are left out.
    max_jump
        Longest distance of a jump, in the unit of ``x``. The default is 2.25 times the
        distance of neighboring columns.

    Returns
    -------
    A row for each event of a site, in the order of the frames: ``frame``, the first one
    of the new state, ``time`` and ``id`` if there are such, ``track``, the first one of
    the site, and ``kind``: "appears", "vanishes", "changes" its class, or "jumps". A
    jump is two rows, one for each of its ends, with the same number as ``jump``, which
    is 0 for others: one site loses as many atoms of an element as the other gains, see
    `diffusion_events`, at most one frame apart. ``before`` and ``after`` are the
    classes, "none" for a site without a column. ``probability`` is that of the event,
    given all frames; it is low where columns in the frames around it were doubtful, and
    where a site flickers, such as those at the edge of a support. ``x`` and ``y`` of
    the site in that frame, ``x_corrected`` and ``y_corrected`` of the site without
    drift, ``coordination``, the mean number of columns around it, ``surface``, whether
    these are fewer than in the bulk, and ``frame_before``, the last frame in which the
    site was seen before: the event was between the two. ``attrs["unknown_frames"]`` has
    the numbers of all frames of which nothing is known.

    Raises
    ------
    ValueError
        If the table lacks a column or a number is out of range.
    """
    check_columns(tracks, "frame", "class", "track", *_PLACES)
    if min_frames < 1 or min_frames != int(min_frames):
        raise ValueError(f"min_frames is a number of frames, not {min_frames}.")
    if not 0 <= min_probability <= 1:
        raise ValueError(f"min_probability is {min_probability}; it has to be 0 to 1.")
    if max_jump is not None and not max_jump > 0:
        raise ValueError(f"max_jump has to be positive, not {max_jump}.")
    attrs = dict(tracks.attrs)
    left_out = unknown_frames(tracks)
    tracks = tracks[tracks["frame"].isin(known_frames(tracks))]
    distance = neighbor_distance(tracks)
    if not np.isfinite(distance):  # no frame has two columns
        distance = 0.0
    if "id" in tracks and len(tracks):
        parts = [
            _events_of(rows, attrs, distance, min_frames).assign(id=number)
            for number, rows in tracks.groupby("id")
        ]
    else:
        parts = [_events_of(tracks, attrs, distance, min_frames)]
    events = pd.concat(parts)
    events = events[events["probability"] >= min_probability]
    if "id" in tracks:
        events.insert(1, "id", events.pop("id") if "id" in events else 0)
    if "time" in tracks:
        time = tracks.groupby("frame")["time"].first()
        events.insert(1, "time", events["frame"].map(time))
    events = events.sort_values(["frame", "track"], ignore_index=True)
    events = _with_kinds(events, _JUMP * distance if max_jump is None else max_jump)
    events.attrs = attrs | {"unknown_frames": left_out}
    return events


def _with_kinds(events: pd.DataFrame, max_jump: float) -> pd.DataFrame:
    """Return events with what they are, and the number of the jump they belong to."""
    kind = np.full(len(events), "changes", object)
    kind[events["before"] == NONE] = "appears"
    kind[events["after"] == NONE] = "vanishes"
    jump = np.zeros(len(events), np.int64)
    if max_jump > 0 and len(events):
        start, end, _ = pair_moves(events, max_jump, _FRAMES_OF_A_JUMP)
        order = np.argsort(np.minimum(start, end))
        jump[start[order]] = jump[end[order]] = 1 + np.arange(len(order))
        kind[jump > 0] = "jumps"
    names = list(events.columns)
    behind = names.index("track") + 1
    events = events.assign(kind=kind, jump=jump)
    return events[[*names[:behind], "kind", "jump", *names[behind:]]]


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


def _motion(
    tracks: pd.DataFrame, known: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the drift (x, y), and the turn [radians], of each frame that is known."""
    turn = np.zeros(len(known))
    if "rotation" in tracks:
        of_frame = tracks.groupby("frame")["rotation"].first().reindex(known)
        turn = np.radians(of_frame.to_numpy(float))
    cosine, sine = (
        f(np.radians(tracks["rotation"])) if "rotation" in tracks else value
        for f, value in ((np.cos, 1.0), (np.sin, 0.0))
    )
    x, y = tracks["x_corrected"], tracks["y_corrected"]
    turned = {"x": x * cosine - y * sine, "y": x * sine + y * cosine}
    moved = pd.DataFrame({a: tracks[a] - turned[a] for a in "xy"})
    by_frame = moved.groupby(tracks["frame"]).median().reindex(known)
    return by_frame.to_numpy(float), turn


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


def _symbols(
    tracks: pd.DataFrame,
) -> tuple[NDArray[np.int64], NDArray[np.intp], NDArray[np.object_]]:
    """Return what was observed in each row as a number, and what that means.

    Returns
    -------
    The number of each row, from 1 on, as 0 is a frame without a column; guesses of the
    state that each number suggests, shape (guess, number); and the names of the states.
    """
    codes, names = pd.factorize(tracks["class"])
    classes = np.array([NONE, *names], object)
    evidence = next((name for name in _EVIDENCE if name in tracks), None)
    if evidence is None:
        return codes + 1, np.arange(len(classes))[np.newaxis], classes
    level = np.searchsorted(_LEVELS, tracks[evidence], side="right")
    levels = len(_LEVELS) + 1
    numbers = codes * levels + level + 1
    suggested = np.append(0, np.repeat(np.arange(1, len(classes)), levels))
    if len(names) != 1:
        # Of several classes the column is as certain as all of them together.
        return numbers, suggested[np.newaxis], classes
    above = np.concatenate([[-1, 0], _LEVELS])
    guesses = [np.where(above > least - 1e-9, suggested, 0) for least in _GUESSES]
    return numbers, np.stack(guesses), classes


def _events_of(
    tracks: pd.DataFrame, attrs: dict[Any, Any], distance: float, min_frames: int
) -> pd.DataFrame:
    """Return the events of one particle, or of a movie without particles."""
    known = np.unique(tracks["frame"].to_numpy(np.intp))
    drift, turn = _motion(tracks, known)
    symbol, suggests, classes = _symbols(tracks)
    site = _sites(tracks, _SAME * distance)
    certain = suggests[0, symbol] > 0
    sightings = pd.Series(certain).groupby(site).transform("sum").to_numpy()
    # For columns that are seen more rarely, "none" is the best explanation anyway.
    kept = sightings >= max(min(min_frames, len(known)) / 2, 0.5)
    tracks, symbol, site = tracks[kept], symbol[kept], site[kept]
    number, row = np.unique(site, return_inverse=True)
    means = tracks.groupby(site)[["x_corrected", "y_corrected"]].mean()
    sites = means.to_numpy(float).reshape(-1, 2)
    observed = np.zeros((len(number), len(known)), np.int64)
    observed[row, np.searchsorted(known, tracks["frame"])] = symbol
    cosine, sine = np.cos(turn), np.sin(turn)
    x, y = (sites[:, [axis]] for axis in (0, 1))
    places = np.stack([x * cosine - y * sine, x * sine + y * cosine], axis=2) + drift
    observed[~_View.of(attrs, distance / 2).shows(places)] = UNKNOWN
    seen = observed != UNKNOWN
    there = (suggests[0, observed] > 0) & seen
    share = there.sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    around = coordination(sites, distance, share)
    decoded = decode_states(
        observed,
        suggests,
        frames=known,
        groups=around.surface.astype(np.intp),
        min_frames=min_frames,
    )
    states = decoded.states
    which, last = np.nonzero(np.diff(states, axis=1))
    latest = np.maximum.accumulate(np.where(seen, np.arange(len(known)), 0), axis=1)
    return pd.DataFrame(
        {
            "frame": known[last + 1],
            "track": number[which],
            "before": classes[states[which, last]],
            "after": classes[states[which, last + 1]],
            "probability": decoded.changed[which, last],
            "x": places[which, last + 1, 0],
            "y": places[which, last + 1, 1],
            "x_corrected": sites[which, 0],
            "y_corrected": sites[which, 1],
            "coordination": around.neighbors[which],
            "surface": around.surface[which],
            "frame_before": known[latest[which, last]],
        }
    )
