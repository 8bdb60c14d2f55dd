# SPDX-License-Identifier: GPL-3.0-or-later
"""Block results: tables, waves and residuals of blocks, put together to those of all.

A column is taken from the block in whose core it is, waves and residual images are
blended where blocks overlap.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from hyperspy_hrtemnn.analysis.refinement.fitted_optics import Measured
from hyperspy_hrtemnn.analysis.refinement.working_grid import HIGHEST

from .refined_atoms import RefinedAtoms
from .results import atoms_of, plane_behind, results

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.refinement.fitted_optics import FittedOptics

    from .block_cuts import Block
    from .fitted_field import FittedField

# Distance outside its core up to which a block keeps what it has found, and distance
# of two columns of different blocks that are the same [Å]: blocks do not agree to the
# last digit on which side of a border a column is.
_BESIDE, _SAME = 0.2, 0.5


@dataclass(frozen=True)
class PlacedField:
    """What was found in a block."""

    block: Block
    field: FittedField

    @property
    def first(self) -> NDArray[np.float64]:
        """Position (y, x) of the first pixel of the block [Å]."""
        pixels = [each.start for each in self.block.pixels]
        return self.field.problem.detector.sampling * np.array(pixels, float)

    @property
    def positions(self) -> NDArray[np.float64]:
        """Positions (y, x) of the columns in the images [Å]."""
        inside = self.field.fitted.state.positions - self.field.problem.series.origin
        return np.asarray(inside + self.first)

    @property
    def defocus(self) -> float:
        """Mean defocus relative to the middle of the sheet in this block [Å]."""
        places = self.field.problem.parameters.places("defocus")
        return float(self.field.fitted.vector[places].mean())


def merged(
    placed: Sequence[PlacedField], shape: tuple[int, ...], sampling: float
) -> RefinedAtoms:
    """Return what was found in all blocks.

    Parameters
    ----------
    placed
        The blocks, with the same lenses; the first one has the most columns.
    shape
        Shape (image, y, x) of the images.
    sampling
        Pixel size [Å].
    """
    kept = _own([each.positions for each in placed], placed)
    counts = [int(each.sum()) for each in kept]
    middle = np.average([each.defocus for each in placed], weights=counts)
    # Underfocus is larger where the sheet is farther along the beam.
    heights = [each.defocus - middle for each in placed]
    atoms = [
        _atoms(each, mask, height)
        for each, mask, height in zip(placed, kept, heights, strict=True)
    ]
    places = np.concatenate([each for _, each in atoms])
    plane = plane_behind(places)
    mosaic = _Mosaic(shape, sampling)
    columns, sites, optics = [], [], []
    for each, mask, height in zip(placed, kept, heights, strict=True):
        field = each.field
        found = results(field, field.problem.fit(HIGHEST), plane - height)
        mosaic.add(each.block, found)
        inside = field.problem.series.outside(field.fitted.state.positions) <= 0
        columns.append(_moved(found.columns[mask[inside]], each, height))
        sites.append(_moved(found.empty_sites, each, height))
        optics.append(found.optics)
    free = _own([table[["y", "x"]].to_numpy() for table in sites], placed)
    sites = [table[mask] for table, mask in zip(sites, free, strict=True)]
    return RefinedAtoms(
        columns=pd.concat(columns, ignore_index=True),
        empty_sites=pd.concat(sites, ignore_index=True),
        symbols=tuple(symbol for symbols, _ in atoms for symbol in symbols),
        positions=places,
        tilt=_mean_tilt([each.field for each in placed]),
        wave=mosaic.wave,
        smoothing=placed[0].field.problem.options.smoothing,
        optics=_of_all(optics),
        residuals=mosaic.residuals,
    )


class _Mosaic:
    """Waves and residual images of blocks, blended."""

    def __init__(self, shape: tuple[int, ...], sampling: float) -> None:
        self._sampling = sampling
        self._total = np.full(shape[1:], 1e-6, np.float32)
        self._wave = np.zeros(shape[1:], np.complex64)
        self._residuals = np.zeros(shape, np.float32)

    def add(self, block: Block, found: RefinedAtoms) -> None:
        """Add a block."""
        weights = block.weights(self._total.shape, self._sampling)
        self._total[block.pixels] += weights
        self._wave[block.pixels] += weights * (found.wave - 1)
        self._residuals[(slice(None), *block.pixels)] += weights * found.residuals

    @property
    def wave(self) -> NDArray[np.complex64]:
        """The wave, 1 where no block is."""
        return np.asarray(1 + self._wave / self._total, np.complex64)

    @property
    def residuals(self) -> NDArray[np.float32]:
        """The residual images, 0 where no block is."""
        return self._residuals / self._total


def _own(
    positions: Sequence[NDArray[np.float64]], placed: Sequence[PlacedField]
) -> list[NDArray[np.bool_]]:
    """Return which positions (y, x) of each block are in its core, each only once."""
    found: list[NDArray[np.bool_]] = []
    before = np.zeros((0, 2))
    for places, each in zip(positions, placed, strict=True):
        mask = each.block.beyond(places) < _BESIDE
        if len(before) and len(places):
            mask &= cKDTree(before).query(places)[0] > _SAME
        before = np.concatenate([before, places[mask]])
        found.append(mask)
    return found


def _atoms(
    placed: PlacedField, mask: NDArray[np.bool_], height: float
) -> tuple[list[str], NDArray[np.float64]]:
    """Return symbols and positions (x, y, z) of the atoms of some columns."""
    state, problem = placed.field.fitted.state, placed.field.problem
    own = state.with_columns(state.positions[mask], state.kinds[mask])
    symbols, atoms = atoms_of(problem, own)
    y, x = placed.first - problem.series.origin
    return symbols, atoms + np.array([x, y, height])


def _moved(table: pd.DataFrame, placed: PlacedField, height: float) -> pd.DataFrame:
    """Return a table whose positions are those in the images."""
    y, x = placed.first
    return table.assign(x=table["x"] + x, y=table["y"] + y, z=table["z"] + height)


def _mean_tilt(fields: Sequence[FittedField]) -> Measured:
    """Return the mean tilt; where the sheet is bent, with the spread of the tilts."""
    tilts = np.array([each.fitted.state.normal for each in fields])
    precisions = np.array([np.linalg.inv(each.errors.pose) for each in fields])
    covariance = np.linalg.inv(precisions.sum(axis=0))
    mean = covariance @ np.einsum("bnm,bm->n", precisions, tilts)
    off = tilts - mean
    scatter = np.einsum("bn,bnm,bm->", off, precisions, off)
    bent = max(1.0, float(scatter) / max(2 * (len(fields) - 1), 1))
    return Measured(mean[::-1], np.sqrt(bent * np.diag(covariance))[::-1])


def _of_all(optics: Sequence[FittedOptics]) -> FittedOptics:
    """Return the lenses with chi² and noise of all blocks."""
    freedom = np.array([2 / each.chi2_error**2 for each in optics])
    noise = [float(each.noise.value) for each in optics]
    error = float(optics[0].noise.error * np.sqrt(freedom[0] / freedom.sum()))
    return replace(
        optics[0],
        chi2=float(np.average([each.chi2 for each in optics], weights=freedom)),
        chi2_error=float(np.sqrt(2 / freedom.sum())),
        unexplained=float(
            np.average([each.unexplained for each in optics], weights=freedom)
        ),
        noise=Measured(float(np.average(noise, weights=freedom)), error),
    )
