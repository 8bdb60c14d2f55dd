# SPDX-License-Identifier: GPL-3.0-or-later
"""How well a predicted mask covers the true one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def f1_score(predicted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Return the pixel F1 score, equation 3.7 of the thesis.

    Parameters
    ----------
    predicted, truth
        Masks of the same shape.

    Returns
    -------
    From 0 to 1; nan where both masks are empty and the score has no meaning.
    """
    both = np.count_nonzero(predicted & truth)
    either = np.count_nonzero(predicted) + np.count_nonzero(truth)
    return 2 * both / either if either else float("nan")
