# SPDX-License-Identifier: GPL-3.0-or-later
"""Range: lower and upper bound of a quantity, checked as it is read by pydantic.

Cards of networks and recipes of trainings say their ranges in this type.
"""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import AfterValidator


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if not all(map(math.isfinite, bounds)):
        raise ValueError(f"the range {bounds} is not of finite numbers")
    if bounds[0] > bounds[1]:
        raise ValueError(f"the range {bounds} is reversed")
    return bounds


Range = Annotated[tuple[float, float], AfterValidator(_ordered)]
"""Lower and upper bound, both included."""
