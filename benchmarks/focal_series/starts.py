# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts: the columns that a refinement begins with, as `find_columns` gives them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from .columns import elements

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from hyperspy_hrtemnn.networks import Network

    from .cases import Case

    Start = Callable[[Case], pd.DataFrame]

_OFF = 0.05  # displacement of true columns along each direction [Å]
_FLIPPED, _DELETED = 0.06, 0.03  # shares

_START = 5  # of the seeds of a case


def found_by(network: Network) -> Start:
    """Return what finds the columns by a network that was trained on MoS2."""

    def start(case: Case) -> pd.DataFrame:
        with warnings.catch_warnings():
            # That it was not trained for this is no doubt about the refinement.
            warnings.simplefilter("ignore")
            maps = case.series.segment(network, show_progressbar=False)
            table: pd.DataFrame = maps.find_columns(show_progressbar=False)
        of_mos2, of_this = _names("MoS2"), _names(case.formula)
        table["class"] = table["class"].replace(
            dict(zip(of_mos2, of_this, strict=True))
        )
        table.attrs["classes"] = of_this
        return table

    return start


def displaced(case: Case) -> pd.DataFrame:
    """Return true columns 5 pm off, 6 % of the classes wrong and 3 % of them missing.

    For materials and energies that no network was trained for.
    """
    rng = np.random.default_rng([case.seed, _START])
    names = _names(case.formula)
    table = case.columns[case.columns["class"] != "C"].drop(columns="z")
    table[["x", "y"]] += rng.normal(0, _OFF, (len(table), 2))
    inside = (table[["x", "y"]] >= 0) & (table[["x", "y"]] <= case.size)
    table = table[inside.all(axis=1)].reset_index(drop=True)
    made_of = table["class"].str.split().str[0].map({"1M": 0, "2X": 1, "1X": 2})
    flipped = rng.random(len(table)) < _FLIPPED
    other = (made_of + rng.integers(1, 3, len(table))) % 3
    table["class"] = np.array(names, object)[np.where(flipped, other, made_of)]
    table[["x", "y"]] /= 10  # in the unit of the axes of the series, nm
    table["confidence"] = 1.0
    table.insert(0, "frame", 0)
    table.attrs["classes"] = list(names)
    return table[rng.random(len(table)) >= _DELETED].reset_index(drop=True)


def _names(formula: str) -> list[str]:
    m, x = elements(formula)
    return [f"1{m}", f"2{x}", f"1{x}"]
