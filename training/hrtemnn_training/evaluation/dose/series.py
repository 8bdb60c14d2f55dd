# SPDX-License-Identifier: GPL-3.0-or-later
"""Dose series: networks on images of rising dose, as in the noise paper's section 3."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from tqdm import tqdm

from hrtemnn_training.evaluation.comparison import check_fit
from hrtemnn_training.evaluation.samples import draw_sample
from hrtemnn_training.generation import data_path
from hrtemnn_training.images.outlines import masks
from hrtemnn_training.store import DataSet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.parameters import ImageParameters
    from hrtemnn_training.recipe import Recipe
    from hrtemnn_training.store import Specimens
    from hyperspy_hrtemnn.networks import Network

_ROUND = 2000  # a seed of its own for these images


@dataclass(frozen=True)
class DosePlan:
    """Which frames a series has.

    Parameters
    ----------
    lowest, highest
        Doses [e-/Å²].
    steps
        Number of doses, logarithmic from the lowest to the highest.
    frames
        Frames of each dose, which differ in their noise.
    structures
        Number of structures, the first of the test set that show a particle; all if
        None.
    """

    lowest: float = 5
    highest: float = 2000
    steps: int = 20
    frames: int = 2
    structures: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.lowest < self.highest:
            raise ValueError(
                f"doses: from {self.lowest:g} to {self.highest:g} e-/Å² is not a "
                "rising dose; give a lowest one above 0 and a higher one."
            )
        if self.steps < 2:
            raise ValueError(
                f"steps: a series has two doses or more, not {self.steps}."
            )

    @property
    def doses(self) -> list[float]:
        """The doses, rising [e-/Å²]."""
        doses: list[float] = np.geomspace(
            self.lowest, self.highest, self.steps
        ).tolist()
        return doses


def dose_table(
    recipe: Recipe,
    folder: Path,
    networks: Mapping[str, Network],
    plan: DosePlan,
    *,
    images: ImageParameters | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Measure networks on test structures at rising dose.

    Of each structure one place is imaged with one microscope and one camera, drawn from
    the ranges, at all doses, as who has one particle and turns up the beam. All
    networks see the same frames, as users show them: in the pixels of the camera.

    Parameters
    ----------
    recipe
        Label and conditions of the images.
    folder
        Folder of the run, with the exit waves of the test set.
    networks
        By the name they get in the table.
    plan
        The frames.
    images
        Conditions other than the recipe's, see `change_images`; the dose is the plan's.
    progress
        Whether to show a progress bar.

    Returns
    -------
    A row for each frame and network: ``by``, the network, ``structure``, ``frame``, the
    conditions, with ``dose`` [e-/Å²], ``true_area`` and ``found_area``, from
    the threshold of the network's card on [nm²], and the metrics of a mask.

    Raises
    ------
    StoreError
        If there are no exit waves.
    ValueError
        If the label has no area, a network does not predict it, or no
        structure shows a particle.
    """
    images = images or recipe.images
    if not images.kind.measures_area:
        raise ValueError(
            f"A dose study is of masks; the label of {recipe.name} is {images.label}."
        )
    for name, network in networks.items():
        check_fit(name, network, recipe)
    label = recipe.label
    data = DataSet(data_path(folder, "test"))
    rows = []
    indices = [*_with_particle(recipe, data, plan, images)]
    if not indices:
        raise ValueError(f"No structure in {data.path} shows a particle.")
    bar = tqdm(
        total=len(indices) * len(plan.doses) * plan.frames,
        desc="doses",
        disable=not progress,
    )
    for index in indices:
        for frame, sample in dose_series(recipe, data, index, plan, images):
            height, width = sample.exposure.size
            for name, network in networks.items():
                metrics = label.metrics(label.predict(network, sample), sample)
                area = height * width / 100  # nm²
                areas = {
                    "true_area": area * metrics["true_share"],
                    "found_area": area * metrics["found_share"],
                }
                known = {"by": name, "structure": index, "frame": frame}
                rows.append(known | sample.conditions() | areas | metrics)
            bar.update()
    bar.close()
    return pd.DataFrame(rows)


def dose_series(
    recipe: Recipe,
    data: Specimens,
    index: int,
    plan: DosePlan,
    images: ImageParameters,
) -> Iterator[tuple[int, Sample]]:
    """Yield number and image of each frame of a structure, the dose rising.

    Parameters
    ----------
    recipe, data, index, images
        See `draw_sample`; the seed is the recipe's.
    plan
        The frames.
    """
    first = draw_sample(recipe, data, index, _rng(recipe, index), images)
    noise = np.random.default_rng((recipe.seed, _ROUND, index, 1))
    for dose in plan.doses:
        for frame in range(plan.frames):
            yield frame, replace(first, exposure=first.exposure.at_dose(dose, noise))


def _with_particle(
    recipe: Recipe, data: DataSet, plan: DosePlan, images: ImageParameters
) -> Iterator[int]:
    """Yield the numbers of the structures whose image shows a particle."""
    left = len(data) if plan.structures is None else plan.structures
    for index in range(len(data)):
        if left and data.read_specimen(index).outlines:
            sample = draw_sample(recipe, data, index, _rng(recipe, index), images)
            if masks(sample.specimen, images.categories, sample.grid).any():
                left -= 1
                yield index


def _rng(recipe: Recipe, index: int) -> np.random.Generator:
    """Return the source of place, microscope and camera of a structure."""
    return np.random.default_rng((recipe.seed, _ROUND, index))
