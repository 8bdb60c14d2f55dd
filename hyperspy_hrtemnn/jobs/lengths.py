# SPDX-License-Identifier: GPL-3.0-or-later
"""Lengths on the command line: numbers, or texts with a unit."""

from __future__ import annotations

import numpy as np

from hyperspy_hrtemnn.signals._shared.units import hint_for, length_in


def number_or_text(value: str | None) -> float | str | None:
    """Return "1.5" as a number, which is in the unit of the axes, "2 nm" as it is."""
    if value is None:
        return None
    try:
        return float(value)
    except ValueError:
        return value


def sampling_in_angstrom(sampling: float | str | None) -> float | None:
    """Return the value of ``--sampling``, a number in Å or a text, in Å.

    Raises
    ------
    ValueError
        If it is not a length, or not positive.
    """
    value = number_or_text(sampling) if isinstance(sampling, str) else sampling
    if isinstance(value, str):
        length = length_in(value, "angstrom")
        if length is None:
            raise ValueError(
                f"--sampling is {sampling!r}, which is not a length: give a number in "
                f'Å, or a text with a unit, "0.12 angstrom".{hint_for(value)}'
            )
        value = length
    if value is not None and not 0 < value < np.inf:
        raise ValueError(f"--sampling is {sampling}; it must be positive.")
    return value
