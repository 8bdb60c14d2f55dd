# SPDX-License-Identifier: GPL-3.0-or-later
"""Strange columns: those, or all, that are none of the classes that were allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.user_warnings import warn_user

if TYPE_CHECKING:
    import pandas as pd

# Probability of something else above which a column is strange, and difference of the
# mean occupancy from 1 above which all are, beyond this many standard errors of one: of
# right sheets in images of two other simulators it was up to 0.05, of one of WS2 0.10.
_STRANGE, _ALL_STRANGE, _BEYOND = 0.5, 0.05, 3.0

# Columns of which the mean is that of a class, and difference of two means above which
# the elements of one are others: of MoSSe taken for MoS2 it is 0.2, of right sheets
# up to 0.01.
_A_CLASS, _CLASS_STRANGE = 5, 0.1


def judge_columns(columns: pd.DataFrame) -> None:
    """Warn of columns that are probably none of the classes that were allowed.

    Something that nobody asked for stands there, such as a dopant, or an atom on the
    sheet: the nearest class that was allowed is taken.

    Parameters
    ----------
    columns
        Table with ``x`` and ``y`` [Å], ``occupancy``, ``sigma_occupancy`` and
        ``probability_other``.

    Warns
    -----
    UserWarning
        If there are such columns, or if all are so in the mean.
    """
    off, sigma = columns["occupancy"] - 1, columns["sigma_occupancy"]
    strange = columns["probability_other"] > _STRANGE
    if strange.any():
        worst = columns.iloc[int(np.argmax((off / sigma).abs() * strange))]
        warn_user(
            f"{strange.sum()} of {len(columns)} columns are not what any class is that "
            "was allowed, as their probability_other says: their occupancy is far "
            f"from 1, as {worst['occupancy']:.2f} ± {worst['sigma_occupancy']:.2f} of "
            f"that at x {worst['x']:.1f} Å, y {worst['y']:.1f} Å from the first pixel. "
            "Name other elements in dopants, or look for what lies there."
        )
    _judge_classes(columns)
    mean = float(off.mean())
    # Errors of columns are in part those of the lenses, which all columns have alike.
    if abs(mean) > max(_ALL_STRANGE, _BEYOND * float(sigma.median())):
        warn_user(
            f"All columns are {abs(mean):.0%} {'stronger' if mean > 0 else 'weaker'} "
            "than their elements are. Are the beam energy, the offset of the counts "
            "and the elements right?"
        )


def _judge_classes(columns: pd.DataFrame) -> None:
    """Warn if all columns of a class are stronger or weaker than those of others."""
    found = columns.groupby("class")["occupancy"].agg(["mean", "count"])
    found = found[found["count"] >= _A_CLASS]
    if len(found) < 2:
        return
    number = int((found["mean"] - 1).abs().argmax())
    worst, mean = str(found.index[number]), float(found["mean"].iloc[number])
    off = mean / float(columns["occupancy"][columns["class"] != worst].mean()) - 1
    if abs(off) > max(_CLASS_STRANGE, _BEYOND * columns["sigma_occupancy"].median()):
        warn_user(
            f"All columns {worst} are {abs(off):.0%} "
            f"{'stronger' if off > 0 else 'weaker'} against the others than their "
            "elements are: the sheet may be of other elements, as MoSSe. Take the "
            "network for it, or name them in dopants."
        )
