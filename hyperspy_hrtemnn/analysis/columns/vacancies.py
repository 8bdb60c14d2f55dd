# SPDX-License-Identifier: GPL-3.0-or-later
"""Vacancies: missing columns of each frame, and the number of columns by class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hyperspy_hrtemnn.analysis.lattices.fit import fit_lattice, missing_sites

from .table import check_columns, number_of_frames, unknown_frames

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def find_vacancies(
    columns: pd.DataFrame, vectors: ArrayLike | None = None
) -> pd.DataFrame:
    """Find the sites of the ideal lattice that lack a column, in each frame.

    These are the sites that columns of their sublattice enclose, see `missing_sites`. A
    1S column of MoS2 is a vacancy, too, but not a missing column: `count_columns`
    counts it.

    Parameters
    ----------
    columns
        Table from `Segmentation.find_columns` or `link_columns`, with a row for each
        column in each frame.
    vectors
        Lattice vectors to begin with, see `fit_lattice`. By default they are found in
        the frame with the most columns. They are fitted again in each frame.

    Returns
    -------
    A row for each site: ``frame``, and ``time`` if there is one, ``class``, the most
    common one of the sublattice, ``x`` and ``y``. ``attrs["unknown_frames"]`` has the
    numbers of the frames of which nothing is known: those without a column, and those
    in which no lattice fits. Other frames without a row have no vacancy.

    Raises
    ------
    ValueError
        If the table lacks a column, or in the frame with the most columns no lattice
        fits.
    """
    check_columns(columns, "frame", "class", "x", "y")
    wanted = ("frame", "time", "class", "x", "y")
    kept = [name for name in wanted if name in columns]
    tables = []
    if vectors is None and len(columns):
        fullest = columns["frame"].mode()[0]
        vectors = fit_lattice(
            columns.loc[columns["frame"] == fullest, ["x", "y"]]
        ).vectors
    unknown = unknown_frames(columns)
    for _, rows in columns[~columns["frame"].isin(unknown)].groupby("frame"):
        places = rows[["x", "y"]].to_numpy(float)
        try:
            lattice = fit_lattice(places, vectors)
        except ValueError:
            unknown.append(int(rows["frame"].iloc[0]))
            continue
        sites, parts = missing_sites(places, lattice)
        if not len(sites):
            continue
        table = rows[kept].iloc[[0] * len(sites)].reset_index(drop=True)
        table[["x", "y"]] = sites
        usual = [
            rows.loc[lattice.parts == part, "class"].mode()[0]
            for part in range(lattice.parts.max() + 1)
        ]
        table["class"] = np.array(usual, object)[parts]
        tables.append(table)
    found = pd.concat(tables or [columns[kept].iloc[:0]], ignore_index=True)
    found.attrs = columns.attrs | {"unknown_frames": sorted(unknown)}
    return found


def count_columns(
    columns: pd.DataFrame, vacancies: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Count the columns of each class in each frame.

    Parameters
    ----------
    columns
        Table with ``frame`` and ``class``. `Segmentation.find_columns` writes the
        number of frames into ``attrs["frames"]`` and the possible classes into
        ``attrs["classes"]``; by default these are the frames up to the last one with a
        column, and the classes in the table. ``attrs["unknown_frames"]`` are the frames
        that could not be used; all frames without a column are unknown, too.
    vacancies
        Table from `find_vacancies`, counted as ``missing`` and the class.

    Returns
    -------
    A table with a row for each frame, by its number, and a column for each class, by
    name. Numbers that are not known are NaN, not 0, so that means and rates are those
    of the observed frames. These frames are also in ``attrs["unknown_frames"]``.

    Raises
    ------
    ValueError
        If the table lacks a column.
    """
    check_columns(columns, "frame", "class")
    frames, known = number_of_frames(columns), columns.attrs.get("classes", [])
    unknown = unknown_frames(columns)
    counts = _counts(columns, frames, known, unknown)
    if vacancies is not None:
        check_columns(vacancies, "frame", "class")
        # In this table a frame without rows may be a perfect one.
        of_vacancies = {*unknown, *vacancies.attrs.get("unknown_frames", [])}
        missing = _counts(vacancies, frames, known, sorted(of_vacancies))
        counts = counts.join(missing.add_prefix("missing "))
    counts.attrs["unknown_frames"] = unknown
    return counts


def _counts(
    table: pd.DataFrame, frames: int, known: list[str], unknown: list[int]
) -> pd.DataFrame:
    counts = pd.crosstab(table["frame"], table["class"])
    counts = counts.reindex(
        index=pd.RangeIndex(frames, name="frame"),
        columns=counts.columns.union(known),
        fill_value=0,
    ).rename_axis(columns=None)
    if unknown:  # otherwise whole numbers stay whole
        counts = counts.astype(float)
        counts.loc[counts.index.isin(unknown)] = np.nan
    return counts
