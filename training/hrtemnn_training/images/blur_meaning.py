# SPDX-License-Identifier: GPL-3.0-or-later
"""What `blur` is: the width in the image, or the documents' number for the envelope.

The documents put their blur, such as 0.1 to 0.8 Å, into equation 1.22 of the thesis,
exp(-blur² q² / 2) with q in cycles per Å. In the image that is a Gaussian whose
standard deviation is 2 pi times smaller: 0.016 to 0.13 Å.
"""

from __future__ import annotations

import math
from typing import Any, Literal

BlurMeaning = Literal["standard deviation", "equation 1.22"]

_DIGITS = 4  # 0.01 pm, far below anything that an image shows


def with_blur_in_the_image(values: dict[str, Any]) -> dict[str, Any]:
    """Return keys of the images with their blur as its standard deviation.

    Parameters
    ----------
    values
        Keys of `ImageParameters`. Where ``blur_is`` is "equation 1.22" the blur is
        divided by 2 pi; all else stays.
    """
    if values.get("blur_is") != "equation 1.22":
        return values
    blur = values.get("blur")
    converted: dict[str, Any] = {"blur_is": "standard deviation"}
    # What is no pair of numbers is refused where it is checked.
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
    meaning = {"blur_is": images["blur_is"]} if "blur_is" in images else {}
    return changed | {
        "training": training | {"stages": [_stage(stage, meaning) for stage in stages]}
    }


def _stage(stage: dict[str, Any], meaning: dict[str, Any]) -> dict[str, Any]:
    images = stage.get("images")
    if not isinstance(images, dict) or not images.keys() & {"blur", "blur_is"}:
        return stage
    return stage | {"images": with_blur_in_the_image(meaning | images)}
