# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of a run: a row for the series, rows of its sites and rows of its lenses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .column_scores import column_scores, site_rows
from .columns import true_distance
from .lens_scores import along_beam, lens_deviations
from .wave_scores import wave_scores

if TYPE_CHECKING:
    from .cases import Case
    from .measuring import Run


def score(run: Run, case: Case) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the row of a series, and the rows of its sites and lenses."""
    answer = run.answer
    known = dict(case.structure.values)
    row: dict[str, object] = {
        "dose": case.detector.dose,
        "Cs_guess_off": case.Cs - case.optics[0].Cs,
        "tilt": known.get("tilt"),
        "seconds": run.seconds,
        "cpu_seconds": run.cpu_seconds,
        "refine_seconds": answer.seconds,
        "memory": run.memory,
        "chi2": answer.chi2,
        "chi2_error": answer.chi2_error,
        "refused": run.refused,
        "warned": " | ".join(run.warned),
    }
    energy = case.optics[0].energy
    sites, lenses = site_rows(answer, case), pd.DataFrame()
    plane = 0.0
    if answer.wave is not None:
        waves = wave_scores(answer.wave, case.wave, case.pixel, energy)
        row |= waves
        plane = waves["plane"]
    row |= column_scores(sites)
    if answer.distance is not None:
        row["distance_off"] = answer.distance.value - true_distance(case.columns)
        row["distance_error"] = answer.distance.error
    if answer.optics is not None:
        rows = lens_deviations(answer.optics, case.optics, case.drift)
        lenses = pd.DataFrame(rows + along_beam(rows, plane))
    return pd.DataFrame([row]), sites, lenses
