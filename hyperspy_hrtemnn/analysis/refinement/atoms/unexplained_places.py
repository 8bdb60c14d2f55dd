# SPDX-License-Identifier: GPL-3.0-or-later
"""Places among the columns that the columns do not explain, such as an adatom.

A single atom between the columns is a small share of the contrast of a whole field, and
the columns next to it take other classes to make up for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter, label, maximum, maximum_position
from scipy.spatial import cKDTree

from hyperspy_hrtemnn.user_warnings import warn_user

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

# Standard deviation of the Gaussian over which residuals are averaged, about what an
# atom covers, and distance from columns within which places are compared [Å].
_ATOM, _AMONG = 0.8, 2.0

# Standard deviations above which a place is strange: of right fits of fields of 500 Å²
# none was above 4.1, an O between the columns was 6.6, an S 17.
_STRANGE = 5.5

# Most places that are named.
_NAMED = 3


def warn_of_places(
    residuals: NDArray[np.floating], columns: pd.DataFrame, sampling: float
) -> None:
    """Warn of places that columns explain worse than all others around columns.

    The mean square of the residuals around each place is compared with that of the
    others, so that an error of the model, which all columns have alike, is not taken
    for an atom. Its cube root has nearly a normal distribution (Wilson and Hilferty,
    PNAS 17, 684 (1931)).

    Parameters
    ----------
    residuals
        Residuals of all images in units of the noise, shape (image, y, x).
    columns
        Table with ``x`` and ``y`` from the middle of the first pixel [Å].
    sampling
        Pixel size [Å].

    Warns
    -----
    UserWarning
        If there are such places; it names the strongest.
    """
    square = np.mean(np.square(residuals), axis=0, dtype=np.float64)
    size = np.cbrt(gaussian_filter(square, _ATOM / sampling))
    pixels = np.indices(size.shape).reshape(2, -1).T * sampling
    away = cKDTree(columns[["y", "x"]].to_numpy(float)).query(
        pixels, distance_upper_bound=_AMONG
    )[0]
    among = np.isfinite(away).reshape(size.shape)
    if not among.any():
        return
    usual = np.median(size[among])
    # The median of deviations, as a standard deviation.
    spread = 1.4826 * np.median(np.abs(size[among] - usual))
    strange = among & (size > usual + _STRANGE * spread)
    numbers, count = label(strange)
    if not count:
        return
    which = range(1, count + 1)
    order = np.argsort(maximum(size, numbers, which))[::-1][:_NAMED]
    tops = np.array(maximum_position(size, numbers, which))[order] * sampling
    named = "; ".join(f"x {x:.1f} Å, y {y:.1f} Å" for y, x in tops)
    others = " and others" if count > _NAMED else ""
    warn_user(
        f"The atoms do not explain {count} place{'s' * (count > 1)} among the columns, "
        f"at {named}{others} from the first pixel: something may stand there that is "
        "not a column of the sheet, such as an atom on it. Columns within 3 Å of it "
        "may be of another class than the table says."
    )
