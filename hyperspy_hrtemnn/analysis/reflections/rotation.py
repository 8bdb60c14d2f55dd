# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation from one set of reflections to another, from their votes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hyperspy_hrtemnn.analysis.assignment import assign

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]
    Index = NDArray[np.intp]

_ROUNDS = 3  # rounds in which the middle of the votes is found

# Smallest angle between two reflections that are not one row of planes [degrees].
_COLLINEAR = 10.0

# Share of its votes that the largest allowed rotation loses, so that the smaller
# rotation is taken where a pattern repeats itself.
_INERTIA = 0.2

# Share of the brightness that a rotation larger than expected has to explain, and the
# share of this that an expected rotation may explain, too.
_MOST = 0.5


class Reflections(NamedTuple):
    """Reflections in polar coordinates.

    Parameters
    ----------
    spacing
        Spacing of each reflection [nm], shape (reflection,).
    angle
        Angle of each reflection [degrees]; k and -k are one reflection, so that 180
        degrees are the same as 0.
    weight
        Weight of the vote of each reflection.
    """

    spacing: Values
    angle: Values
    weight: Values

    def turned(self, rotation: float) -> Reflections:
        """Return the reflections rotated by an angle [degrees]."""
        return self._replace(angle=self.angle + rotation)

    def only(self, kept: NDArray[np.bool_] | Index) -> Reflections:
        """Return some of the reflections."""
        return Reflections(*(values[kept] for values in self))


class Tolerance(NamedTuple):
    """Largest differences of two reflections that are the same.

    Parameters
    ----------
    spacing
        Relative difference of the spacings.
    angle
        Difference of the angles [degrees].
    """

    spacing: float
    angle: float

    def checked(self) -> Tolerance:
        """Return the tolerance if it is valid.

        Raises
        ------
        ValueError
            If it allows nothing or everything.
        """
        for name, value, limit in (
            ("spacing_tolerance", self.spacing, 0.5),
            ("angle_tolerance", self.angle, 45),
        ):
            if not 0 < value < limit:
                raise ValueError(f"{name} has to be in 0 to {limit}, not {value}.")
        return self


def difference(angle: Values, other: Values | float) -> Values:
    """Return angle - other for lines, from -90 to 90 [degrees]."""
    return (angle - other + 90) % 180 - 90


def in_two_directions(angle: Values) -> bool:
    """Return whether reflections at these angles [degrees] are not all in one row."""
    return bool((np.abs(difference(angle, angle[:, np.newaxis])) > _COLLINEAR).any())


def particle_rotation(
    before: Reflections, now: Reflections, expected: float, tolerance: Tolerance
) -> float:
    """Return the rotation of a particle, also if it is larger than expected.

    A larger rotation is a `common_rotation` that explains most of the brightness, in
    two directions, where the expected rotations explain less than half of this. One row
    of planes at another angle is not a rotation: another row may have become bright.

    Parameters
    ----------
    before, now
        Reflections in two frames.
    expected
        Largest expected rotation [degrees].
    tolerance
        See `common_rotation` and `same_reflections`.

    Returns
    -------
    The rotation [degrees]. A rotation that is larger than expected is from -90 to 90,
    because a spectrum is symmetric, and the smallest one if the crystal is symmetric,
    too.
    """
    near = common_rotation(before, now, expected, tolerance)
    near_ones = _known(before, now.turned(-near), tolerance).weight.sum()
    most = _MOST * now.weight.sum()
    if near_ones > most:
        return near
    far = common_rotation(before, now, 90.0, tolerance)
    found = _known(before, now.turned(-far), tolerance)
    clear = _MOST * found.weight.sum() > near_ones and found.weight.sum() > most
    return far if clear and in_two_directions(found.angle) else near


def common_rotation(
    before: Reflections, now: Reflections, farthest: float, tolerance: Tolerance
) -> float:
    """Return the rotation on which most reflections agree.

    Every pair of equal spacing is a vote for a rotation, with the root of the product
    of the weights as its weight. The rotation is the weighted mean of the votes around
    the angle with most votes.

    Parameters
    ----------
    before, now
        Reflections in two frames.
    farthest
        Largest rotation [degrees].
    tolerance
        Largest differences of votes that agree, and of spacings that are equal.

    Returns
    -------
    The rotation [degrees]; zero where no two reflections have equal spacings.
    """
    i, j = np.nonzero(np.abs(_strain(before, now)) <= tolerance.spacing)
    votes = difference(now.angle[j], before.angle[i])
    weight = np.sqrt(before.weight[i] * now.weight[j])
    near = np.abs(votes) <= farthest
    votes, weight = votes[near], weight[near]
    if not len(votes):
        return 0.0
    apart = np.abs(difference(votes[:, np.newaxis], votes))
    # The weight of votes falls with their distance, so that the middle of a group wins.
    agreement = np.clip(1 - apart / tolerance.angle, 0, None) @ weight
    rotation = votes[np.argmax(agreement * (1 - _INERTIA * np.abs(votes) / farthest))]
    for _ in range(_ROUNDS):
        off = difference(votes, rotation)
        agreeing = np.abs(off) <= tolerance.angle
        # np.average would take longer to check its input than to compute.
        rotation += (off * weight)[agreeing].sum() / weight[agreeing].sum()
    return float(rotation)


def same_reflections(
    before: Reflections, now: Reflections, tolerance: Tolerance
) -> tuple[Index, Index, Values]:
    """Pair reflections one to one.

    Parameters
    ----------
    before, now
        Reflections in two frames, rotated onto each other.
    tolerance
        Largest differences of a pair.

    Returns
    -------
    Indices of the pairs before and now, and how well each pair fits, 1/2 to 1.
    """
    turn = difference(now.angle, before.angle[:, np.newaxis])
    strain = _strain(before, now)
    far = np.maximum(np.abs(strain) / tolerance.spacing, np.abs(turn) / tolerance.angle)
    i, j = np.nonzero(far <= 1)
    # Between 1 and 1/2: two far pairs are worth more than one near pair.
    fit = 1 - far**2 / 2
    i, j = assign(i, j, fit[i, j])
    return i, j, fit[i, j]


def _known(before: Reflections, now: Reflections, tolerance: Tolerance) -> Reflections:
    """Return the present reflections that were there before."""
    _, pairs, _ = same_reflections(before, now, tolerance)
    return Reflections(*(values[pairs] for values in now))


def _strain(before: Reflections, now: Reflections) -> Values:
    return np.asarray(np.log(now.spacing / before.spacing[:, np.newaxis]))
