# SPDX-License-Identifier: GPL-3.0-or-later
"""Diffusion: atoms that hop from one site of a crystal to a neighboring one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from hyperspy_hrtemnn.analysis.assignment import assign

from .table import NONE, check_columns

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_ATOMS = re.compile(r"(\d+)(\D.*)")


def diffusion_events(
    events: pd.DataFrame, distance: float, *, max_frames: int = 1
) -> pd.DataFrame:
    """Find the events in which an atom moves from a site to one nearby.

    This is a pair of events, at most `max_frames` frames apart as far as is known, in
    which one site loses as many atoms of an element as the other gains. Each event is
    in one pair at most, and the pairs that are nearest in place and time are taken. A
    sulfur vacancy of MoS2 moves where a 1S column becomes 2S and a 2S column nearby
    becomes 1S: the atom goes the other way.

    Parameters
    ----------
    events
        Table from `column_events`. The name of a class is its number of atoms and their
        element, such as ``2S``; a class with another name is taken for one atom.
    distance
        Longest distance that an atom moves, in the unit of ``x``: for neighboring sites
        of one sublattice a little more than the lattice constant.
    max_frames
        Largest number of frames between the two events. An event that was not seen,
        because frames are missing, may have been in any of these.

    Returns
    -------
    A row for each move: ``frame``, the later of the two, ``time`` and ``id`` if there
    are such, ``atoms``, the atoms that moved, such as ``1S``, ``track_from`` and
    ``track_to``, ``x_from``, ``y_from``, ``x_to`` and ``y_to`` in that frame, the
    ``distance``, and ``frame_before``, the last frame in which both sites were as
    before.

    Raises
    ------
    ValueError
        If the table lacks a column or a number is out of range.
    """
    check_columns(events, "frame", "track", "x", "y", "x_corrected", "y_corrected")
    if not distance > 0:
        raise ValueError(f"distance has to be positive, not {distance}.")
    if max_frames < 0 or max_frames != int(max_frames):
        raise ValueError(f"max_frames is a number of frames, not {max_frames}.")
    start, end, atoms = pair_moves(events, distance, max_frames)
    frame, track = events["frame"].to_numpy(int), events["track"].to_numpy(int)
    earliest = _earliest(events)
    later = np.where(frame[start] > frame[end], start, end)
    order = np.lexsort([track[start], frame[later]])
    table = _table(events, atoms, start[order], end[order], later[order])
    both = np.minimum(earliest[start[order]], earliest[end[order]])
    return table.assign(frame_before=both - 1)


def pair_moves(
    events: pd.DataFrame, distance: float, max_frames: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.object_]]:
    """Return which events are the two ends of a move; see `diffusion_events`.

    Parameters
    ----------
    events, distance, max_frames
        See there.

    Returns
    -------
    Positions of the events in which a site loses atoms, and of those in which another
    gains them, shape (move,); and the atoms of all events, shape (event,).
    """
    changes = zip(events["before"], events["after"], strict=True)
    gains = [_gain(str(before), str(after)) for before, after in changes]
    gained = np.array([number for number, _ in gains], int)
    atoms = np.array([f"{abs(number)}{element}" for number, element in gains], object)
    first, second = np.flatnonzero(gained < 0), np.flatnonzero(gained > 0)
    places = events[["x_corrected", "y_corrected"]].to_numpy(float)
    near = cKDTree(places[first]).sparse_distance_matrix(
        cKDTree(places[second]), distance, output_type="ndarray"
    )
    first, second, length = first[near["i"]], second[near["j"]], near["v"]
    frame, track = events["frame"].to_numpy(int), events["track"].to_numpy(int)
    earliest = _earliest(events)
    apart = np.maximum(
        earliest[first] - frame[second], earliest[second] - frame[first]
    ).clip(0)
    possible = (
        (apart <= max_frames)
        & (atoms[first] == atoms[second])
        & (track[first] != track[second])
    )
    if "id" in events:
        particle = events["id"].to_numpy(int)
        possible &= particle[first] == particle[second]
    nearness = 3 - length / distance - apart / (max_frames + 1)
    start, end = assign(first[possible], second[possible], nearness[possible])
    return start, end, atoms


def atoms_gained(events: pd.DataFrame) -> NDArray[np.intp]:
    """Return how many atoms each site gains, negative for those that it loses.

    Parameters
    ----------
    events
        See `diffusion_events`.
    """
    changes = zip(events["before"], events["after"], strict=True)
    return np.array([_gain(str(b), str(a))[0] for b, a in changes], np.intp)


def _earliest(events: pd.DataFrame) -> NDArray[np.intp]:
    """Return the first frame in which each event may have been."""
    if "frame_before" in events:
        return events["frame_before"].to_numpy(int) + 1
    return events["frame"].to_numpy(int)


def _gain(before: str, after: str) -> tuple[int, str]:
    """Return how many atoms of which element a site gains; 0 if the element changes."""
    (had, element), (has, other) = _atoms(before), _atoms(after)
    if not had or not has or element == other:
        return has - had, element if had else other
    return 0, ""


def _atoms(name: str) -> tuple[int, str]:
    if name == NONE:
        return 0, ""
    parts = _ATOMS.fullmatch(name)
    return (int(parts[1]), parts[2]) if parts else (1, f" {name}")


def _table(
    events: pd.DataFrame,
    atoms: NDArray[np.object_],
    start: NDArray[np.intp],
    end: NDArray[np.intp],
    later: NDArray[np.intp],
) -> pd.DataFrame:
    """Return the rows of `diffusion_events` from the positions of the two events."""
    place = events[["x", "y"]].to_numpy(float)
    corrected = events[["x_corrected", "y_corrected"]].to_numpy(float)
    drift = (place - corrected)[later]
    result = events[[c for c in ("frame", "time", "id") if c in events]].iloc[later]
    result = result.reset_index(drop=True)
    result["atoms"] = atoms[start]
    for name, rows in (("from", start), ("to", end)):
        result[f"track_{name}"] = events["track"].to_numpy()[rows]
        result[[f"x_{name}", f"y_{name}"]] = corrected[rows] + drift
    result["distance"] = np.hypot(*(corrected[end] - corrected[start]).T)
    return result
