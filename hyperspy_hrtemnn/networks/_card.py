# SPDX-License-Identifier: GPL-3.0-or-later
"""Card: the description of a network inside its ONNX file."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

# A public name of `networks`, too.
from hyperspy_hrtemnn.ranges import Range as Range  # noqa: PLC0414

_VERSION = 2

METADATA_KEY = "hrtemnn_card"
"""Key of an ONNX file's `metadata_props` that contains the card as JSON."""


class TrainedRanges(BaseModel):
    """Conditions for which a network was trained; outside of them it guesses."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    sampling: Range = Field(description="pixel size of the images [Å]")
    energy: float = Field(gt=0, description="beam energy [keV]")
    dose: Range = Field(description="frame dose [e-/Å²]")
    defocus: Range = Field(description="defocus, positive = underfocus [Å]")
    Cs: Range = Field(description="spherical aberration [Å]")
    focal_spread: Range = Field(description="focal spread [Å]")
    blur: Range = Field(
        description="standard deviation of the blur in the image, in real space [Å]"
    )
    mtf_c0: Range = Field(description="half-maximum of the MTF [Nyquist frequencies]")
    mtf_c3: Range = Field(description="steepness of the MTF")
    readout: Range = Field(description="readout noise N0 [e-/pixel]")


class Card(BaseModel):
    """Task, input, output, training and scores of a network.

    The task determines the output, which has a channel for each of `classes`:

    - segmentation: probabilities of each pixel;
    - exit wave: its real and imaginary part at each pixel, 1 = vacuum;
    - regression: values of each pixel, as the classes name them;
    - image classification: probabilities of the image as a whole;
    - image regression: values of the image as a whole;
    - zone axis: the probability that a particle is on one, from its local Fourier
      transform.

    A card of the first version, which does not name it, is brought up to date as it is
    read: its blur was the number of the thesis' equation 1.22, 2 pi times the standard
    deviation in the image. One of a later version is refused, whatever it holds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    # Threshold of cards without one: these networks were trained with a weight of 9 for
    # the pixels of objects, and give 0.9 where an object is as likely as none.
    OLD_THRESHOLD: ClassVar[float] = 0.9

    version: Literal[2] = Field(2, description="version of the fields of the card")
    name: str
    description: str
    task: Literal[
        "segmentation",
        "exit wave",
        "regression",
        "image classification",
        "image regression",
        "zone axis",
    ]
    material: str
    channels: Annotated[int, Field(ge=1)] = Field(
        1, description="number of input images, a focal series if more than one"
    )
    defocus_step: float | None = Field(
        None, description="defocus between the images of a focal series [Å]"
    )
    classes: tuple[str, ...] = Field(description="names of the output channels")
    sampling: Annotated[float, Field(gt=0)] = Field(
        description="pixel size at which the network works [Å]"
    )
    standardization_width: Annotated[float, Field(gt=0)] | None = Field(
        description="standard deviation of the window of the standardization [Å]; null "
        "where the network takes spectra"
    )
    spectrum_side: Annotated[int, Field(ge=1)] | None = Field(
        None, description="pixels along each axis of its input, if it takes spectra"
    )
    receptive_field: Annotated[int, Field(ge=1)] = Field(
        description="side of the square of input pixels that one output pixel sees"
    )
    stride: Annotated[int, Field(ge=1)] = Field(
        1, description="height and width must be multiples of it [pixels]"
    )
    smallest_side: Annotated[int, Field(ge=1)] = Field(
        1, description="smallest height and width [pixels]"
    )
    object_weight: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="weight of the pixels of objects in training, removed from the "
        "prediction; null if a weight, if there was one, was not removed",
    )
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        description="smallest probability of the pixels of objects; for the median of "
        "images not used in training, the area found is the true area",
    )
    ranges: TrainedRanges
    recipe: str
    recipe_sha256: str = Field(
        description="SHA-256 of the recipe with which it was trained"
    )
    versions: dict[str, str] = Field(
        description="versions of the packages that trained and exported it"
    )
    scores: dict[str, Any] = Field(
        default_factory=dict,
        description="scores on simulated images not used in training",
    )
    license: str

    @property
    def per_image(self) -> bool:
        """Whether the prediction is for the whole image, not for each pixel."""
        return self.task == "zone axis" or self.task.startswith("image ")

    @property
    def unbiased_threshold(self) -> float:
        """The threshold of unbiased area.

        If it was not measured, this is the probability at which an object is as likely
        as none: 0.5, or 0.9 for a file that is older than `object_weight`.
        """
        if self.threshold is not None:
            return self.threshold
        return self.OLD_THRESHOLD if self.object_weight is None else 0.5

    @model_validator(mode="before")
    @classmethod
    def _of_the_first_version(cls, values: Any, info: ValidationInfo) -> Any:
        # Only what was read can be old; a card that is made is of today.
        if info.mode != "json" or not isinstance(values, dict):
            return values
        version = values.get("version", 1)
        if isinstance(version, int) and version > _VERSION:
            raise ValueError(
                f"the card is of version {version}, and this installation reads cards "
                f"to version {_VERSION}; update hyperspy-hrtemnn"
            )
        return _up_to_date(values) if "version" not in values else values

    @model_validator(mode="after")
    def _of_images_or_spectra(self) -> Card:
        spectra = self.task == "zone axis"
        if (self.spectrum_side is None) == spectra or (
            self.standardization_width is None
        ) != spectra:
            raise ValueError(
                "spectrum_side is for the task zone axis, standardization_width for "
                "all others"
            )
        return self


def _up_to_date(values: dict[str, Any]) -> dict[str, Any]:
    """Return a card of the first version as one of the second."""
    ranges = values.get("ranges")
    if not isinstance(ranges, dict) or not isinstance(ranges.get("blur"), list):
        return values  # the checks of the fields report what is wrong
    # Rounded to 0.01 pm, as in the recipes.
    blur = [
        round(width / (2 * math.pi), 4) if isinstance(width, int | float) else width
        for width in ranges["blur"]
    ]
    return values | {"version": 2, "ranges": ranges | {"blur": blur}}
