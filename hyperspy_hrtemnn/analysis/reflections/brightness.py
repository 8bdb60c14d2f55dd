# SPDX-License-Identifier: GPL-3.0-or-later
"""Brightness ratio of reflections, which shows whether a particle is on a zone axis."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .rotation import in_two_directions

# Reflections with spacings below this fraction of that of the brightest are left out:
# the lenses make them dim in any orientation.
_FIRST_ORDER = 0.75

_NEEDED = {"frame", "id", "reflection", "spacing", "angle", "amplitude"}
_NEEDED |= {"found", "rotation"}


def brightness_ratio(peaks: pd.DataFrame) -> pd.DataFrame:
    """Return the ratio of the brightest reflection to the dimmest.

    On a zone axis all reflections of the first order are about equally bright; away
    from it, one row of planes is brighter than the others. A reflection counts if its
    spacing is at least 3/4 of that of the brightest one and, where a crystal is known,
    if it belongs to the crystal. Of a twin, only reflections of its first lattice alone
    count, because both lattices contribute to the shared ones.

    Parameters
    ----------
    peaks
        Table from `LocalFFT.peak_table`. It has a row for a reflection also in frames
        in which it was not found, so that a reflection that vanished is the dimmest.

    Returns
    -------
    A row for each particle in each frame, ``frame``, ``time`` if there is one, ``id``,
    ``brightness_ratio``, of amplitudes, and ``directions``, the number of directions
    (0, 1 or 2) in which reflections that count were found. The ratio is infinite where
    the particle never shows a second direction, and NaN where it never shows any.
    ``attrs["unknown_frames"]`` is that of `peaks`, if it has one.

    Raises
    ------
    TypeError
        If `peaks` is not a table of reflections.

    References
    ----------
    Leth Larsen et al., Microsc. Microanal. 28 S1 (2022) 2984, figure 2.
    """
    if not isinstance(peaks, pd.DataFrame) or not set(peaks) >= _NEEDED:
        raise TypeError(
            "brightness_ratio takes the table of LocalFFT.peak_table, not "
            f"{_named(peaks)}. For spectra, call their method brightness_ratio."
        )
    particles = [_of_particle(rows) for _, rows in peaks.groupby("id")]
    table = pd.concat(particles or [_of_particle(peaks)], ignore_index=True)
    if unknown := peaks.attrs.get("unknown_frames"):
        table.attrs["unknown_frames"] = list(unknown)
    return table


def on_axis_frames(
    particles: pd.DataFrame, max_ratio: float = 2.5, min_probability: float = 0.5
) -> pd.DataFrame:
    """Select the frames in which a particle is on a zone axis, with columns resolved.

    Parameters
    ----------
    particles
        Table from `brightness_ratio`, or from `LocalFFT.zone_axis_probability`.
    max_ratio
        Largest brightness ratio.
    min_probability
        Smallest probability.

    Returns
    -------
    The rows with a ratio up to `max_ratio` and reflections in two directions, or with a
    probability of at least `min_probability`.

    Raises
    ------
    ValueError
        If `max_ratio` is below 1, or `min_probability` above 1.
    """
    if not max_ratio >= 1:
        raise ValueError(f"max_ratio has to be at least 1, not {max_ratio}.")
    if not min_probability <= 1:
        raise ValueError(f"min_probability has to be at most 1, not {min_probability}.")
    if "probability" in particles:
        kept = particles["probability"] >= min_probability
    else:
        even = particles["brightness_ratio"] <= max_ratio
        kept = even & (particles["directions"] >= 2)
    return particles[kept].reset_index(drop=True)


def _named(peaks: object) -> str:
    if isinstance(peaks, pd.DataFrame):
        missing = sorted(_NEEDED - set(peaks))
        return f"one without the columns {', '.join(missing)}"
    return f"a {type(peaks).__name__}"


def _of_particle(peaks: pd.DataFrame) -> pd.DataFrame:
    # Without a crystal, there are neither families nor lattices.
    counted = peaks[peaks["lattice"] == "1"] if "lattice" in peaks else peaks
    if not len(counted) and "family" in peaks:
        counted = peaks[peaks["family"] != ""]
    means = counted.groupby("reflection")[["spacing", "amplitude"]].mean()
    if len(means):
        brightest = means["spacing"].iloc[means["amplitude"].argmax()]
        means = means[means["spacing"] >= _FIRST_ORDER * brightest]
    counted = counted[counted["reflection"].isin(means.index)]
    found = counted[counted["found"]]
    amplitude = counted.groupby("frame")["amplitude"]
    ratio = amplitude.max() / amplitude.min()
    if _directions(found) < 2:
        ratio[:] = np.inf
    directions = {frame: _directions(rows) for frame, rows in found.groupby("frame")}
    frames = peaks.loc[:, "frame":"id"].drop_duplicates("frame")  # type: ignore[misc]
    return frames.assign(
        brightness_ratio=frames["frame"].map(ratio),
        directions=[directions.get(frame, 0) for frame in frames["frame"]],
    )


def _directions(peaks: pd.DataFrame) -> int:
    angle = (peaks["angle"] - peaks["rotation"]).to_numpy()
    return min(len(peaks), 2 if in_two_directions(angle) else 1)
