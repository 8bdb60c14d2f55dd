# SPDX-License-Identifier: GPL-3.0-or-later
"""Linking of the reflections of one particle from frame to frame while it rotates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .rotation import (
    Reflections,
    Tolerance,
    difference,
    particle_rotation,
    same_reflections,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


def link_reflections(
    reflections: pd.DataFrame,
    *,
    max_rotation: float = 15.0,
    spacing_tolerance: float = 0.04,
    angle_tolerance: float = 4.0,
) -> pd.DataFrame:
    """Link the reflections of one particle from frame to frame through a movie.

    In each frame the rotation of the whole particle is found first, from the votes of
    all its reflections, of which brighter ones count more. Then reflections are paired
    one to one with the known ones, rotated by this angle. New reflections get a new
    number. A reflection that vanishes may return after any time.

    Parameters
    ----------
    reflections
        Table with a row for each reflection in each frame: ``frame`` and the columns of
        `find_reflections`.
    max_rotation
        Largest expected rotation from one frame with reflections to the next [degrees].
        A larger one, as after a pause of the beam, is found where reflections in two
        directions show it and hardly any is at its expected angle.
    spacing_tolerance
        Largest relative difference of a spacing from the mean of the frames before.
    angle_tolerance
        Largest difference of an angle from this mean, without the rotation [degrees].

    Returns
    -------
    The table with ``reflection``, a number from 1 on, and ``rotation`` of the particle
    since its first frame, in degrees from x towards y. A spectrum looks the same after
    a rotation by 180 degrees, and that of a crystal along [100] by 90 degrees: a
    rotation of more than `max_rotation` is the smallest of those that look the same.

    Raises
    ------
    ValueError
        If a number is out of range.
    """
    tolerance = Tolerance(spacing_tolerance, angle_tolerance).checked()
    if not 0 < max_rotation <= 90:
        raise ValueError(f"max_rotation has to be in 0 to 90, not {max_rotation}.")
    number = np.zeros(len(reflections), np.intp)
    rotation = np.zeros(len(reflections))
    known = Reflections(*np.zeros((3, 0)))
    sightings = np.zeros(0)
    turn = 0.0
    columns = ("spacing", "angle", "amplitude")
    found = Reflections(*(reflections[name].to_numpy(float) for name in columns))
    for _, rows in sorted(reflections.groupby("frame").indices.items()):
        seen = found.only(np.asarray(rows)).turned(-turn)
        step = particle_rotation(known, seen, max_rotation, tolerance)
        turn += step
        seen = seen.turned(-step)
        before, now, _ = same_reflections(known, seen, tolerance)
        known, sightings = _averaged(known, sightings, seen, before, now)
        new = np.ones(len(rows), bool)
        new[now] = False
        number[rows[now]] = before + 1
        number[rows[new]] = len(sightings) + 1 + np.arange(new.sum())
        fresh = seen.only(new)
        known = Reflections(*map(np.concatenate, zip(known, fresh, strict=True)))
        sightings = np.append(sightings, np.ones(new.sum()))
        rotation[rows] = turn
    return reflections.assign(reflection=number, rotation=rotation)


def unseen_reflections(linked: pd.DataFrame, frames: Iterable[int]) -> pd.DataFrame:
    """Return the expected reflections in the frames in which they were not found.

    Parameters
    ----------
    linked
        Table of one particle, from `link_reflections`.
    frames
        Numbers of the frames that show the particle.

    Returns
    -------
    A row for each reflection that is missing in a frame: ``frame``, ``reflection``,
    ``spacing``, ``angle`` and ``rotation``. A frame without reflections has the
    rotation of the last frame with reflections.
    """
    turns = linked.groupby("frame")["rotation"].first().sort_index()
    means = mean_reflections(linked)
    index = pd.MultiIndex.from_product(
        [sorted(set(frames)), means["reflection"]], names=["frame", "reflection"]
    )
    seen = pd.MultiIndex.from_frame(linked[["frame", "reflection"]])
    missing = index.difference(seen).to_frame(index=False)
    missing = missing.merge(means[["reflection", "spacing", "angle"]], "left")
    before = np.searchsorted(turns.index, missing["frame"], side="right") - 1
    missing["rotation"] = turns.to_numpy()[np.maximum(before, 0)]
    missing["angle"] = (missing["angle"] + missing["rotation"]) % 180
    return missing


def mean_reflections(linked: pd.DataFrame) -> pd.DataFrame:
    """Return the mean of each reflection, rotated back to the particle's first frame.

    Parameters
    ----------
    linked
        Table of one particle, from `link_reflections`.

    Returns
    -------
    A row for each reflection: ``reflection``, the medians of ``spacing`` and
    ``amplitude``, the mean ``angle``, and ``frames``, the number of frames in which it
    was found.
    """
    turn = np.radians((linked["angle"] - linked["rotation"]).to_numpy())
    # Angles are doubled, because 180 degrees are the same as 0.
    rows = linked.assign(cos=np.cos(2 * turn), sin=np.sin(2 * turn))
    groups = rows.groupby("reflection")
    means = groups[["spacing", "amplitude"]].median()
    line = groups[["cos", "sin"]].mean()
    means["angle"] = np.degrees(np.arctan2(line["sin"], line["cos"])) / 2 % 180
    means["frames"] = groups.size()
    return means.reset_index()


def _averaged(
    known: Reflections,
    sightings: NDArray[np.float64],
    seen: Reflections,
    before: NDArray[np.intp],
    now: NDArray[np.intp],
) -> tuple[Reflections, NDArray[np.float64]]:
    """Return the reflections with the mean of all sightings."""
    sightings = sightings.copy()
    sightings[before] += 1
    spacing, angle, weight = (values.copy() for values in known)
    share = 1 / sightings[before]
    spacing[before] += share * (seen.spacing[now] - spacing[before])
    angle[before] += share * difference(seen.angle[now], angle[before])
    weight[before] += share * (seen.weight[now] - weight[before])
    return Reflections(spacing, angle, weight), sightings
