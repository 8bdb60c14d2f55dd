# SPDX-License-Identifier: GPL-3.0-or-later
"""ROC curve: the area under it, of all samples and of parts of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scipy.stats import mannwhitneyu

from .summary import rounded

if TYPE_CHECKING:
    import pandas as pd

_GROUPS = ("shape", "support", "zone_axis")


def roc_auc(rows: pd.DataFrame) -> dict[str, Any]:
    """Return the area under the ROC curve, of all images and of parts of them.

    It is how often an image on a zone axis gets the higher probability of two (Hanley
    and McNeil, Radiology 143 (1982) 29); equal ones count one half.

    Parameters
    ----------
    rows
        Rows of one contender in the table of `evaluate`.

    Returns
    -------
    ``all``, then by ``shape``, ``support`` and ``zone_axis``; None where no image is on
    an axis, or every one.
    """
    areas: dict[str, Any] = {"all": _area(rows)}
    for name in _GROUPS:
        areas[name] = {str(kind): _area(part) for kind, part in rows.groupby(name)}
    return areas


def _area(rows: pd.DataFrame) -> float | None:
    is_on = rows["on_axis"] == 1
    on, off = rows["probability"][is_on], rows["probability"][~is_on]
    if not len(on) or not len(off):
        return None
    return rounded(mannwhitneyu(on, off).statistic / (len(on) * len(off)))
