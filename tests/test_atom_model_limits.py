# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of the atom model: where nobody has compared it, it says so."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from hyperspy_hrtemnn.analysis.refinement.atoms.verdict import judge_model

PAGE = Path(__file__).parents[1] / "docs" / "atoms_model_error.md"


def normal(degrees):
    return np.sin(np.deg2rad(degrees)) * np.array([-0.6, 0.8])


@pytest.mark.parametrize(("tilt", "energy"), [(0, 50), (12, 60), (19.9, 300)])
@pytest.mark.filterwarnings("error")
def test_what_was_compared_with_multislice_is_not_warned_of(tilt, energy):
    judge_model(normal(tilt), energy)


@pytest.mark.parametrize(
    ("tilt", "energy", "told"),
    [(20.4, 80, "20 degrees, at 80"), (3, 40, "at 40"), (3, 400, "at 400")],
)
def test_what_was_not_compared_with_multislice_is_told(tilt, energy, told):
    with pytest.warns(UserWarning, match=told):
        judge_model(normal(tilt), energy)


def test_the_table_of_errors_covers_the_limits_and_has_no_large_error():
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    titles = next(row for row in rows if row[:2] == ["sheet", "keV"])
    data = [row for row in rows if len(row) == len(titles) and row[1].isdigit()]
    assert {int(row[1]) for row in data} >= {50, 300}
    assert max(int(each[:-1]) for each in titles if re.fullmatch(r"\d+°", each)) == 20
    single = [row for row in data if "layers" not in row[0]]
    assert max(float(cell) for row in single for cell in row[4:]) <= 0.005
