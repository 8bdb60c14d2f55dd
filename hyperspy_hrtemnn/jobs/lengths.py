# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixel size on the command line: a number in Å, or a text with a unit."""

from __future__ import annotations

from hyperspy_hrtemnn.signals._shared.units import hint_for, length_in
from hyperspy_hrtemnn.unit_texts import quoted


def sampling_in_angstrom(sampling: float | str | None) -> float | None:
    """Return the value of ``--sampling``, a number in Å or a text with a unit, in Å.

    Raises
    ------
    ValueError
        If it is not a length, or not positive.
    """
    value = sampling
    if isinstance(value, str):
        length = length_in(value, "angstrom")
        if length is None:
            raise ValueError(
                f"--sampling is {quoted(value)}, which is not a length: give a number "
                f'in Å, or a text with a unit, "0.12 angstrom".{hint_for(value)}'
            )
        value = length
    # From less than a nucleus to more than a meter.
    if value is not None and not 1e-6 < value < 1e11:
        raise ValueError(
            f"--sampling is {sampling}; it must be positive, and that of a microscope."
        )
    return value
