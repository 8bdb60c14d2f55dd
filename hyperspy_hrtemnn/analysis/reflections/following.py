# SPDX-License-Identifier: GPL-3.0-or-later
"""Reflections of one particle in all frames, numbered and indexed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from hyperspy_hrtemnn.options import FollowingOptions

from .indexing import index_reflections
from .linking import link_reflections, mean_reflections, unseen_reflections

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .crystal import Crystal


def follow_reflections(
    reflections: pd.DataFrame,
    frames: Iterable[int],
    crystal: Crystal | None = FollowingOptions.crystal,
    *,
    min_share: float = FollowingOptions.min_share,
    max_rotation: float = FollowingOptions.max_rotation,
    spacing_tolerance: float = FollowingOptions.spacing_tolerance,
    angle_tolerance: float = FollowingOptions.angle_tolerance,
) -> pd.DataFrame:
    """Link the reflections of one particle through all frames, and index them.

    Parameters
    ----------
    reflections
        Table with a row for each reflection in each frame: ``frame`` and the columns of
        `find_reflections`.
    frames
        Numbers of the frames that show the particle.
    crystal
        Crystal of the particle; by default nothing is indexed.
    min_share
        Smallest share of these frames in which a reflection has to be found. Others are
        left out.
    max_rotation
        See `link_reflections`.
    spacing_tolerance, angle_tolerance
        See `link_reflections` and `index_reflections`.

    Returns
    -------
    The table with ``reflection``, from 1 on, the brightest first, and ``rotation`` of
    `link_reflections`; ``found``, which is False in added rows for reflections that
    were not found in a frame, and whose brightness is still to be measured; and
    ``family``, ``lattice`` and ``zone_axis`` of `index_reflections`, the same in all
    frames. The rows are sorted by frame and reflection.

    Raises
    ------
    ValueError
        If a number is out of range.
    """
    if not 0 <= min_share <= 1:
        raise ValueError(f"min_share has to be in 0 to 1, not {min_share}.")
    tolerances = {
        "spacing_tolerance": spacing_tolerance,
        "angle_tolerance": angle_tolerance,
    }
    frames = sorted(set(frames))
    linked = link_reflections(reflections, max_rotation=max_rotation, **tolerances)
    means = mean_reflections(linked)
    means = means[means["frames"] >= min_share * len(frames)]
    means = means.sort_values("amplitude", ascending=False, ignore_index=True)
    linked = linked[linked["reflection"].isin(means["reflection"])]
    unseen = unseen_reflections(linked, frames)
    table = pd.concat([linked.assign(found=True), unseen.assign(found=False)])
    if crystal is not None:
        counts = pd.crosstab(linked["frame"], linked["reflection"])
        shown = counts[means["reflection"]].to_numpy()
        together = shown.T @ shown > 0
        names = index_reflections(means, crystal, together, **tolerances)
        columns = ["reflection", "family", "lattice", "zone_axis"]
        table = table.merge(names[columns], "left")
    order = dict(zip(means["reflection"], means.index + 1, strict=True))
    table["reflection"] = table["reflection"].map(order)
    table = table.sort_values(["frame", "reflection"], ignore_index=True)
    return table.astype({"reflection": int, "found": bool})
