# SPDX-License-Identifier: GPL-3.0-or-later
"""Image parameters: the keys of the images, checked against their label."""

from __future__ import annotations

from typing import Any

from pydantic import field_validator, model_validator

from .images.keys import ImageKeys
from .labels import LabelKind, check_label, find_label


class ImageParameters(ImageKeys):
    """Keys of the images that fit their label.

    Parameters
    ----------
    keys
        See `ImageKeys`.
    """

    @field_validator("label", mode="before")
    @classmethod
    def _known_label(cls, name: Any) -> Any:
        return find_label(name).name if isinstance(name, str) else name

    @model_validator(mode="after")
    def _fit_the_label(self) -> ImageParameters:
        check_label(self)
        return self

    @property
    def kind(self) -> LabelKind:
        """Label of these images, without names of its classes."""
        return find_label(self.label)(self)
