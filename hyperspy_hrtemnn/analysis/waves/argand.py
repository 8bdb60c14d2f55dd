# SPDX-License-Identifier: GPL-3.0-or-later
r"""What the wave at atomic columns tells: their mass, whatever their height.

Channelling theory, thesis section 1.4: in its exit plane the wave in the middle of a
column is, equation 1.30,

.. math:: \psi - 1 = A (e^{i\theta} - 1)

and :math:`\theta` grows with the mass of the column. In the complex plane such waves
lie on a circle through vacuum, the mass circle; its radius is the excitation of the
column's state times what the state is in the middle, :math:`A`. Phase objects have
:math:`A = 1`. Columns of gold that vibrate as at 300 K, smoothed by 15 pm, have 1.1 at
300 keV and 1.17 at 200 keV, and turn by 0.5 rad with each atom along [110].

At the distance z from its exit plane a column has spread, and what it changes of the
wave in its middle is, if it is Gaussian, divided by :math:`1 + i z / z_0`. With z this
goes around a circle whose diameter is the line from vacuum to the wave in focus, the
defocus circle. A distance that all columns have in common makes :math:`A` complex.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.users_line import warn

from .unwrapping import TURN, unwrapped

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Directions from vacuum to a column begin here. A light one is at 90° and a heavy one
# at up to 270°; what is between 270° and here may be either, with noise.
_FIRST_DIRECTION = np.radians(-45)

# The circle is fitted to this many columns beyond a quarter of it; lighter ones do not
# tell its radius from their own heights.
_FITTED = 3
_FITTED_SHARE = 0.1  # of all columns
_FITTED_SPREAD = np.radians(15)  # of directions, 30° along the circle, one atom of gold

# Up to the first angle height and mass move the wave at an angle of 60° or more and are
# told apart; from the second on, of 30° or less, columns are taken to be in focus.
_HEIGHT_TOLD = np.radians(60), np.radians(120)

# Columns within this much of a full turn have perhaps passed it.
_NEAR_TURN = np.radians(30)

LARGEST_ANGLE = 8.3
"""Largest angle that was verified: 15 atoms of gold along [110] at 200 keV [rad]."""


def mass_angle(
    values: ArrayLike,
    positions: ArrayLike | None = None,
    *,
    frames: ArrayLike | None = None,
    excitation: complex | None = None,
) -> NDArray[np.float64]:
    r"""Return :math:`\theta` of columns, which grows with their mass.

    Light columns, up to 60°, have that of the defocus circle they lie on, whatever
    their height. Heavy ones, from 120° on, have their phase along the mass circle, for
    there a height moves the wave as a mass does: they are taken to end in the plane of
    the wave. In between the two are mixed.

    Heavy columns go around the circle and look like light ones again: gold along [110]
    after 12 atoms at 300 keV and 300 K. With `positions` the angle goes on beyond the
    turn, column by column, from thin neighbors to thick ones (see
    `hyperspy_hrtemnn.analysis.waves.unwrapping`).

    Parameters
    ----------
    values
        The wave at each column, complex, 1 = vacuum, of any shape; with `positions`
        shape (column,).
    positions
        Place of each column, in any unit, shape (column, 2). By default no angle is
        beyond one turn.
    frames
        The frame of each column, shape (column,): only columns of one are neighbors.
    excitation
        :math:`A`; by default that of `fit_excitation`.

    Returns
    -------
    The angles [rad], of the shape of `values`.

    Warns
    -----
    UserWarning
        If columns are within 30° of a full turn and there are no positions, or if
        angles are larger than `LARGEST_ANGLE`.
    """
    psi = np.asarray(values, np.complex128)
    if excitation is None:
        excitation = fit_excitation(psi)
    change = (psi - 1) / excitation
    direction = _direction(change)
    along = np.angle(1 + change)
    # In the upper half a column of the first quarter, in the lower one of the last.
    along += TURN * ((direction > np.pi) & (along < 0))
    # Re((exp(i theta) - 1) / change) = 1, solved for theta.
    across = np.clip(np.abs(change) + np.cos(direction), -1, 1)
    of_any_height = direction - np.arccos(across)
    first, last = _HEIGHT_TOLD
    # Beyond half a turn none is light, however far it is from the circle.
    told = np.clip((last - of_any_height) / (last - first), 0, 1) * (along < np.pi)
    angle = along + told * (of_any_height - along)
    if positions is None:
        _warn_of_turn(angle)
    else:
        angle += unwrapped(along, positions, frames) - along
    _warn_of_largest(angle)
    return np.asarray(angle, np.float64)


def fit_excitation(values: ArrayLike) -> complex:
    """Return the excitation of columns: the circle through vacuum nearest to them all.

    The circle is only fitted where at least three columns, and a tenth of all, are more
    than a quarter of it away from vacuum and spread over 30° of it. Otherwise, as for
    flakes of a few atoms, it is the unit circle, and the excitation 1.

    Parameters
    ----------
    values
        The wave at each column, complex, of any shape; 1 = vacuum.

    Returns
    -------
    Complex, because columns that all end in another plane than that of the wave turn
    the circle around vacuum.
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
        Of `fit_excitation`; by default that of phase objects.
    """
    return 1 - excitation, abs(excitation)


def defocus_circle(angle: float, excitation: complex = 1) -> tuple[complex, float]:
    """Return center and radius of the circle on which columns of one mass lie.

    Parameters
    ----------
    angle
        Their angle, of `mass_angle` [rad].
    excitation
        Of `fit_excitation`; by default that of phase objects.
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
        warn(
            f"{near} columns are within 30° of a full turn around the mass circle; "
            "thicker ones, if there are any, cannot be told from thin ones. Give the "
            "positions of the columns, as ExitWave.find_columns does.",
        )


def _warn_of_largest(angle: NDArray[np.float64]) -> None:
    beyond = int(np.count_nonzero(angle > LARGEST_ANGLE))
    if beyond:
        warn(
            f"{beyond} columns have mass angles above {LARGEST_ANGLE} rad, up to "
            f"{np.nanmax(angle):.1f} rad. Angles are verified to {LARGEST_ANGLE} rad, "
            "15 atoms of gold along [110] at 200 keV; do not read a mass from larger "
            "ones.",
        )
