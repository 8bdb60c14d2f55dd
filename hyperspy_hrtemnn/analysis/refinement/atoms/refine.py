# SPDX-License-Identifier: GPL-3.0-or-later
"""Refinement of the atoms of a sheet, from guessed columns to what images tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from hyperspy_hrtemnn.analysis.refinement.copied_images import (
    check_copies,
    warn_of_shared_noise,
)
from hyperspy_hrtemnn.analysis.refinement.noise_level import with_noise_of_dose
from hyperspy_hrtemnn.analysis.refinement.said_lenses import (
    asked_lenses,
    warn_of_lenses,
)
from hyperspy_hrtemnn.analysis.refinement.working_grid import HIGHEST

from .block_cuts import is_large
from .blocks import refine_in_blocks
from .explanation import FEWEST, NotSeenError
from .field_fit import FieldFit
from .honeycomb import bond_length
from .known_sheets import sheet_of_classes
from .problem import WaveOptions
from .results import results
from .strange_columns import judge_columns
from .unexplained_places import warn_of_places
from .verdict import judge, judge_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from hyperspy_hrtemnn.analysis.microscope.detector import Detector
    from hyperspy_hrtemnn.analysis.refinement.fitted_optics import FittedOptics

    from .refined_atoms import RefinedAtoms


# Distances of neighboring columns that sheets may have [Å].
_CLOSEST, _FARTHEST = 0.9, 3.5


def refine_atoms(
    images: NDArray[np.floating],
    detector: Detector,
    energy: float,
    defocus: Sequence[float],
    columns: pd.DataFrame,
    *,
    Cs: float = 0.0,
    optics: FittedOptics | None = None,
    dopants: Sequence[str] = (),
    valid: NDArray[np.bool_] | None = None,
    vibration: float = 0.004,
    smoothing: float = 0.15,
    any_contrast: bool = False,
    support: Literal["graphene"] | None = None,
) -> RefinedAtoms:
    """Refine the columns of a sheet to what the images of a focal series tell.

    The wave is the product of the waves of all columns of atoms, and its images are
    compared with those of the detector, in units of their noise. Positions, tilt and
    lenses change together until chi² is least. Then each site is asked what else might
    stand there, also sites without a column; the best changes are made, and all is
    fitted again, until nothing improves.

    Parameters
    ----------
    images
        Electrons in each pixel, shape (image, y, x), one image or more.
    detector
        Pixel size, MTF and readout noise; its dose is not used.
    energy
        Beam energy [keV].
    defocus
        Guess of the defocus of each image, positive = underfocus [Å], right to 20 Å.
    columns
        Guess of the columns: ``x`` and ``y`` from the middle of the first pixel [Å],
        and ``class``, as of `sheet_of_classes`. Errors of a tenth of the columns are
        found.
    Cs
        Guess of the spherical aberration [Å], right to 1.5 µm.
    optics
        Lenses, if they are known, instead of `defocus` and `Cs`; they are refined.
    dopants
        Symbols of elements that may stand in place of others.
    valid
        Pixels of the images that are data, shape (y, x); by default all.
    vibration
        Mean square displacement of the atoms along one direction [Å²]. Lenses depend on
        it, which is not in their errors.
    smoothing
        Standard deviation of the Gaussian by which the wave of the result is smoothed
        [Å]; it changes nothing else.
    any_contrast
        Whether the contrast of each image is fitted, too: of images with an unknown
        zero, as stretched ones, or with a background, as of inelastic scattering. The
        noise tells how strong it is, as of `with_noise_of_dose`.
    support
        What the sheet lies on, nearer to the entrance of the beam: ``"graphene"`` finds
        one layer of it, its lattice, its distance and its edges.

    Raises
    ------
    ValueError
        If shapes do not fit, two images are the same, the classes are not of a known
        sheet, the columns are not on its sites, the images show nothing above their
        noise, or the atoms explain less than half of their contrast.

    Warns
    -----
    UserWarning
        If more than 0.5 % of the contrast is unexplained, the lenses are farther from a
        guess than it has to be right, the noise is not that of the detector or the same
        in two images, columns are none of the classes that were allowed, or all
        stronger or weaker than these, places among them are explained worse than all
        others, the lattice constant is not that of the sheet, no
        support is found, or tilt or energy are beyond those at which the model of the
        wave was tested, 20 degrees and 50 to 300 keV.
    """
    options = WaveOptions(vibration, smoothing, any_contrast)
    guess = np.asarray(defocus if optics is None else optics.defocus.value, float)
    if valid is None:
        valid = np.ones(images.shape[1:], bool)
    if support not in (None, "graphene"):
        raise ValueError(f"support can be 'graphene' or None, not {support!r}.")
    _check(images, guess, columns, valid)
    if any_contrast:
        images = with_noise_of_dose(images, valid, detector)
    sheet, names = sheet_of_classes(columns["class"], dopants)
    if support == sheet.name:
        raise ValueError(f"{support} on {support} is not known; leave support=None.")
    supported = support is not None
    fit = FieldFit(
        detector, energy, guess, Cs, optics, sheet, names, options, supported
    )
    try:
        found = _found(fit, images, valid, columns)
        judge(found.optics)
    except NotSeenError as error:
        said = Cs if optics is None else float(optics.Cs.value)
        raise ValueError(f"{error} {asked_lenses(guess.tolist(), said)}") from error
    if optics is None:
        warn_of_lenses(found.optics, guess.tolist(), Cs)
    height, width = (n * detector.sampling for n in images.shape[1:])
    warn_of_shared_noise(list(found.residuals), (height, width))
    judge_columns(found.columns)
    warn_of_places(found.residuals, found.columns, detector.sampling)
    judge_model(found.tilt.value, energy)
    return found


def _found(
    fit: FieldFit,
    images: NDArray[np.floating],
    valid: NDArray[np.bool_],
    columns: pd.DataFrame,
) -> RefinedAtoms:
    """Return what is found in one field of view, or in the blocks of a large one."""
    sampling = fit.detector.sampling
    positions = columns[["y", "x"]].to_numpy(float)
    if not is_large(images.shape[1:], positions, sampling):
        field = fit(images, valid, columns)
        return results(field, field.problem.fit(HIGHEST))
    if fit.supported:
        raise ValueError(
            "A support is found in fields of view up to 100 Å and 600 columns; cut "
            "the images with isig, and the table of columns alike."
        )
    return refine_in_blocks(fit, images, valid, columns, sampling)


def _check(
    images: NDArray[np.floating],
    defocus: NDArray[np.float64],
    columns: pd.DataFrame,
    valid: NDArray[np.bool_],
) -> None:
    """Raise a ValueError unless images, defocus and columns belong together."""
    if images.ndim != 3 or len(images) != len(defocus) or not len(defocus):
        raise ValueError(
            f"Images of shape (image, y, x) and a defocus for each are needed, not "
            f"{images.shape} and {len(defocus)}."
        )
    if valid.shape != images.shape[1:]:
        raise ValueError(
            f"valid has the shape {valid.shape}, the images have {images.shape[1:]}."
        )
    check_copies(images, valid)
    missing = {"x", "y", "class"} - set(columns.columns)
    if missing:
        raise ValueError(
            f"The table of columns lacks {', '.join(sorted(missing))}; give that of "
            "Segmentation.find_columns."
        )
    if len(columns) < FEWEST or not np.isfinite(columns[["x", "y"]]).all(axis=None):
        raise ValueError(
            f"{FEWEST} columns or more with finite positions are needed to find a "
            f"sheet, not {len(columns)}."
        )
    nearest = bond_length(columns[["y", "x"]].to_numpy(float))
    if not _CLOSEST < nearest < _FARTHEST:
        raise ValueError(
            f"The columns are {nearest:.3g} Å apart, where those of a sheet are "
            f"{_CLOSEST:g} to {_FARTHEST:g} Å apart. Is the table in the right unit, "
            "and the pixel size right?"
        )
