# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel of a convolution: its side, as settings hold it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field


def _odd(side: int) -> int:
    if side % 2 == 0:
        raise ValueError(
            f"the side of a kernel must be odd, so that it has a middle, not {side}"
        )
    return side


Kernel = Annotated[int, Field(ge=1, le=63), AfterValidator(_odd)]
"""Side of a square kernel [pixels]."""
