# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits: from where on the scores of a network are lower than in its training."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from ._trained_ranges import Range

_Ends = tuple[float | None, float | None]


class Limits(BaseModel):
    """What a sweep of one condition found, all other conditions as in the training.

    Ends that the score does not reach within the sweep are None.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    swept: Range = Field(description="least and largest value that was tried")
    less_by_5: _Ends = Field(
        description="values below the first and above the second have scores that are "
        "5 percent worse than in the training"
    )
    less_by_20: _Ends = Field(description="the same for 20 percent")

    def loss_at(self, value: float) -> str | None:
        """Return how much worse the score is at a value, None if less than 5 percent.

        Parameters
        ----------
        value
            Value of the condition, in the unit of the sweep.

        Examples
        --------
        >>> limits = Limits(
        ...     swept=(0.03, 0.5), less_by_5=(0.06, 0.21), less_by_20=(None, 0.3)
        ... )
        >>> limits.loss_at(0.1)
        >>> limits.loss_at(0.25)
        'its scores are 5 to 20 % lower there'
        """
        rounding = 1e-6 * max(map(abs, self.swept))
        if _is_beyond(value, self.swept, rounding):
            low, high = self.swept
            return f"it was tried from {low:g} to {high:g} only"
        if _is_beyond(value, self.less_by_20, rounding):
            return "its scores are more than 20 % lower there"
        if _is_beyond(value, self.less_by_5, rounding):
            return "its scores are 5 to 20 % lower there"
        return None


def _is_beyond(value: float, ends: _Ends, rounding: float) -> bool:
    low, high = ends
    too_low = low is not None and value < low - rounding
    return too_low or (high is not None and value > high + rounding)
