# SPDX-License-Identifier: GPL-3.0-or-later
"""Atoms of a focal series in a file: the job of `hrtemnn atoms`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_hrtemnn.io.whole_frames import load_movie
from hyperspy_hrtemnn.locks import locked
from hyperspy_hrtemnn.signals._atoms.model_files import FILES
from hyperspy_hrtemnn.signals._atoms.refine_atoms import find_atoms
from hyperspy_hrtemnn.signals._shared.entrance import in_one_form
from hyperspy_hrtemnn.signals._shared.lenses import angstroms

from .lengths import sampling_in_angstrom
from .outputs import is_same
from .own_files import OwnFiles
from .sources import Input
from .warning_lines import warnings_as_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from hyperspy_hrtemnn.options import AtomOptions, CameraOptions
    from hyperspy_hrtemnn.signals import AtomModel


def find_atoms_file(
    series: Path,
    model: str,
    out: Path,
    *,
    device: str | None = None,
    sampling: float | str | None,
    energy: str | None,
    defocus: Sequence[float | str],
    camera: CameraOptions,
    options: AtomOptions,
) -> AtomModel:
    """Find the atoms of the images in a file, and write them into a folder.

    Parameters
    ----------
    series
        A file that HyperSpy reads, or a folder of an in-situ camera.
    model
        Name of a network, or path of its file.
    out
        The folder of `AtomModel.save`. Files of an earlier run are replaced, unless
        someone changed them; all go before the first is written, so that there are
        never files of two runs.
    device
        What the network runs on; see `HRTEM.segment`.
    sampling
        Pixel size in place of the file's, a number in Å or a text with a unit.
    energy
        Beam energy in keV or a text; by default the file's.
    defocus
        Guess of each image; none for those of the file.
    camera, options
        See `HRTEM.find_atoms`.

    Raises
    ------
    ValueError
        If the file cannot be read, an output is the input or was not written by this
        job, or if `HRTEM.find_atoms` raises one.
    """
    source = Input.of(series)
    outputs = [out / name for name in FILES]
    for path in (out, *outputs):
        if any(is_same(path, other) for other in (series, *source.files)):
            raise ValueError(f"{path} is the input; give another --out.")
    own = OwnFiles(out)
    with warnings_as_lines(series), locked(out):
        own.check(outputs)
        signal = in_one_form(load_movie(series, sampling_in_angstrom(sampling)))
        source.check(signal)
        found = find_atoms(
            signal,
            model,
            device=device,
            energy=energy,
            optics=None,
            camera=camera,
            options=replace(options, defocus=_guess(signal, defocus)),
            show_progressbar=True,
            num_workers=None,
        )
        for path in outputs:
            own.remove(path)
        found.save(out, overwrite=True, writing=own.writing())
    return found


# Range of the defocus below which images are hardly a series [Å].
_SERIES = 20.0


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _guess(signal: Any, defocus: Sequence[float | str]) -> float | str | None:
    """Return the guess for a single image; write those of a series into its axis."""
    axes = signal.axes_manager.navigation_axes
    if not defocus:
        return None
    images = signal.axes_manager.navigation_size or 1
    if len(axes) > 1 or len(defocus) != images:
        raise ValueError(
            f"--defocus is given {_times(len(defocus))}, and there are {images} "
            "images; give it once for each image of one focal series, or not at all."
        )
    if not axes:
        return defocus[0]
    values = np.array([angstroms(each, signal) for each in defocus])
    steps = np.diff(values)
    if not (np.all(steps > 0) or np.all(steps < 0)):
        raise ValueError(
            f"--defocus has to rise or to fall from image to image, not {values / 10} "
            "nm; give the images in the order of their defocus."
        )
    # A guess is right to 20 Å, and images within that are not a series.
    if not any(isinstance(each, str) for each in defocus) and np.ptp(values) < _SERIES:
        unit = signal.axes_manager.signal_axes[0].units
        raise ValueError(
            f"--defocus has numbers without a unit, which are in that of the axes, "
            f"{unit}: all images would be within {np.ptp(values) / 10:.2g} nm. Give it "
            f'with its unit, as --defocus "{defocus[0]:g} nm".'
        )
    if np.any(np.abs(steps - steps.mean()) > 1e-6 * np.abs(steps).max()):
        axes[0].convert_to_non_uniform_axis()
        axes[0].axis = values
    else:
        axes[0].offset, axes[0].scale = values[0], steps.mean()
    axes[0].name, axes[0].units = "defocus", "Å"
    return None
