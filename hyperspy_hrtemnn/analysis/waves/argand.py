# SPDX-License-Identifier: GPL-3.0-or-later
r"""Argand plot: mass of atomic columns from the exit wave, whatever their height.

Channelling theory, thesis section 1.4: in its exit plane the wave in the middle of a
column is, equation 1.30,

.. math:: \psi - 1 = A (e^{i\theta} - 1)

and :math:`\theta` grows with the mass of the column. In the complex plane such waves
lie on a circle through vacuum, the mass circle; its radius :math:`A` is the excitation
of the column's state times the value of the state in the middle. Phase objects have
:math:`A = 1`. Columns of gold that vibrate as at 300 K, smoothed by 15 pm, have 1.1 at
300 keV and 1.17 at 200 keV, and turn by 0.5 rad with each atom along [110].

At the distance z from its exit plane the wave of a column has spread, and its change of
the wave in its middle is divided by :math:`1 + i z / z_0` if it is Gaussian. With
rising z it moves along a circle whose diameter is the line from vacuum to the wave in
focus, the defocus circle. A distance that all columns have in common makes :math:`A`
complex.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.user_warnings import warn_user

from .unwrapping import TURN, unwrapped

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Directions from vacuum to a column begin here. A light one is at 90° and a heavy one
# at up to 270°; with noise, directions between 270° and here may be either.
_FIRST_DIRECTION = np.radians(-45)

# Smallest number of columns beyond a quarter of the circle to which it is fitted;
# lighter ones do not distinguish its radius from their own heights.
_FITTED = 3
_FITTED_SHARE = 0.1  # share of all columns
_FITTED_SPREAD = np.radians(15)  # of directions: 30° along the circle, one atom of gold

# Up to the first angle, height and mass move the wave in directions that differ by 60°
# or more, and are distinguished; above the second, they differ by 30° or less, and
# columns are taken to be in focus.
_HEIGHT_TOLD = np.radians(60), np.radians(120)

# Columns this close to a full turn may have passed it.
_NEAR_TURN = np.radians(30)

# Root mean square distance of heavy columns from the circle, in radii. It is 0.05 to
# 0.09 of gold and platinum that vibrate and end in one plane, up to 15 atoms, 0.13 to
# 0.22 where the crystal is 0.25° to 0.5° off the beam, and 0.2 of gold at rest.
_OFF_CIRCLE = 0.12

LARGEST_ANGLE = 8.3
"""Largest angle that was verified: 15 atoms of gold along [110] at 200 keV [rad]."""


def mass_angle(
    values: ArrayLike,
    positions: ArrayLike | None = None,
    *,
    frames: ArrayLike | None = None,
    excitation: complex | None = None,
) -> NDArray[np.float64]:
    r"""Return the angle :math:`\theta` of columns, which grows with their mass.

    Light columns, up to 60°, have the angle of the defocus circle on which they lie,
    whatever their height. Heavy ones, from 120° on, have their phase along the mass
    circle, because there a height moves the wave as a mass does: they are taken to end
    in the plane of the wave. In between, the two are mixed.

    Heavy columns go around the circle and look like light ones again: gold along [110]
    after 12 atoms at 300 keV and 300 K. With `positions` the angle continues beyond the
    turn, column by column, from thin neighbors to thick ones (see
    `hyperspy_hrtemnn.analysis.waves.unwrapping`).

    Parameters
    ----------
    values
        Wave at each column, complex, 1 = vacuum, of any shape; with `positions` of
        shape (column,).
    positions
        Position of each column, in any unit, shape (column, 2). By default no angle is
        beyond one turn.
    frames
        Frame of each column, shape (column,): only columns of one frame are neighbors.
    excitation
        Excitation :math:`A`; by default that of `fit_excitation`.

    Returns
    -------
    The angles [rad], of the shape of `values`.

    Warns
    -----
    UserWarning
        If heavy columns are not on a circle, neighbors are too far apart along it, or
        columns are within 30° of a full turn and there are no positions; and if angles
        are larger than `LARGEST_ANGLE`.

    Raises
    ------
    ValueError
        If the excitation is 0 or not finite, the shapes do not fit, or a position is
        not finite.
    """
    psi = np.asarray(values, np.complex128)
    if excitation is None:
        excitation = fit_excitation(psi)
    if not (excitation and np.isfinite(excitation)):
        raise ValueError(f"excitation has to be finite and not 0, not {excitation}.")
    change = (psi - 1) / excitation
    direction = _direction(change)
    along = np.angle(1 + change)
    # Columns in the upper half are of the first quarter, others of the last.
    along += TURN * ((direction > np.pi) & (along < 0))
    # Re((exp(i theta) - 1) / change) = 1, solved for theta.
    across = np.clip(np.abs(change) + np.cos(direction), -1, 1)
    of_any_height = direction - np.arccos(across)
    first, last = _HEIGHT_TOLD
    # Beyond half a turn no column is light, however far it is from the circle.
    told = np.clip((last - of_any_height) / (last - first), 0, 1) * (along < np.pi)
    angle = along + told * (of_any_height - along)
    unsure = 0
    if positions is None:
        _warn_of_turn(angle)
    else:
        whole, unsure = unwrapped(along, positions, frames)
        angle += whole - along
    _warn_of_what_is_unsure(change[direction > 3 * np.pi / 4], unsure)
    _warn_of_largest(angle)
    return np.asarray(angle, np.float64)


def fit_excitation(values: ArrayLike) -> complex:
    """Fit the excitation of columns: the circle through vacuum nearest to all of them.

    The circle is only fitted where at least three columns, and a tenth of all, are more
    than a quarter of it away from vacuum and spread over 30° of it. Otherwise, as for
    flakes of a few atoms, it is the unit circle, and the excitation is 1.

    Parameters
    ----------
    values
        Wave at each column, complex, of any shape; 1 = vacuum.

    Returns
    -------
    The excitation. It is complex, because columns that all end in another plane than
    that of the wave rotate the circle around vacuum.
    """
    change = np.asarray(values, np.complex128).ravel() - 1
    change = change[np.isfinite(change)]
    direction = _direction(change)
    far = direction[(direction > 3 * np.pi / 4) & (direction < 7 * np.pi / 4)]
    if (
        len(far) < max(_FITTED, _FITTED_SHARE * len(change))
        or np.ptp(far) < _FITTED_SPREAD
    ):
        return 1.0 + 0.0j
    # |change + A|² = |A|², that is -2 Re(change conj(A)) = |change|², linear in A.
    terms = -2 * np.stack([change.real, change.imag], axis=1)
    (real, imaginary), *_ = np.linalg.lstsq(terms, np.abs(change) ** 2, rcond=None)
    return complex(real, imaginary)


def mass_circle(excitation: complex = 1) -> tuple[complex, float]:
    """Return center and radius of the circle on which columns in focus lie.

    Parameters
    ----------
    excitation
        Excitation from `fit_excitation`; by default that of phase objects.
    """
    return 1 - excitation, abs(excitation)


def defocus_circle(angle: float, excitation: complex = 1) -> tuple[complex, float]:
    """Return center and radius of the circle on which columns of one mass lie.

    Parameters
    ----------
    angle
        Angle of the columns from `mass_angle` [rad].
    excitation
        Excitation from `fit_excitation`; by default that of phase objects.
    """
    half = complex(excitation * (np.exp(1j * angle) - 1)) / 2
    return 1 + half, abs(half)


def _direction(change: NDArray[np.complexfloating]) -> NDArray[np.float64]:
    """Return the direction from vacuum to columns [rad], from -45° to 315°."""
    turned = np.angle(change * np.exp(-1j * (np.pi + _FIRST_DIRECTION)))
    return np.asarray(turned + np.pi + _FIRST_DIRECTION, np.float64)


def _warn_of_turn(angle: NDArray[np.float64]) -> None:
    near = int(np.count_nonzero(angle > TURN - _NEAR_TURN))
    if near:
        warn_user(
            f"{near} columns are within 30° of a full turn around the mass circle; "
            "thicker ones, if any, cannot be distinguished from thin ones. Give the "
            "positions of the columns, as ExitWave.find_columns does."
        )


def _warn_of_what_is_unsure(heavy: NDArray[np.complexfloating], steps: int) -> None:
    """Warn where heavy columns are off the circle, or their turn is not known.

    Parameters
    ----------
    heavy
        What columns beyond a quarter of the circle change of the wave, in excitations.
    steps
        Pairs of neighbors between which a turn may be.
    """
    distance = 0.0
    if len(heavy) >= _FITTED:
        distance = float(np.sqrt(np.mean((np.abs(1 + heavy) - 1) ** 2)))
    if distance > _OFF_CIRCLE:
        what = (
            f"{len(heavy)} heavy columns are off the mass circle, by {distance:.2f} of "
            f"its radius, more than {_OFF_CIRCLE:g}"
        )
    elif steps:
        what = (
            f"{steps} pairs of neighboring columns are more than 100° apart on the "
            "mass circle: a thick one beside a thin one, whose turns are not known, or "
            "a summit between columns, which a larger min_separation leaves out"
        )
    else:
        return
    warn_user(
        f"{what}. Do not read masses from angles beyond 90°: they need a crystal along "
        "the beam whose columns end in one plane, and atoms that vibrate."
    )


def _warn_of_largest(angle: NDArray[np.float64]) -> None:
    beyond = int(np.count_nonzero(angle > LARGEST_ANGLE))
    if beyond:
        warn_user(
            f"{beyond} columns have mass angles above {LARGEST_ANGLE} rad, up to "
            f"{np.nanmax(angle):.1f} rad. Angles are verified to {LARGEST_ANGLE} rad, "
            "15 atoms of gold along [110] at 200 keV; do not read a mass from larger "
            "ones."
        )
