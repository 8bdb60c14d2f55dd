# SPDX-License-Identifier: GPL-3.0-or-later
"""Search for columns, tilt and lenses that fit, by the method of L-BFGS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy.optimize import minimize

from .unknowns import Unknowns, find_scales

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .honeycomb import Sites
    from .sheet_fit import SheetFit
    from .sheet_state import SheetState
    from .unknowns import Scales

# Fall of the value in a step below which a fit has settled.
_SETTLED = 0.01


@dataclass(frozen=True)
class Fitted:
    """Columns and lenses that fit.

    Parameters
    ----------
    state
        The columns.
    vector
        Parameters of the lenses, as of `ParameterList`.
    value
        Half of chi², and of the squares of what is expected.
    """

    state: SheetState
    vector: NDArray[np.float64]
    value: float


def search(
    fit: SheetFit,
    state: SheetState,
    vector: NDArray[np.float64],
    scales: Scales,
    *,
    iterations: int,
    sites: Sites | None = None,
    hold_columns: bool = False,
    tolerance: float = 0.05,
) -> Fitted:
    """Fit columns, tilt and lenses.

    Parameters
    ----------
    fit
        Images and model.
    state, vector
        Where to start.
    scales
        Scales of the unknowns.
    iterations
        Largest number of steps.
    sites
        Sites of the columns, near which they are expected.
    hold_columns
        Whether only tilt and lenses are fitted.
    tolerance
        Fall of the value in a step below which the fit ends.
    """
    unknowns = Unknowns(fit, state, vector, scales, hold_columns)

    def value(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        now, lenses = unknowns.unpacked(x)
        chi2, *seen = fit.gradient(now, lenses)
        cost, *expected = fit.expected(state, vector, now, lenses, sites)
        gradients = [a + b for a, b in zip(seen, expected, strict=True)]
        return chi2 + cost, unknowns.packed(*gradients)

    first = value(unknowns.start)[0]
    found = minimize(
        value,
        unknowns.start,
        jac=True,
        method="L-BFGS-B",
        bounds=unknowns.bounds,
        options={
            "maxiter": iterations,
            "maxcor": 25,
            "ftol": tolerance / max(first, 1.0),
            "gtol": 1e-6,
        },
    )
    return Fitted(*unknowns.unpacked(found.x), float(found.fun))


def settle(
    fit: SheetFit,
    state: SheetState,
    vector: NDArray[np.float64],
    sites: Sites,
    *,
    iterations: int,
) -> Fitted:
    """Fit columns, tilt and lenses until next to nothing changes; as `search`."""
    scales = find_scales(fit, state, vector)
    return search(
        fit,
        state,
        vector,
        scales,
        iterations=iterations,
        sites=sites,
        tolerance=_SETTLED,
    )
