# SPDX-License-Identifier: GPL-3.0-or-later
"""Widening: ranges of the images on their way from those of one stage to the next's."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from .keys import RANGES

if TYPE_CHECKING:
    from collections.abc import Collection

    from .keys import ImageKeys

    Keys = TypeVar("Keys", bound=ImageKeys)


def widened(before: Keys, after: Keys, share: float) -> Keys:
    """Return the keys of images whose ranges are between two others.

    An alternative of the `choices` that was there before widens from its own ranges,
    any other one from those beside the choices.

    Parameters
    ----------
    before, after
        The two. What is not a range is that of `after`.
    share
        How far the ends of the ranges are from those of `before` to those of `after`.
    """
    if share == 1:
        return after
    choices = after.model_dump().get("choices", {})
    for group, alternatives in choices.items():
        for name, alternative in alternatives.items():
            chosen = {group: name}
            there = name in before.choices.get(group, {})
            first = before.with_chosen(chosen) if there else before
            alternative["images"] |= _between(
                first, after.with_chosen(chosen), share, alternative["images"]
            )
    outside = _between(before, after, share, RANGES)
    return after.changed(outside | {"choices": choices})


def _between(
    before: ImageKeys, after: ImageKeys, share: float, keys: Collection[str]
) -> dict[str, tuple[float, float]]:
    """Return the ranges between those of `before` and of `after`, by their keys."""
    pairs = {key: (getattr(before, key), getattr(after, key)) for key in RANGES}
    return {
        key: (a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]))
        for key, (a, b) in pairs.items()
        if key in keys and a != b
    }
