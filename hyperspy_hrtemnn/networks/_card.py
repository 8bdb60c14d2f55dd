# SPDX-License-Identifier: GPL-3.0-or-later
"""Card: the description of a network inside its ONNX file."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

from ._errors import is_printable
from ._limits import Limits
from ._novelty import Novelty
from ._optics import OPTICS_INPUT
from ._trained_ranges import TrainedRanges

_VERSION = 2

INPUTS = 16
"""Number of inputs of which the test of a card is one."""

# Limits beyond which a card is not of a network but of a mistake: a network with such
# numbers would ask for more memory than there is before it sees an image.
_MOST_CHANNELS = 1024
_LARGEST_SIDE = 4096  # [pixels]

_Names = Annotated[tuple[str, ...], Field(min_length=1, max_length=_MOST_CHANNELS)]
_Places = Annotated[
    tuple[Annotated[int, Field(ge=0, lt=2**53)], ...],
    Field(min_length=1, max_length=_MOST_CHANNELS),
]
_Values = Annotated[tuple[float, ...], Field(min_length=1, max_length=_MOST_CHANNELS)]

# What networks take that do not take images, by their task.
_SPECTRA = {
    "zone axis": "local Fourier transforms of particles",
    "chirality": "Fourier transforms of straightened nanotubes",
}

# What only the training and the export of this package know.
_NOT_TO_FILL_IN = {
    "version",
    "object_weight",
    "certainty",
    "error_of_spread",
    "test",
    "limits",
    "novelty",
    "recipe",
    "recipe_sha256",
    "versions",
    "scores",
}

ATOMS = "atoms"
"""Name of the one output of a regression that counts the atoms of columns."""

METADATA_KEY = "hrtemnn_card"
"""Key of an ONNX file's `metadata_props` that contains the card as JSON."""


Link = Annotated[str, Field(pattern=r"^https?://\S+$")]
"""Address of a page."""


class CardTest(BaseModel):
    """What a network answers to a known input, by which damaged weights are found."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    input: int = Field(ge=0, lt=INPUTS, description="number of the input")
    places: _Places = Field(description="places in the answer, in the order of memory")
    answer: _Values = Field(description="values there")

    @model_validator(mode="after")
    def _one_value_each(self) -> CardTest:
        if len(self.places) != len(self.answer):
            raise ValueError("places and answer have different lengths")
        return self


class Card(BaseModel):
    """Task, input, output, training and scores of a network.

    The task determines the output, which has a channel for each of `classes`:

    - segmentation: probabilities of each pixel;
    - exit wave: its real and imaginary part at each pixel, 1 = vacuum;
    - regression: values of each pixel, as the classes name them;
    - denoising: the image without noise, with the local mean and deviation of the image
      that was standardized;
    - aberration removal: the image without noise and aberrations, in local deviations;
    - image classification: probabilities of the image as a whole;
    - image regression: values of the image as a whole;
    - image optics: values of the lens and their uncertainties, from the ring spectrum
      of the image; see `optics_input`;
    - zone axis: the probability that a particle is on one, from its local Fourier
      transform;
    - chirality: probabilities of pairs of chiral indices, from the Fourier transform of
      a nanotube;
    - chemical order: probabilities of where in a particle of two metals each is, from
      the image of that particle alone, see `particle_view`.

    A card of the first version, which does not name it, is brought up to date as it is
    read: its blur was the number of the thesis' equation 1.22, 2 pi times the standard
    deviation in the image. So is the older name of the baselines among the scores.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    # Threshold of cards without one: these networks were trained with a weight of 9 for
    # the pixels of objects, and give 0.9 where an object is as likely as none.
    OLD_THRESHOLD: ClassVar[float] = 0.9

    version: Literal[2] = Field(2, description="version of the fields of the card")
    name: str = Field(min_length=1, description="name of the network")
    description: str = Field(description="what it finds, and in which images")
    task: Literal[
        "segmentation",
        "exit wave",
        "regression",
        "denoising",
        "aberration removal",
        "image classification",
        "image regression",
        "image optics",
        "zone axis",
        "chirality",
        "chemical order",
    ] = Field(
        description="segmentation, exit wave, regression, denoising, aberration "
        "removal, image classification, image regression, image optics, zone axis, "
        "chirality or chemical order"
    )
    material: str = Field(description="material of the sample")
    channels: Annotated[int, Field(ge=1, le=_MOST_CHANNELS)] = Field(
        1, description="number of input images, a focal series if more than one"
    )
    defocus_step: float | None = Field(
        None, description="defocus between the images of a focal series [Å]"
    )
    classes: _Names = Field(description="names of the output channels")
    sampling: Annotated[float, Field(gt=0)] = Field(
        description="pixel size at which the network works [Å]"
    )
    standardization_width: Annotated[float, Field(gt=0)] | None = Field(
        description="standard deviation of the window in which images get a mean of 0 "
        "and a deviation of 1 [Å]; null if that is the whole image, or if the network "
        "takes spectra"
    )
    spectrum_side: Annotated[int, Field(ge=1, le=_LARGEST_SIDE)] | None = Field(
        None, description="pixels along each axis of its input, if it takes spectra"
    )
    receptive_field: Annotated[int, Field(ge=1, le=_LARGEST_SIDE)] = Field(
        description="side of the square of input pixels that one output pixel sees"
    )
    stride: Annotated[int, Field(ge=1, le=_LARGEST_SIDE)] = Field(
        1, description="height and width must be multiples of it [pixels]"
    )
    smallest_side: Annotated[int, Field(ge=1, le=_LARGEST_SIDE)] = Field(
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
    certainty: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None,
        description="smallest probability of an answer about the whole image; with a "
        "smaller one the network cannot tell. Of its answers to images not used in "
        "training 95 % are right; null if not measured",
    )
    error_of_spread: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="root mean square of the errors of the mean over the eight "
        "orientations, over that of their spread, in images not used in training; null "
        "if not measured",
    )
    test: CardTest | None = Field(
        None, description="an input and its answer, which loading compares"
    )
    ranges: TrainedRanges
    limits: dict[str, Limits] = Field(
        default_factory=dict,
        description="by condition, from where on its scores are lower",
    )
    novelty: Novelty | None = Field(
        None,
        description="its guard, a second output that says how unlike the images of the "
        "training an image is; null if it has none",
    )
    recipe: str | None = Field(
        None, description="recipe with which it was trained; null if by other means"
    )
    recipe_sha256: str | None = Field(
        None, description="SHA-256 of the recipe with which it was trained"
    )
    versions: dict[str, str] = Field(
        default_factory=dict,
        description="versions of the packages that trained and exported it",
    )
    scores: dict[str, Any] = Field(
        default_factory=dict,
        description="scores on simulated images not used in training",
    )
    license: str = Field(description="licence, as SPDX names it, such as MIT")
    authors: tuple[str, ...] = Field((), description="who made it")
    citation: str | None = Field(None, description="publication to cite")
    link: Link | None = Field(
        None, description="address of the publication or of the network"
    )

    @classmethod
    def template(cls) -> str:
        """Return a card to fill in, as JSON, for a network of others.

        A text in angle brackets says what belongs in its place; the other values are
        the defaults, and null is what is not known.

        Examples
        --------
        >>> import json
        >>> card = json.loads(Card.template())
        >>> card["sampling"]
        '<pixel size at which the network works [Å]>'
        """
        values: dict[str, Any] = {"version": _VERSION}
        for name, each in cls.model_fields.items():
            if name == "ranges":
                values[name] = dict.fromkeys(TrainedRanges.model_fields)
            elif name not in _NOT_TO_FILL_IN:
                asked = f"<{each.description}>"
                missing = [asked] if name == "classes" else asked
                values[name] = missing if each.is_required() else each.default
        return json.dumps(values, indent=2, ensure_ascii=False)

    @property
    def per_image(self) -> bool:
        """Whether the prediction is for the whole image, not for each pixel."""
        views = {"chemical order", *_SPECTRA}
        return self.task in views or self.task.startswith("image ")

    @property
    def takes_rings(self) -> bool:
        """Whether the input is the ring spectrum of an image, see `optics_input`."""
        return self.task == "image optics"

    @property
    def input_channels(self) -> int:
        """Number of channels of the input of the graph."""
        return len(OPTICS_INPUT) if self.takes_rings else self.channels

    @property
    def takes(self) -> str:
        """What the input is, as a text, such as "focal series of 3 images"."""
        if self.task in _SPECTRA:
            return _SPECTRA[self.task]
        if self.task == "chemical order":
            return "images of one particle each"
        if self.channels == 1:
            return "single images"
        series = f"focal series of {self.channels} images"
        if self.defocus_step is None:
            return series
        return f"{series}, {self.defocus_step / 10:g} nm apart"

    @property
    def gives_probabilities(self) -> bool:
        """Whether the values of the prediction are probabilities, 0 to 1."""
        classes = {"segmentation", "image classification", "chemical order"}
        return self.task in {*classes, *_SPECTRA}

    @property
    def counts_atoms(self) -> bool:
        """Whether the values are the numbers of atoms in columns."""
        return self.task == "regression" and self.classes == (ATOMS,)

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
        _refuse_control_characters(values, "")
        version = values.get("version", 1)
        if isinstance(version, int) and version > _VERSION:
            raise ValueError(
                f"the card is of version {version}, and this installation reads cards "
                f"to version {_VERSION}; update hyperspy-hrtemnn"
            )
        return _named_as_today(values if "version" in values else _up_to_date(values))

    @model_validator(mode="after")
    def _of_images_or_spectra(self) -> Card:
        spectra = self.task in _SPECTRA
        if (self.spectrum_side is None) == spectra or (
            (spectra or self.takes_rings) and self.standardization_width is not None
        ):
            raise ValueError(
                f"spectrum_side is for the tasks {' and '.join(_SPECTRA)}, "
                "standardization_width for all others but image optics"
            )
        return self

    @model_validator(mode="after")
    def _novelty_of_pixels(self) -> Card:
        if self.novelty is not None and self.per_image:
            raise ValueError("novelty is for networks with a prediction at each pixel")
        return self


def _refuse_control_characters(value: Any, place: str) -> None:
    """Raise a ValueError if a text of a card would control a terminal or a line."""
    if isinstance(value, str):
        if not is_printable(value):
            raise ValueError(f"{place or 'card'} has control characters: {value!a}")
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_control_characters(key, f"a key of {place or 'the card'}")
            _refuse_control_characters(item, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for item in value:
            _refuse_control_characters(item, place)


def _named_as_today(values: dict[str, Any]) -> dict[str, Any]:
    """Return a card whose scores have baselines, which were called rivals."""
    scores = values.get("scores")
    if not isinstance(scores, dict) or "rivals" not in scores:
        return values
    named = {"baselines" if k == "rivals" else k: v for k, v in scores.items()}
    return values | {"scores": named}


def _up_to_date(values: dict[str, Any]) -> dict[str, Any]:
    """Return a card of the first version as one of the second."""
    ranges = values.get("ranges")
    if not isinstance(ranges, dict) or not isinstance(ranges.get("blur"), list):
        return values  # the checks of the fields report what is wrong
    # Rounded to 0.01 pm, as in the recipes.
    blur = [
        round(float(width) / (2 * math.pi), 4) if _is_number(width) else width
        for width in ranges["blur"]
    ]
    return values | {"version": 2, "ranges": ranges | {"blur": blur}}


def _is_number(value: Any) -> bool:
    # Whole numbers of JSON may be larger than any float.
    return isinstance(value, int | float) and abs(value) < 1e300
