# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks: a large field of view, refined part by part with the lenses of all.

One block after the other is fitted, the one with the most columns first: where its
lenses are, the others begin. Then all have the same lenses, but for the height of the
sheet, which may be tilted otherwise in each block, as a bent one is, and the dose.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .block_cuts import Block, cut_blocks
from .block_results import PlacedField, merged
from .common_lens import LensOfPlace, common_lens, differing
from .identities import Identities
from .information import with_lenses
from .search import settle
from .sheet_fit import precision_of_guess

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from .field_fit import FieldFit
    from .fitted_field import FittedField
    from .refined_atoms import RefinedAtoms

# Columns farther than this outside a block are not in its guess [Å].
_BESIDE = 4.0

# Steps of the fit with the lenses of all.
_STEPS = 20


def refine_in_blocks(
    fit_field: FieldFit,
    images: NDArray[np.floating],
    valid: NDArray[np.bool_],
    columns: pd.DataFrame,
    sampling: float,
) -> RefinedAtoms:
    """Refine the columns of a large field of view; as `refine_atoms`.

    Parameters
    ----------
    fit_field
        How a part of it is fitted.
    images, valid, columns
        As of `refine_atoms`.
    sampling
        Pixel size [Å].
    """
    series = _Series(images, valid, columns, sampling)
    positions = columns[["y", "x"]].to_numpy(float)
    # A block of what is not data would tell nothing.
    pixels = np.round(positions / sampling).astype(int)
    rows, places = np.clip(pixels, 0, np.array(valid.shape) - 1).T
    positions = positions[valid[rows, places]]
    blocks = cut_blocks(positions, valid.shape, sampling)
    blocks.sort(key=lambda block: -int(np.sum(block.beyond(positions) <= 0)))
    first = fit_field(*series.of_block(blocks[0], np.zeros(2)))
    fields, lenses = [first], first.fitted.vector
    for block in blocks[1:]:
        # All columns are moved to where the first image has them.
        part = series.of_block(block, first.moved)
        fields.append(fit_field(*part, lenses))
    placed = [
        PlacedField(block, field)
        for block, field in zip(blocks, _with_one_lens(fields), strict=True)
    ]
    return merged(placed, images.shape, sampling)


@dataclass(frozen=True)
class _Series:
    images: NDArray[np.floating]
    valid: NDArray[np.bool_]
    columns: pd.DataFrame
    sampling: float

    def of_block(
        self, block: Block, moved: NDArray[np.float64]
    ) -> tuple[NDArray[np.floating], NDArray[np.bool_], pd.DataFrame]:
        """Return images, valid pixels and moved columns of a block."""
        rows, columns = block.pixels
        first = np.array([rows.start, columns.start]) * self.sampling
        size = np.array(self.valid[block.pixels].shape) * self.sampling
        places = self.columns[["y", "x"]].to_numpy(float) + moved - first
        near = np.all((places > -_BESIDE) & (places < size + _BESIDE), axis=1)
        table = self.columns[near].assign(y=places[near, 0], x=places[near, 1])
        return self.images[:, rows, columns], self.valid[block.pixels], table


def _with_one_lens(fields: list[FittedField]) -> list[FittedField]:
    """Return fields with the lenses of all, and positions that fit these."""
    free, parameters = fields[0].free, fields[0].problem.parameters
    own = np.ix_(free, free)
    places = [
        LensOfPlace(each.fitted.vector[free], each.errors.lenses[own])
        for each in fields
    ]
    # What the user expects counts once, and the lenses of the first are in its images.
    information = [places[0].information()]
    precision = precision_of_guess(parameters.steps[free])
    information += [
        each.information(places[0].vector, precision) for each in places[1:]
    ]
    ways = differing(parameters, free)
    found = common_lens(information, ways, parameters.steps[free])
    return [_refitted(*each) for each in zip(fields, found, strict=True)]


def _refitted(field: FittedField, lens: LensOfPlace) -> FittedField:
    """Return a field whose columns fit given lenses."""
    fit = field.problem.fit(field.highest).with_lenses_held()
    state, vector = field.fitted.state, field.fitted.vector.copy()
    change = lens.vector - vector[field.free]
    vector[field.free] = lens.vector
    on_sites = Identities(field.problem.sheet).sites(state)
    fitted = settle(fit, state, vector, on_sites, iterations=_STEPS)
    errors = with_lenses(field.errors, field.free, change, lens.covariance)
    return replace(field, fitted=fitted, errors=errors)
