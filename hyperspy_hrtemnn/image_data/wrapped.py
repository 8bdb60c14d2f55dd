# SPDX-License-Identifier: GPL-3.0-or-later
"""Integers that were wrapped: too large for int16, or below zero in uint16."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Rows of an image that are looked at.
_ROWS = 64

# Read with a sign, or without, wrapped numbers differ less from one pixel to the next;
# all others do not differ less.
_SMOOTHER = 0.7

# A mask of 0 and 65535 has fewer values at each end of the range.
_FEW = 3


def refuse_wrapped(images: NDArray[Any]) -> None:
    """Raise an error if integers of 16 bits jump between the ends of their range.

    Parameters
    ----------
    images
        Shape (..., y, x), of any dtype.

    Raises
    ------
    ValueError
        If they do, and would not if they were read with a sign, or without.
    """
    if images.dtype.kind not in "iu" or images.dtype.itemsize != 2 or images.ndim < 2:
        return
    step = max(1, images.shape[-2] // _ROWS)
    rows = images[..., ::step, :].astype(images.dtype.newbyteorder("="))
    signed = images.dtype.kind == "i"
    beyond = rows < 0 if signed else rows > np.iinfo(np.int16).max
    if not beyond.any() or beyond.all():
        return
    other = "uint16" if signed else "int16"
    if _roughness(rows.view(other)) >= _SMOOTHER * _roughness(rows):
        return
    if min(len(np.unique(rows[part])) for part in (beyond, ~beyond)) < _FEW:
        return
    why = "more than 32767 became negative" if signed else "less than 0 became 65535"
    raise ValueError(
        f"The numbers of the image ({images.dtype}) jump between the ends of their "
        f"range: what was {why}. Take them as they were, with "
        f"signal.data = signal.data.view({other!r})."
    )


def _roughness(rows: NDArray[Any]) -> float:
    return float(np.abs(np.diff(rows.astype(np.float32))).sum(dtype=np.float64))
