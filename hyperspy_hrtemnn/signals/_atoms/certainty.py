# SPDX-License-Identifier: GPL-3.0-or-later
"""Certainty of columns: how probable the class is that each has been given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

CERTAIN = 0.95
"""Probability below which the class of a column is said to be uncertain."""


def is_uncertain(columns: pd.DataFrame) -> NDArray[np.bool_]:
    """Return of which columns the class is uncertain, shape (column,).

    Parameters
    ----------
    columns
        Table with ``class``, and ``probability_`` and the name of each class.
    """
    of_class = np.array(
        [row[f"probability_{row['class']}"] for _, row in columns.iterrows()], float
    )
    return ~(of_class >= CERTAIN)
