# SPDX-License-Identifier: GPL-3.0-or-later
"""Refinement of atoms to the images of a series: `HRTEM.refine_atoms`, `find_atoms`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.analysis import FittedOptics
from hyperspy_hrtemnn.analysis import refine_atoms as refine_columns
from hyperspy_hrtemnn.analysis.refinement.atoms.problem import WaveOptions
from hyperspy_hrtemnn.bad_frames import reading
from hyperspy_hrtemnn.image_data import contrast_checked, image_data
from hyperspy_hrtemnn.options import PredictionOptions
from hyperspy_hrtemnn.signals._columns.column_table import column_table
from hyperspy_hrtemnn.signals._detector.camera import electrons, known_detector
from hyperspy_hrtemnn.signals._prediction.predictions import load_for
from hyperspy_hrtemnn.signals._prediction.segment import segment
from hyperspy_hrtemnn.signals._shared.calibration import sampling, square_pixels
from hyperspy_hrtemnn.signals._shared.defocus import series_defocus
from hyperspy_hrtemnn.signals._shared.frames import in_memory
from hyperspy_hrtemnn.signals._shared.lenses import (
    angstroms,
    beam_energy,
    known_energy,
)
from hyperspy_hrtemnn.signals._shared.skipping import FrameRule

from .atom_model import AtomModel
from .column_places import in_angstrom, in_unit_of_axes
from .enclosed_sites import is_enclosed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Any

    import pandas as pd
    from hyperspy.signals import Signal2D

    from hyperspy_hrtemnn.analysis import RefinedAtoms
    from hyperspy_hrtemnn.networks import Network
    from hyperspy_hrtemnn.options import AtomOptions, CameraOptions

# Relative difference of beam energies that are taken for the same.
_SAME = 1e-3


def refine_atoms(
    series: Signal2D,
    columns: pd.DataFrame,
    *,
    energy: float | str | None,
    optics: FittedOptics | None,
    camera: CameraOptions,
    options: AtomOptions,
) -> AtomModel:
    """Return the atoms that explain the images; see `HRTEM.refine_atoms`.

    Parameters
    ----------
    series
        One image, or a focal series.
    columns
        Table of guessed columns.
    energy
        Beam energy [keV], or a text; by default the metadata's.
    optics
        The lenses, where they are known.
    camera
        The camera and its counts.
    options
        Guesses, and what may be in the sample.
    """
    refinement = _refinement(series, energy, optics, camera, options)
    return _model(series, columns, refinement, options, {})


def find_atoms(
    series: Signal2D,
    model: str | Path | Network,
    *,
    device: str | None,
    energy: float | str | None,
    optics: FittedOptics | None,
    camera: CameraOptions,
    options: AtomOptions,
    show_progressbar: bool | None,
    num_workers: int | None,
) -> AtomModel:
    """Return the atoms, from columns that a network finds; see `HRTEM.find_atoms`.

    Parameters
    ----------
    series, energy, optics, camera, options
        See `refine_atoms`.
    model
        Name, path or network.
    device
        What the network runs on.
    show_progressbar, num_workers
        See the methods of the signals.
    """
    # What is missing is told before the network runs.
    refinement = _refinement(series, energy, optics, camera, options)
    network = load_for("segmentation", model, device, show_progressbar=show_progressbar)
    network = network.averaged()
    segmentation = segment(
        series,
        network,
        PredictionOptions(),
        device=None,
        rule=FrameRule("raise"),
        show_progressbar=show_progressbar,
        num_workers=num_workers,
        lazy_output=False,
    )
    columns = column_table(
        segmentation, None, 0.5, show_progressbar=False, num_workers=num_workers
    )
    if columns.empty:
        raise ValueError(
            f"The network {network.name!r} finds no columns in the images; without a "
            "guess there is nothing to refine. Is it the network for this sample?"
        )
    # A network for single images looks at each of a series.
    certain = columns.groupby("frame")["confidence"].sum().idxmax()
    made = {
        "network": network.name,
        "sha256": network.sha256,
        "device": network.device,
    }
    chosen = columns[columns["frame"] == certain].assign(frame=0)
    return _model(series, chosen, refinement, options, made)


def _refinement(
    series: Signal2D,
    energy: float | str | None,
    optics: FittedOptics | None,
    camera: CameraOptions,
    options: AtomOptions,
) -> Callable[[pd.DataFrame], RefinedAtoms]:
    """Return what refines columns in Å, with all else that is known.

    Raises
    ------
    ValueError
        If something is not known, or contradicts something else.
    """
    _check_navigation(series)
    known = _energy(series, energy, optics)
    defocus = _defocus(series, options.defocus, optics)
    detector = known_detector(series, camera)
    Cs, smoothing = (angstroms(n, series) for n in (options.Cs, options.smoothing))
    vibration = square_pixels(options.vibration, series) * sampling(series) ** 2
    WaveOptions(vibration, smoothing, options.any_contrast)  # which refuses wrong ones
    with reading():
        stack = in_memory(series)
    data = contrast_checked(image_data(stack))
    counted = electrons(data, series, camera, any_contrast=options.any_contrast)
    return partial(
        refine_columns,
        counted.reshape(-1, *counted.shape[-2:]),
        detector,
        known,
        defocus,
        Cs=Cs,
        optics=optics,
        dopants=options.dopants,
        valid=data.valid,
        vibration=vibration,
        smoothing=smoothing,
        any_contrast=options.any_contrast,
        support=options.support,
    )


def _check_navigation(series: Signal2D) -> None:
    """Raise a ValueError unless it is one image or one series."""
    shape = series.axes_manager.navigation_shape
    if len(shape) > 1:
        raise ValueError(
            f"The images have the navigation shape {shape}; atoms are refined in one "
            "image or one focal series at a time. Choose it with inav."
        )


def _energy(
    series: Signal2D, energy: float | str | None, optics: FittedOptics | None
) -> float:
    """Return the beam energy [keV] that is given, or else known."""
    if optics is None:
        return beam_energy(series, energy)
    if not isinstance(optics, FittedOptics):
        raise ValueError(
            f"optics is of the type {type(optics).__name__}; give what fit_optics "
            "returns, or leave it out."
        )
    if energy is None and known_energy(series) is None:
        return optics.energy
    known = beam_energy(series, energy)
    if abs(known / optics.energy - 1) > _SAME:
        raise ValueError(
            f"The optics are of {optics.energy:g} keV, the images of {known:g} keV; "
            "give the energy with which the images were taken, and optics of it."
        )
    return known


def _defocus(
    series: Signal2D, guess: float | str | None, optics: FittedOptics | None
) -> list[float]:
    """Return the defocus of each image [Å], as it is guessed or fitted."""
    single = not series.axes_manager.navigation_axes
    if not single and guess is not None:
        raise ValueError(
            f"defocus is {guess!r}, which is for a single image; that of a series is "
            "its axis 'defocus'. Leave it out, and correct the axis."
        )
    if optics is not None:
        fitted = np.atleast_1d(optics.defocus.value).tolist()
        images = max(series.axes_manager.navigation_size, 1)
        if len(fitted) != images:
            raise ValueError(
                f"The optics are of {len(fitted)} images, and there are {images}; give "
                "optics of these images."
            )
        return fitted  # type: ignore[no-any-return]
    if not single:
        return series_defocus(series, "A guess of 2 nm is enough.").tolist()  # type: ignore[no-any-return]
    if guess is None:
        raise ValueError(
            "The defocus of the image is not known. Give a guess that is right to 2 "
            'nm, positive = underfocus, defocus="5 nm", or optics.'
        )
    return [angstroms(guess, series)]


def _model(
    series: Signal2D,
    columns: pd.DataFrame,
    refinement: Callable[[pd.DataFrame], RefinedAtoms],
    options: AtomOptions,
    made: Mapping[str, Any],
) -> AtomModel:
    """Return the refined model, in the unit of the axes."""
    refined = refinement(in_angstrom(columns, series))
    frame = int(columns["frame"].iloc[0]) if "frame" in columns else 0
    found, sites = _tables(refined.columns, refined.empty_sites, series, frame)
    support = free = None
    if refined.support is not None and refined.empty_support_sites is not None:
        support, free = _tables(
            refined.support, refined.empty_support_sites, series, frame
        )
    return AtomModel(
        found,
        sites,
        refined,
        series,
        {
            **made,
            "vibration": options.vibration,
            "dopants": list(options.dopants),
            "smoothing": options.smoothing,
            "any_contrast": options.any_contrast,
            "support": options.support or "none",
        },
        support,
        free,
    )


def _tables(
    columns: pd.DataFrame, free: pd.DataFrame, series: Signal2D, frame: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return columns and empty sites of a sheet in the unit of the axes."""
    found, sites = (in_unit_of_axes(each, series, frame) for each in (columns, free))
    sites.insert(4, "enclosed", is_enclosed(sites, found))
    return found, sites
