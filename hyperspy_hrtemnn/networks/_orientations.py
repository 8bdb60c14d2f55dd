# SPDX-License-Identifier: GPL-3.0-or-later
"""Images turned and mirrored, and a network's answers brought back and averaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]

_IMAGE = (-2, -1)


def average_orientations(run: Run, batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean answer to images in their eight orientations.

    Parameters
    ----------
    run
        From a batch to the answers, with an image of the same shape for each, or with
        none.
    batch
        Shape (N, channel, y, x).
    """
    answers = []
    for turns in range(4):
        for mirrored in (False, True):
            turned = np.rot90(batch, turns, _IMAGE)
            answer = run(turned[..., ::-1] if mirrored else turned)
            if answer.ndim == batch.ndim:
                answer = answer[..., ::-1] if mirrored else answer
                answer = np.rot90(answer, -turns, _IMAGE)
            answers.append(answer)
    return np.asarray(np.mean(answers, axis=0), np.float32)
