# SPDX-License-Identifier: GPL-3.0-or-later
"""Matched filter: the baseline of columns, tuned on series of the same recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hrtemnn_training.baselines.column_search import tune_column_search
from hrtemnn_training.images.exposure import Exposure
from hrtemnn_training.images.sample import Sample
from hrtemnn_training.store import Specimen

from .answers import Answer
from .columns import general_names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hrtemnn_training.metrics.columns import ColumnPrediction
    from hrtemnn_training.recipe import Recipe

    from .cases import Case


class MatchedFilter:
    """The matched filter with classes by intensity.

    Parameters
    ----------
    recipe
        Recipe of the images, and of a network, whose pixels the filter works on.
    tuning
        Series that it is tuned on.
    """

    def __init__(self, recipe: Recipe, tuning: Sequence[Case]) -> None:
        self._recipe = recipe
        samples = [self._sample(case) for case in tuning]
        self._find: Callable[[Sample], ColumnPrediction] = tune_column_search(samples)

    def __call__(self, case: Case) -> Answer:
        """Return the columns of a series."""
        found = self._find(self._sample(case))
        names = case.structure.sites.names
        general = general_names(case.formula)
        places = case.pixel * found.positions
        return Answer(
            columns=pd.DataFrame(
                {
                    "class": [general[names[each]] for each in found.classes],
                    "x": places[:, 1],
                    "y": places[:, 0],
                }
            )
        )

    def _sample(self, case: Case) -> Sample:
        """Return a series as the training side has it."""
        made = case.structure
        counts = np.asarray(case.series.data, np.float32)
        height, width = counts.shape[1:]
        corner = case.corner - case.pixel / 2
        exposure = Exposure(
            intensities=np.zeros(
                (0, 0, 0), np.float32
            ),  # only the counts are looked at
            counts=counts,
            corner=(corner, corner),
            size=(height * case.pixel, width * case.pixel),
            optics=case.optics,
            detector=case.detector,
        )
        specimen = Specimen(
            wave=case.wave,
            extent=made.box[:2],
            energy=case.optics[0].energy,
            outlines=made.outlines,
            kinds=made.kinds,
            sites=made.sites,
            values=made.values,
        )
        return Sample(specimen, exposure, self._recipe.images, self._recipe.sampling)
