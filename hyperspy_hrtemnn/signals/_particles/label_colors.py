# SPDX-License-Identifier: GPL-3.0-or-later
"""Colors of labels in a picture: each id its own, as in all other pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import Colormap, ListedColormap, Normalize

from hyperspy_hrtemnn.plots.palette import GRAY, id_colors

_BACKGROUND = "black"


class LabelNorm(Normalize):
    """Normalization that gives a label its color, and negative labels the gray one.

    HyperSpy sets limits; these do nothing here.
    """

    def __call__(self, value: Any, clip: bool | None = None) -> Any:  # noqa: ARG002
        """Return labels as places of their colors in `label_colors`, 0 to 1."""
        known: Any = np.ma.masked_invalid(np.ma.asarray(value, float))
        labels = known.filled(-1)
        number = len(id_colors())
        place = np.where(labels > 0, (labels - 1) % number + 1, 0)
        return np.ma.array((place + 0.5) / (number + 1), mask=labels < 0)


def label_colors() -> Colormap:
    """Return the colors of the background and of the ids."""
    colors = ListedColormap([_BACKGROUND, *id_colors()], name="ids")
    return colors.with_extremes(bad=GRAY)
