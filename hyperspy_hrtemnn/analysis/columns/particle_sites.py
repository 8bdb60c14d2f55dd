# SPDX-License-Identifier: GPL-3.0-or-later
"""Sites of particles: their columns in each particle's own frame of reference.

A particle drifts, and turns in the plane of the image. What its columns do is seen only
when that is taken out, for each particle by itself.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from hyperspy_hrtemnn.analysis.assignment import assign, near_pairs

from .rigid_motion import RigidMotion, find_motion
from .table import check_columns, neighbor_distance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.float64]

# Turns that are tried where the particle may have turned, beside that of the frame
# before [degrees]. A turn is found from one that is 4 degrees off in particles of up to
# twelve columns across; a close-packed lattice looks the same after 60 degrees.
_TURNS = np.array([0, 4, -4, 8, -8, 12, -12, 16, -16])

# A frame of which less than this share of the columns is on sites is not understood:
# another grain, or a particle that is not on a zone axis after all.
_LEAST_SHARE = 0.5

# A column that is less certain than this takes part neither in finding the motion nor
# in averaging the place of a site, and a certain one has the first choice.
_CERTAIN = 0.5

# Sites that are farther outside the particle than this, in distances of neighbors, are
# those of something else. In simulated images of gold on CeO2 columns on the surface
# are up to 0.38 outside the mask of a network, and half of the columns of the oxide
# that a network takes for gold are more than 0.5 outside. The mask flickers, so that
# frame by frame the same column would be a member, and not be one.
_OUTSIDE = 0.4

_NEAREST = 1 / 3  # distance of a column from its site, in distances of neighbors

_AVERAGED = 30  # sightings over which the place of a site is averaged


def place_on_sites(columns: pd.DataFrame) -> pd.DataFrame:
    """Find the site of each column, in the frame of reference of its particle.

    In each frame the turn and shift are found that bring the sites of a particle onto
    its columns, from where it was in the frame before; after frames that were left out
    larger turns are tried, too. Each column is then paired with at most one site, and a
    column without one begins a new site. All of a particle moves as one: strains of a
    third of the distance of columns over its diameter are no longer followed.

    Parameters
    ----------
    columns
        Table from `Segmentation.find_columns`: a row for each column in each frame,
        with ``frame``, ``x`` and ``y``, ``id`` of the particle if there is one, and
        ``confidence`` and ``outside`` if there are such. Frames of a particle that are
        not in the table are unknown. Rows with the ``id`` 0, which belong to no
        particle, are left out, and so are all of a site that is more than 0.4 distances
        of neighboring columns outside its particle in most frames.

    Returns
    -------
    The table with ``track``, the number of the site from 1 on, no two particles have
    the same, ``x_corrected`` and ``y_corrected``, the place of the column in the frame
    of reference of the particle, which is where it lay when it was first seen, and
    ``rotation`` since then, in degrees from x towards y. A frame is left out where less
    than half of the columns of the particle are on sites of it. It goes on as that of
    `link_columns` does, to `column_events`.

    Raises
    ------
    ValueError
        If the table lacks a column, or a place is not finite.

    Examples
    --------
    >>> i, j = np.mgrid[:3, :4].reshape(2, -1)
    >>> first = pd.DataFrame({"frame": 0, "x": i + 0.2 * j, "y": 0.9 * j})
    >>> second = first.assign(frame=1, x=first["x"] + 5.3)
    >>> sites = place_on_sites(pd.concat([first, second], ignore_index=True))
    >>> int(sites["track"].max())
    12
    """
    check_columns(columns, "frame", "x", "y")
    attrs = dict(columns.attrs)
    if "id" not in columns:
        particles = [columns]
    else:
        own = columns[columns["id"] > 0]
        particles = [rows for _, rows in own.groupby("id")]
    tables, last = [], 0
    for rows in particles:
        table = _of_particle(rows, last)
        last = int(table["track"].max()) if len(table) else last
        tables.append(table)
    empty = columns.iloc[:0].assign(
        track=np.zeros(0, int), x_corrected=0.0, y_corrected=0.0, rotation=0.0
    )
    result = pd.concat(tables or [empty]).sort_index(kind="stable")
    result.attrs = attrs
    return result


def _of_particle(columns: pd.DataFrame, last: int) -> pd.DataFrame:
    """Return the columns of one particle with their sites, which follow `last`."""
    distance = neighbor_distance(columns)
    if not math.isfinite(distance):
        distance = 1.0  # no frame has two columns
    certain = np.ones(len(columns), bool)
    if "confidence" in columns:
        certain = columns["confidence"].to_numpy(float) >= _CERTAIN
    crystal = _Crystal(distance)
    frame = columns["frame"].to_numpy()
    places = columns[["x", "y"]].to_numpy(float)
    kept, parts = [], []
    for number in np.unique(frame):
        rows = np.flatnonzero(frame == number)
        part = crystal.next(int(number), places[rows], certain[rows])
        if part is not None:
            on_site = part[0] >= 0
            kept.append(rows[on_site])
            parts.append(tuple(each[on_site] for each in part))
    rows = np.concatenate([np.zeros(0, np.intp), *kept])
    track, corrected, rotation = (
        np.concatenate([np.zeros((0, 2) if k == 1 else 0), *each])
        for k, each in enumerate(zip(*parts, strict=True) if parts else ((), (), ()))
    )
    table = columns.iloc[rows].assign(
        track=track.astype(np.int64) + 1 + last,
        x_corrected=corrected[:, 0],
        y_corrected=corrected[:, 1],
        rotation=rotation,
    )
    if "outside" in table:
        outside = table.groupby("track")["outside"].transform("median")
        table = table[outside <= _OUTSIDE * distance]
    return table


class _Crystal:
    """The sites of a particle, and how it lies in the latest frame.

    Parameters
    ----------
    distance
        Distance of neighboring columns.
    """

    def __init__(self, distance: float) -> None:
        self._distance = distance
        self._places = np.zeros((0, 2))
        self._sightings = np.zeros(0)
        self._latest = np.zeros(0, bool)
        self._motion = RigidMotion(0.0, np.zeros(2))
        self._frame: int | None = None

    def next(
        self, frame: int, found: Places, certain: NDArray[np.bool_]
    ) -> tuple[NDArray[np.intp], Places, Places] | None:
        """Return sites, places and turn of the columns of the next frame.

        The site is -1 where another column is on it. None if the columns are not those
        of this crystal.
        """
        if self._frame is None:
            if certain.sum() < 1:
                return None
        else:
            turns = _TURNS if frame - self._frame > 1 else _TURNS[:3]
            motion, pairs = find_motion(
                self._places[self._latest],
                found[certain],
                self._motion.angle + np.radians(turns),
                self._distance,
            )
            if pairs < _LEAST_SHARE * min(self._latest.sum(), certain.sum()):
                return None
            self._motion = motion
        self._frame = frame
        own = self._motion.back(found)
        site = np.full(len(own), -1)
        for chosen in (np.flatnonzero(certain), np.flatnonzero(~certain)):
            self._assign(own, site, chosen)
        self._update(own, site, certain)
        turn = np.full(len(found), np.degrees(self._motion.angle))
        return site, own, turn

    def _assign(
        self, own: Places, site: NDArray[np.intp], chosen: NDArray[np.intp]
    ) -> None:
        """Find the sites of some columns; those without one begin a new one."""
        nearest = _NEAREST * self._distance
        free = np.setdiff1d(np.arange(len(self._places)), site)
        known, now = assign(*near_pairs(self._places[free], own[chosen], nearest))
        site[chosen[now]] = free[known]
        left = np.setdiff1d(chosen, chosen[now])
        if len(left) and len(self._places):
            apart, _ = cKDTree(self._places).query(own[left])
            left = left[apart > nearest]
        site[left] = len(self._places) + np.arange(len(left))
        self._places = np.concatenate([self._places, own[left]])
        self._sightings = np.append(self._sightings, np.zeros(len(left)))

    def _update(
        self, own: Places, site: NDArray[np.intp], certain: NDArray[np.bool_]
    ) -> None:
        seen, place = site[certain], own[certain]
        self._sightings[seen] += 1
        weight = 1 / np.minimum(self._sightings[seen], _AVERAGED)
        self._places[seen] += weight[:, np.newaxis] * (place - self._places[seen])
        self._latest = np.zeros(len(self._places), bool)
        self._latest[seen] = True


def on_axis_columns(columns: pd.DataFrame, on_axis: pd.DataFrame) -> pd.DataFrame:
    """Leave out columns of particles in frames in which they are not on a zone axis.

    There columns are not resolved, so that nobody knows which sites are empty: these
    frames are unknown, not without columns.

    Parameters
    ----------
    columns
        Table of columns with ``frame`` and ``id``.
    on_axis
        Table with ``frame`` and ``id`` of the particles on a zone axis, from
        `hyperspy_hrtemnn.analysis.on_axis_frames`.

    Returns
    -------
    The rows that are left, with the ``attrs`` of `columns`.
    """
    check_columns(columns, "frame", "id")
    check_columns(on_axis, "frame", "id")
    pairs = pd.MultiIndex.from_frame(columns[["frame", "id"]])
    known = pd.MultiIndex.from_frame(on_axis[["frame", "id"]])
    kept = columns[pairs.isin(known)]
    kept.attrs = dict(columns.attrs)
    return kept
