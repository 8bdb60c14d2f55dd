# SPDX-License-Identifier: GPL-3.0-or-later
"""Detector parameters measured in a movie in a file: the job of `hrtemnn detector`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hyperspy.api as hs
from matplotlib.figure import Figure

from hyperspy_hrtemnn.analysis.detector.parameters import read_parameters_file
from hyperspy_hrtemnn.atomic import check_replaceable, written_whole
from hyperspy_hrtemnn.io.whole_frames import load_movie

from .lengths import sampling_in_angstrom
from .outputs import is_same
from .sources import files_of
from .warning_lines import warnings_as_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hyperspy_hrtemnn.analysis.detector.mtf_fit import Floor
    from hyperspy_hrtemnn.signals import DetectorFit


def measure_file(
    movie: Path,
    out: Path,
    *,
    roi: tuple[float, float, float, float] | None = None,
    counts_per_electron: float | str | None = None,
    offset: float | None = None,
    dose: float | Sequence[float] | None = None,
    exposure: float | None = None,
    floor: Floor = "quadrature",
    sampling: float | str | None = None,
    min_R2: float = 0.98,
    picture: Path | None = None,
) -> DetectorFit:
    """Measure the detector that took a movie; write the parameters that simulate it.

    Parameters
    ----------
    movie
        A file that HyperSpy reads, or a folder of an in-situ camera.
    out
        The parameters file or recipe, changed if it exists; see `DetectorFit.save`.
    roi
        Left, top, right and bottom of the vacuum, in the unit of the signal axes;
        searched for if None.
    counts_per_electron, offset, dose, exposure, floor
        See `HRTEM.fit_mtf`.
    sampling
        Pixel size in place of the file's, a number in Å or a text with a unit.
    min_R2
        See `DetectorFit.save`.
    picture
        File for a picture of the fits; without it none is drawn.

    Raises
    ------
    ValueError
        If the file cannot be read or measured, or the folder to write into does not
        exist.
    """
    for path in (out, picture):
        if path is not None and not path.parent.is_dir():
            raise ValueError(f"There is no folder {path.parent} for {path.name}.")
        if path is not None:
            check_replaceable(path)
    others = (movie, *files_of(movie))
    for path, more in ((out, others), (picture, (*others, out))):
        if path is not None and any(is_same(path, other) for other in more):
            raise ValueError(
                f"{path} is also the movie or --out; give another name to write to."
            )
    # Otherwise these would fail when all is measured.
    read_parameters_file(out)
    if picture is not None:
        _check_format(picture)
    signal = load_movie(movie, sampling_in_angstrom(sampling))
    with warnings_as_lines(movie):
        fit: DetectorFit = signal.fit_mtf(
            None if roi is None else hs.roi.RectangularROI(*roi),
            counts_per_electron=counts_per_electron,
            offset=offset,
            dose=dose,
            exposure=exposure,
            floor=floor,
        )
        fit.save(out, min_R2)
    if picture is not None:
        with written_whole(picture) as temporary:
            _draw(fit).savefig(temporary, format=picture.suffix.lstrip(".") or "png")
    return fit


def _check_format(picture: Path) -> None:
    """Raise a ValueError if matplotlib does not write such a picture."""
    formats = sorted(Figure().canvas.get_supported_filetypes())
    suffix = picture.suffix.lstrip(".").lower() or "png"
    if suffix not in formats:
        raise ValueError(
            f"--picture is {picture}; its name has to end with one of "
            f".{', .'.join(formats)}."
        )


def _draw(fit: DetectorFit) -> Figure:
    figure = Figure(figsize=(11, 7), layout="constrained")
    grid = figure.add_gridspec(6, 2)
    fit.plot_parameters([figure.add_subplot(grid[i : i + 2, 0]) for i in (0, 2, 4)])
    brightest = int(fit.table["dose"].argmax())
    fit.plot_spectrum(
        brightest, [figure.add_subplot(grid[i : i + 2, 1]) for i in (0, 2)]
    )
    fit.plot_readout(figure.add_subplot(grid[4:, 1]))
    return figure
