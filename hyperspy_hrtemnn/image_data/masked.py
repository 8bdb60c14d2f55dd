# SPDX-License-Identifier: GPL-3.0-or-later
"""Masked arrays of numpy: what is masked is no data."""

from __future__ import annotations

from typing import Any

import numpy as np


def without_mask(values: Any, no_data: float = np.nan) -> Any:
    """Return an array whose masked values are no data; any other one as it is.

    `numpy.asarray` would take the values below the mask for data.

    Parameters
    ----------
    values
        Anything that is an array, of any shape.
    no_data
        Value of what is masked. The type becomes one that has it.

    Examples
    --------
    >>> import numpy as np
    >>> without_mask(np.ma.masked_equal([1, 2, 3], 2)).tolist()
    [1.0, nan, 3.0]
    """
    if not isinstance(values, np.ma.MaskedArray):
        return np.asarray(values)
    if not np.ma.is_masked(values):
        return np.asarray(values.data)
    # The smallest type that has both; integers of 16 bits fit into single precision.
    least = np.float32 if np.isnan(no_data) else np.min_scalar_type(int(no_data))
    data = values.data.astype(np.result_type(values.dtype, least))
    data[np.ma.getmaskarray(values)] = no_data
    return data
