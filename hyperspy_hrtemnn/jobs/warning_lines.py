# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings and calibration errors as a command prints them."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hyperspy_hrtemnn import error_lines
from hyperspy_hrtemnn.signals._shared.calibration import CalibrationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def warnings_as_lines(movie: Path) -> Iterator[list[str]]:
    """Print each warning as one line; say which option gives a missing calibration.

    Parameters
    ----------
    movie
        The file that is named if its pixels have no known size.

    Yields
    ------
    The lines that were printed until then.
    """
    with error_lines.warnings_as_lines() as lines:
        warnings.simplefilter("always", UserWarning)
        try:
            yield lines
        except CalibrationError as error:
            raise ValueError(
                f"{movie} is not calibrated: {error.reason} Give the pixel size, for "
                'example --sampling "0.12 angstrom".'
            ) from None
