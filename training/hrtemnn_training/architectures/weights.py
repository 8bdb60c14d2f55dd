# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights of a network: how many there may be, told before memory is asked for."""

from __future__ import annotations

# 2 GB, and four times as much with what Adam with AMSGrad remembers of each. The
# network of publication I has 63 million.
_MOST = 500_000_000


def check_weights(keys: str, weights: int) -> None:
    """Raise a ValueError if there are more weights than any training can hold.

    Parameters
    ----------
    keys
        The keys that they follow from.
    weights
        Number of weights, roughly.
    """
    if weights > _MOST:
        raise ValueError(
            f"{keys} make some {weights:.0e} weights, which take "
            f"{weights * 16 / 1e9:,.0f} GB in training; {_MOST:.0e} are the most"
        )
