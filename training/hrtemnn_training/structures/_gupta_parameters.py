# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of the Gupta potential, of silver and cobalt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class PairParameters(NamedTuple):
    """Parameters of two elements: A and xi [eV], p, q, and the distance r0 [Å]."""

    A: float
    xi: float
    p: float
    q: float
    r0: float


# Cleri and Rosato, Phys. Rev. B 48 (1993) 22. The distance is that
# of neighbors in the crystal; of cobalt, the mean of its two.
PURE = {
    "Ag": PairParameters(0.1028, 1.1780, 10.928, 3.139, 2.889),
    "Co": PairParameters(0.0950, 1.4880, 11.604, 2.286, 2.502),
}

# The sums of that paper end after the fifth shell, at 2.236 distances of neighbors; the
# sixth is at 2.449. They end smoothly, so that forces do.
FADES, ENDS = 2.25, 2.44
"""Where the potential begins to fade, and ends, in distances of neighbors."""


def check_potential(elements: Iterable[str]) -> None:
    """Raise a ValueError if there are no parameters for one of the elements."""
    for element in elements:
        if element not in PURE:
            raise ValueError(
                f"there is no potential for {element!r}, only for {', '.join(PURE)}"
            )


def mixed(a: PairParameters, b: PairParameters) -> PairParameters:
    """Return the parameters between two elements, by the usual rule.

    These are the geometric means of the energies, and the arithmetic means of the
    others; of an element with itself, its own.
    """
    return PairParameters(
        A=math.sqrt(a.A * b.A),
        xi=math.sqrt(a.xi * b.xi),
        p=(a.p + b.p) / 2,
        q=(a.q + b.q) / 2,
        r0=(a.r0 + b.r0) / 2,
    )
