# SPDX-License-Identifier: GPL-3.0-or-later
"""Shown frames: the few frames of a movie of which there are pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_FULLEST = 2


def shown_frames(amount: pd.Series) -> dict[int, str]:
    """Return the frames to show, and why: the first, middle, last, and the fullest.

    Parameters
    ----------
    amount
        What there is in each frame, such as the number of its particles, by number of
        the frame, in their order; NaN for those that could not be used, which are not
        shown.

    Returns
    -------
    The reason of each frame, in the order of the frames.

    Examples
    --------
    >>> import pandas as pd
    >>> shown_frames(pd.Series([None, 3, 5, 2, 9, 1]))
    {1: 'first', 2: 'one of the fullest', 3: 'middle', 4: 'fullest', 5: 'last'}
    """
    known = amount.dropna()
    if known.empty:
        return {}
    numbers = known.index.tolist()
    if len(numbers) == 1:
        return {int(numbers[0]): "the only one"}
    reasons: dict[int, list[str]] = {}
    for number, reason in (
        (numbers[0], "first"),
        (numbers[(len(numbers) - 1) // 2], "middle"),
        (numbers[-1], "last"),
    ):
        reasons.setdefault(int(number), []).append(reason)
    # Where all frames are alike, a fuller one shows nothing else. Of equally full ones
    # the earlier are taken.
    fuller = known[known > known[list(reasons)].max()]
    fullest = fuller.sort_values(ascending=False, kind="stable")
    for place, number in enumerate(fullest.index[:_FULLEST]):
        reason = "one of the fullest" if place else "fullest"
        reasons.setdefault(int(number), []).append(reason)
    return {number: ", ".join(reasons[number]) for number in sorted(reasons)}
