# SPDX-License-Identifier: GPL-3.0-or-later
"""Steady states: the state in each frame, without the errors of single frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

UNKNOWN = -1
"""The state of a frame in which nothing could be seen."""


def steady_states(
    observed: ArrayLike, states: int, min_frames: int
) -> NDArray[np.int64]:
    """Return the states that explain sequences of observations best.

    Of all sequences whose states last at least `min_frames` frames each, the one is
    taken that has the fewest frames observed otherwise. A change costs a little less
    than half of `min_frames` such frames: a state that lasts this long without an error
    is always found. All sequences are solved at once by dynamic programming.

    Parameters
    ----------
    observed
        Observed states from 0 on, -1 where nothing could be seen, shape (sequence,
        frame).
    states
        Number of states.
    min_frames
        Shortest duration of a state, at least 1. A sequence that is shorter has one
        state.

    Returns
    -------
    The states, shape (sequence, frame). Where a change happened in frames that show
    nothing, the new state begins in the frame in which it is first seen.

    Examples
    --------
    >>> steady_states([[0, 0, 1, 0, 0, 1, 1, 1, 0, 1]], 2, 3)
    array([[0, 0, 0, 0, 0, 1, 1, 1, 1, 1]])
    """
    seen = np.asarray(observed).T
    frames, count = seen.shape
    least = min(min_frames, frames)
    if not frames or not count:
        return seen.T.astype(np.int64)
    wrong = (seen[..., np.newaxis] != np.arange(states)) & (
        seen[..., np.newaxis] != UNKNOWN
    )
    errors = np.zeros((frames + 1, count, states), np.float32)
    np.cumsum(wrong, axis=0, out=errors[1:])
    change = (least - 0.5) / 2
    # Cost of the first t frames, when the last of them has a state.
    cost = np.full_like(errors, np.inf)
    cost[least] = errors[least]
    # The state before one that begins `least` frames before t, -1 where none does.
    origin = np.full(errors.shape, -1, np.int16)
    for t in range(least + 1, frames + 1):
        cost[t] = cost[t - 1] + wrong[t - 1]
        if t < 2 * least:
            continue
        before = cost[t - least]
        begins = (
            before.min(axis=1, keepdims=True) + change + (errors[t] - errors[t - least])
        )
        # Of equal changes the later is taken, so that it is where something was seen.
        better = begins <= cost[t]
        cost[t][better] = begins[better]
        origin[t] = np.where(better, before.argmin(axis=1)[:, np.newaxis], -1)
    return _traced(cost[-1].argmin(axis=1), origin, least)


def _traced(
    last: NDArray[np.intp], origin: NDArray[np.int16], least: int
) -> NDArray[np.int64]:
    """Return the states that lead to the last ones, shape (sequence, frame)."""
    frames, count = len(origin) - 1, len(last)
    result = np.empty((count, frames), np.int64)
    state, before = last.astype(np.int64), last.astype(np.int64)
    # Going backwards, frames of the beginning of a state that are still to come.
    left = np.zeros(count, np.intp)
    for t in range(frames, 0, -1):
        result[:, t - 1] = state
        came_from = origin[t, np.arange(count), state]
        begins = (left == 0) & (came_from >= 0)
        left[begins] = least
        before[begins] = came_from[begins]
        left = np.maximum(left - 1, 0)
        state = np.where(left == 0, before, state)
    return result
