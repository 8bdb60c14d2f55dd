# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of columns: a row for each site, and what these rows say of a series.

A true column counts if it is at least the reach of a match inside the images: 1 Å, or
half the distance of neighbors if that is less. Found columns there without a true one
are extra. Carbon is that of a support below other columns, and is compared on its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hrtemnn_training.metrics.columns import match, reach_of

from .columns import CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .answers import Answer
    from .cases import Case

    Places = NDArray[np.float64]

_MEASURED = ("sigma_x", "sigma_y", "occupancy", "sigma_occupancy")

PROBABILITIES = tuple(f"probability_{name}" for name in CLASSES)


def site_rows(answer: Answer, case: Case) -> pd.DataFrame:
    """Return a row for each column that was found or missed, and each empty site.

    Returns
    -------
    ``found`` and ``true``, the classes, "empty" if nothing stands there; ``x``, ``y``,
    the place, ``off_x``, ``off_y``, ``off_z``, how far it is from the true one [Å], and
    what the answer states of it.
    """
    if answer.columns is None:
        return pd.DataFrame()
    below = case.columns["class"] == "C"
    sheet = case.columns[~below]
    rows = _compared(answer.columns, sheet, answer.empty_sites, case)
    if answer.support is None:
        return rows
    carbon = _compared(
        answer.support, case.columns[below], answer.empty_support_sites, case
    )
    return pd.concat([rows, carbon], ignore_index=True)


def _compared(
    found: pd.DataFrame,
    truth: pd.DataFrame,
    empty_sites: pd.DataFrame | None,
    case: Case,
) -> pd.DataFrame:
    """Return the rows of the columns of one kind, with the empty sites of this kind."""
    reach = reach_of(_places(truth))
    classes = (_composition(found), _composition(truth))
    one, other = match(_places(found), _places(truth), reach, *classes)
    rows = _rows(found, truth, one, other)
    missed = np.setdiff1d(np.arange(len(truth)), other)
    absent = truth.iloc[missed]
    if empty_sites is not None:
        one, other = match(_places(empty_sites), _places(absent), reach)
        named = empty_sites.assign(**{"class": "empty"})
        rows = pd.concat([rows, _rows(named, absent, one, other)])
        absent = absent.iloc[np.setdiff1d(np.arange(len(absent)), other)]
    lost = absent[["class", "x", "y"]].rename(columns={"class": "true"})
    rows = pd.concat([rows, lost.assign(found="empty")], ignore_index=True)
    counted = _inside(rows["true_x"].fillna(rows["x"]), case.size[0], reach)
    counted &= _inside(rows["true_y"].fillna(rows["y"]), case.size[1], reach)
    return rows[counted].drop(columns=["true_x", "true_y"])


def _rows(
    found: pd.DataFrame,
    truth: pd.DataFrame,
    one: NDArray[np.intp],
    other: NDArray[np.intp],
) -> pd.DataFrame:
    """Return the rows of what was found, with the true column each is paired with."""
    found = found.reset_index(drop=True)
    paired = truth.iloc[other].set_index(one)
    rows = pd.DataFrame(
        {
            "found": found["class"],
            "true": paired["class"].reindex(found.index).fillna("empty"),
            "x": found["x"],
            "y": found["y"],
        }
    )
    for axis in "xyz":
        place = paired[axis].reindex(found.index)
        rows[f"off_{axis}"] = found[axis] - place if axis in found else np.nan
        rows[f"true_{axis}"] = place
    for name in (*_MEASURED, *PROBABILITIES):
        rows[name] = found.get(name, np.nan)
    return rows.drop(columns="true_z")


def _places(table: pd.DataFrame) -> Places:
    return table[["x", "y"]].to_numpy(float)


def _composition(table: pd.DataFrame) -> NDArray[np.int64]:
    """Return a number for what a column is made of, whichever side it is on."""
    numbers = {"1M": 0, "2X": 1, "1X": 2, "C": 3}
    return np.asarray(made_of(table["class"]).map(numbers), np.int64)


def _inside(values: pd.Series[float], length: float, margin: float) -> pd.Series[bool]:
    return values.between(margin, length - margin)


def column_scores(rows: pd.DataFrame) -> dict[str, float]:
    """Return what the rows of a series say: mistakes, position errors [pm] and pulls.

    Parameters
    ----------
    rows
        From `site_rows`.

    Returns
    -------
    ``columns``, how many there are; ``wrong`` classes, ``missing`` and ``extra``
    columns; ``sides``, the single X whose side was said, and ``wrong_sides``;
    ``all_right``, without the sides, and ``all_right_sides``; ``unsaid``, the columns
    without any probability; root mean squares along one direction: ``position``,
    ``position_registered``, without the common shift, and ``pull`` and
    ``pull_registered``, in units of the stated errors. With a support also how many
    columns of it there are, are missing and are extra, their positions and pulls, with
    ``carbon_`` before the name.
    """
    if rows.empty:
        return {}
    carbon = of_support(rows)
    sheet = rows[~carbon]
    here = sheet[sheet["found"] != "empty"]
    unsaid = here[list(PROBABILITIES)].isna().all(axis=1).sum()
    scores = _mistakes(sheet) | {"unsaid": int(unsaid)} | _positions(sheet)
    if not carbon.any():
        return scores
    below = _mistakes(rows[carbon]) | _positions(rows[carbon])
    kept = ("columns", "missing", "extra", "position_registered", "pull_registered")
    return scores | {f"carbon_{name}": below[name] for name in kept if name in below}


def made_of(names: pd.Series[str]) -> pd.Series[str]:
    """Return what columns are made of, whichever side of the sheet they are on."""
    return names.str.split().str[0]


def of_support(rows: pd.DataFrame) -> pd.Series[bool]:
    """Return which rows of `site_rows` are of the support."""
    stated = rows["probability_C"].notna()
    return stated | (rows["found"] == "C") | (rows["true"] == "C")


def _mistakes(rows: pd.DataFrame) -> dict[str, float]:
    found, true = rows["found"], rows["true"]
    there, here = true != "empty", found != "empty"
    wrong = int((there & here & (made_of(found) != made_of(true))).sum())
    missing, extra = int((there & ~here).sum()), int((here & ~there).sum())
    sided = (made_of(true) == "1X") & found.str.contains("1X ")
    wrong_sides = int((found[sided] != true[sided]).sum())
    right = wrong + missing + extra == 0
    return {
        "columns": int(there.sum()),
        "wrong": wrong,
        "missing": missing,
        "extra": extra,
        "sides": int(sided.sum()),
        "wrong_sides": wrong_sides,
        "all_right": float(right),
        "all_right_sides": float(right and not wrong_sides),
    }


def _positions(rows: pd.DataFrame) -> dict[str, float]:
    paired = rows[(rows["found"] != "empty") & rows["off_x"].notna()]
    off = paired[["off_x", "off_y"]].to_numpy(float)
    sigma = paired[["sigma_x", "sigma_y"]].to_numpy(float)
    if not len(off):
        return {}
    weight = np.where(np.isfinite(sigma), 1 / sigma**2, 1)
    registered = off - np.sum(weight * off, axis=0) / weight.sum(axis=0)
    return {
        "position": 100 * _rms(off),
        "position_registered": 100 * _rms(registered),
        "pull": _rms(off / sigma),
        "pull_registered": _rms(registered / sigma),
    }


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))
