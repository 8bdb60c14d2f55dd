# SPDX-License-Identifier: GPL-3.0-or-later
"""Choices: alternatives among the keys of the images, of which each image gets one.

What belongs together is drawn together: a lens is corrected, with its small Cs and
defocus, or it is not, with both large.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import numpy as np

Name = Annotated[str, Field(min_length=1, max_length=50)]


class Alternative(BaseModel):
    """Keys of the images that are drawn together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        description="how often it is drawn, relative to the others of its group",
    )
    images: dict[str, Any] = Field(
        description="keys of the images, in place of those beside the choices"
    )


Group = Annotated[dict[Name, Alternative], Field(min_length=1)]
Choices = dict[Name, Group]
"""Alternatives by name, in groups by name."""


def check_keys(choices: Choices, allowed: Collection[str]) -> None:
    """Raise a ValueError if alternatives have keys that they cannot have.

    Parameters
    ----------
    choices
        The alternatives.
    allowed
        Keys that they can have, each in one group.
    """
    keys = {
        name: {key for each in group.values() for key in each.images}
        for name, group in choices.items()
    }
    for name, used in keys.items():
        for key in sorted(used - set(allowed)):
            raise ValueError(
                f"choices.{name}: {key} is not a key that alternatives can have; these "
                f"are {', '.join(sorted(allowed))}"
            )
    for one, other in combinations(keys, 2):
        for key in sorted(keys[one] & keys[other]):
            raise ValueError(
                f"choices: {key} is in {one} and in {other}; a key is in one group only"
            )


def draw_choices(choices: Choices, rng: np.random.Generator) -> dict[str, str]:
    """Return the name of the alternative that was drawn of each group, by its name.

    Parameters
    ----------
    choices
        The alternatives.
    rng
        Source of the draws, one for each group of two or more.
    """
    chosen = {}
    for name, group in choices.items():
        shares = [each.share for each in group.values()]
        drawn = rng.uniform(0, sum(shares)) if len(group) > 1 else 0.0
        for alternative, share in zip(group, shares, strict=True):
            chosen[name] = alternative
            drawn -= share
            if drawn < 0:
                break
    return chosen


def chosen_keys(choices: Choices, chosen: Mapping[str, str]) -> dict[str, Any]:
    """Return the keys of the images of the alternatives that were chosen.

    Parameters
    ----------
    choices
        The alternatives.
    chosen
        Name of one of each group, by the name of the group.
    """
    keys: dict[str, Any] = {}
    for group, name in chosen.items():
        keys |= choices[group][name].images
    return keys


def without_keys(choices: Choices, keys: Collection[str]) -> Choices:
    """Return alternatives that leave some keys alone.

    Parameters
    ----------
    choices
        The alternatives.
    keys
        The keys.
    """
    return {
        name: {
            alternative: Alternative(
                share=each.share,
                images={k: v for k, v in each.images.items() if k not in keys},
            )
            for alternative, each in group.items()
        }
        for name, group in choices.items()
    }
