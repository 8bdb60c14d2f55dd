# SPDX-License-Identifier: GPL-3.0-or-later
"""Report: tables of waves, columns, lenses and probabilities, from rows of series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .column_scores import PROBABILITIES
from .tables import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_DOSES = {"from 1e4 on": 1e4, "1e3 to 1e4": 1e3, "below 1e3": 0.0}
"""Least dose of each group of series [e-/Å²]."""

# What the registered error of a wave is to be at most, in each group of doses; below
# 1e3 twice what a prototype had at 316.
_MARKS = (0.003, 0.007, 0.012)
_MARKS_ON_GRAPHENE = (0.008, 0.008, 0.012)

_FAILED = 2.0  # times the mark

_WITHIN = 1.5  # times the error without a variant

_TILTS = (0.0, 1.0, 3.0, 6.0, 12.0, 30.0)
"""Limits of the tilts that are counted together [degrees]."""

_BINS = np.array([0, 0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999, 1])
"""Limits of the probabilities that are counted together."""


def marks(rows: pd.DataFrame, *, on_graphene: bool) -> pd.Series[float]:
    """Return the largest error of a wave that is within the marks, for each series."""
    values = np.array(_MARKS_ON_GRAPHENE if on_graphene else _MARKS)
    return pd.Series(values[_group(rows)], rows.index)


def flagged(rows: pd.DataFrame) -> pd.Series[bool]:
    """Return of which series the method refused or warned."""
    said = rows[["refused", "warned"]].astype(object).fillna("")
    return (said != "").any(axis=1)


def _off(rows: pd.DataFrame) -> pd.Series[float]:
    """Return by how many standard deviations of noise chi² is not 1."""
    return (rows["chi2"] - 1) / rows["chi2_error"]


def by_dose(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the series of each group of doses, and all."""
    group = _group(rows)
    for number, name in enumerate(_DOSES):
        if (group == number).any():
            yield name, rows[group == number]
    yield "all", rows


def _group(rows: pd.DataFrame) -> NDArray[np.intp]:
    """Return the number of the group of doses that each series is in."""
    doses = rows["dose"].to_numpy()
    enough = doses[:, np.newaxis] >= list(_DOSES.values())
    return np.asarray(np.argmax(enough, axis=1))


def wave_table(
    methods: dict[str, pd.DataFrame], *, on_graphene: bool = False
) -> pd.DataFrame:
    """Return medians of the errors of waves, shares within the marks, and failures.

    A wave failed if it is twice as far off as the mark, or if there is none.
    """
    table = []
    for method, rows in methods.items():
        if "registered" not in rows:
            continue
        judges = rows["chi2"].notna().any()
        for dose, group in by_dose(rows):
            mark = marks(group, on_graphene=on_graphene)
            bad, told = ~(group["registered"] <= _FAILED * mark), flagged(group)
            table.append(
                {
                    "dose": dose,
                    "method": method,
                    "series": len(group),
                    "raw": group["raw"].median(),
                    "registered": group["registered"].median(),
                    "along beam, too": group["along"].median(),
                    "whole image": group["whole"].median(),
                    "within mark": (group["registered"] <= mark).mean(),
                    "failed": bad.mean(),
                    # Rivals have no chi², and their warnings are of other things.
                    "of these flagged": told[bad].mean() if judges else np.nan,
                    "others flagged": told[~bad].mean() if judges else np.nan,
                    "chi2": group["chi2"].median(),
                    "chi2 off": _off(group).median(),
                    "seconds": group["seconds"].median(),
                    "of processor": group["cpu_seconds"].median(),
                    "MiB": group["memory"].max(),
                }
            )
    return _by_dose_first(table)


def column_table(methods: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return mistakes of each hundred columns, series all right, and positions."""
    table = []
    for method, rows in methods.items():
        if "columns" not in rows:
            continue
        for dose, group in by_dose(rows):
            columns = group["columns"].sum()
            sides = group["sides"].sum()
            shares = {
                f"{name} %": 100 * group[name].sum() / columns
                for name in ("wrong", "missing", "extra", "unsaid")
                if name in group
            }
            table.append(
                {"dose": dose, "method": method, "series": len(group)}
                | shares
                | {
                    # A series without an answer is not all right.
                    "all right": group["all_right"].fillna(0).mean(),
                    "with sides": group["all_right_sides"].fillna(0).mean()
                    if sides
                    else np.nan,
                    "sides right": 1 - group["wrong_sides"].sum() / sides
                    if sides
                    else np.nan,
                    "pm": group["position"].median(),
                    "pm registered": group["position_registered"].median(),
                    "pull": group["pull"].median(),
                    "pull registered": group["pull_registered"].median(),
                }
            )
    return _by_dose_first(table)


def variant_table(
    plain: pd.DataFrame, variants: dict[str, pd.DataFrame]
) -> pd.DataFrame:
    """Return the errors of waves in variants over those of the same series without.

    Parameters
    ----------
    plain
        Rows of the refinement in the recipe's own conditions.
    variants
        Those in each variant.
    """
    table = {}
    for name, rows in variants.items():
        both = rows.merge(plain[[*KEY, "registered"]], on=KEY, suffixes=("", "_plain"))
        # A series without an answer is infinitely far off.
        off = both["registered"].fillna(np.inf) / both["registered_plain"]
        told = flagged(both)
        table[name] = {
            "series": len(both),
            "registered": both["registered"].median(),
            "over plain": off.median(),
            "largest": off.max(),
            "within 1.5 or flagged": ((off <= _WITHIN) | told).mean(),
            "flagged": told.mean(),
            "all right": both["all_right"].fillna(0).mean(),
            "pull": both["pull_registered"].median(),
            "chi2": both["chi2"].median(),
            "chi2 off": _off(both).median(),
        }
    return pd.DataFrame.from_dict(table, orient="index")


def lens_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return median errors of lenses, and how often they are within stated ones."""
    off, error, value = rows["off"].abs(), rows["error"], rows["value"]
    return pd.DataFrame(
        {
            "median": off.groupby(value).median(),
            "90 %": off.groupby(value).quantile(0.9),
            "standard error": error.groupby(value).median(),
            "within 1": (off <= error).groupby(value).mean(),
            "within 2": (off <= 2 * error).groupby(value).mean(),
        }
    )


def support_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return how much of the support was found, and where, by dose.

    Parameters
    ----------
    rows
        Rows of the refinement of series with a support.
    """
    table = {}
    for dose, group in by_dose(rows):
        columns, off = group["carbon_columns"].sum(), group["distance_off"].abs()
        table[dose] = {
            "series": len(group),
            "none found": group["distance_off"].isna().mean(),
            "missing %": 100 * group["carbon_missing"].sum() / columns,
            "extra %": 100 * group["carbon_extra"].sum() / columns,
            "pm": group["carbon_position_registered"].median(),
            "pull": group["carbon_pull_registered"].median(),
            "distance": off.median(),
            "distance, 90 %": off.quantile(0.9),
            "its standard error": group["distance_error"].median(),
        }
    return pd.DataFrame.from_dict(table, orient="index")


def reliability_table(sites: pd.DataFrame) -> pd.DataFrame:
    """Return how often classes stand where they were said to, by their probability.

    Parameters
    ----------
    sites
        Rows of sites with probabilities.
    """
    stated, right = said_and_true(sites)
    bins = np.clip(np.searchsorted(_BINS, stated, "right") - 1, 0, len(_BINS) - 2)
    number = pd.Series(bins)
    return pd.DataFrame(
        {
            "from": _BINS[:-1],
            "to": _BINS[1:],
            "statements": number.value_counts().reindex(range(len(_BINS) - 1)),
            "stated": pd.Series(stated).groupby(number).mean(),
            "true": pd.Series(right).groupby(number).mean(),
        }
    )


def said_and_true(sites: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return each stated probability of a class, and whether it is the true one."""
    stated = sites[list(PROBABILITIES)].to_numpy(float)
    names = np.array([name.removeprefix("probability_") for name in PROBABILITIES])
    right = sites["true"].to_numpy()[:, np.newaxis] == names
    known = np.isfinite(stated)
    return stated[known], right[known]


def side_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the share of vacancies whose missing S is known, by dose and tilt.

    Parameters
    ----------
    rows
        Series, with ``tilt`` [degrees], ``sides``, the number of columns of one S, and
        ``wrong_sides``.
    """
    table = []
    for dose, group in by_dose(rows[rows["sides"] > 0]):
        tilts = pd.cut(group["tilt"], _TILTS, right=False)
        for tilt, some in group.groupby(tilts, observed=True):
            sides, wrong = some["sides"].sum(), some["wrong_sides"].sum()
            table.append(
                {"dose": dose, "tilt": f"{tilt.left:g} to {tilt.right:g}"}
                | {"series": len(some), "vacancies": sides, "right": 1 - wrong / sides}
            )
    return pd.DataFrame(table).set_index(["dose", "tilt"])


def _by_dose_first(table: list[dict[str, object]]) -> pd.DataFrame:
    order = [*_DOSES, "all"]
    table = sorted(table, key=lambda row: order.index(str(row["dose"])))
    return (
        pd.DataFrame(table).set_index(["dose", "method"]) if table else pd.DataFrame()
    )
