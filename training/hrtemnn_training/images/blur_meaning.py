# SPDX-License-Identifier: GPL-3.0-or-later
"""Blur: its width in the image, or the documents' number for the envelope.

The documents put their blur, such as 0.1 to 0.8 Å, into equation 1.22 of the thesis,
exp(-blur² q² / 2) with q in cycles per Å. In the image that is a Gaussian whose
standard deviation is 2 pi times smaller: 0.016 to 0.13 Å.
"""

from __future__ import annotations

import math
from typing import Any, Literal

BlurMeaning = Literal["standard deviation", "equation 1.22"]

# Keys of a part that has a blur of its own.
_SAYING = {"blur", "blur_is", "choices"}

_DIGITS = 4  # 0.01 pm, far below anything that an image shows


def with_blur_in_the_image(values: dict[str, Any]) -> dict[str, Any]:
    """Return keys of the images with their blur as its standard deviation.

    Parameters
    ----------
    values
        Keys of `ImageParameters`. Where ``blur_is`` is "equation 1.22" the blur is
        divided by 2 pi, in the alternatives, too; all else stays.
    """
    values = _with_choices_in_the_image(values)
    if values.get("blur_is") != "equation 1.22":
        return values
    blur = values.get("blur")
    converted: dict[str, Any] = {"blur_is": "standard deviation"}
    # What is not a pair of numbers is refused where it is checked.
    if isinstance(blur, list | tuple):
        converted["blur"] = [
            round(width / (2 * math.pi), _DIGITS)
            if isinstance(width, int | float)
            else width
            for width in blur
        ]
    return values | converted


def recipe_with_blur_in_the_image(values: dict[str, Any]) -> dict[str, Any]:
    """Return the keys of a recipe, the blur of all stages as its standard deviation.

    What ``images`` says of the blur holds for the stages of the training, too, unless
    a stage says it of its own. Where neither says it nothing is added, so that a reader
    can be warned.
    """
    images, training = values.get("images"), values.get("training")
    if not isinstance(images, dict):
        return values
    changed = values | {"images": with_blur_in_the_image(images)}
    if not isinstance(training, dict):
        return changed
    stages = training.get("stages")
    if not isinstance(stages, list) or not all(isinstance(s, dict) for s in stages):
        return changed
    return changed | {
        "training": training | {"stages": [_part(each, images) for each in stages]}
    }


def _with_choices_in_the_image(values: dict[str, Any]) -> dict[str, Any]:
    choices = values.get("choices")
    if not isinstance(choices, dict):
        return values
    return values | {
        "choices": {
            name: {key: _part(each, values) for key, each in group.items()}
            if isinstance(group, dict)
            else group
            for name, group in choices.items()
        }
    }


def _part(part: Any, around: dict[str, Any]) -> Any:
    """Return a stage or an alternative, whose blur is what is said around it."""
    images = part.get("images") if isinstance(part, dict) else None
    if not isinstance(images, dict) or not images.keys() & _SAYING:
        return part
    meaning = {"blur_is": around["blur_is"]} if "blur_is" in around else {}
    return part | {"images": with_blur_in_the_image(meaning | images)}
