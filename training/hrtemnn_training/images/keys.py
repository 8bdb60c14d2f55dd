# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of the images in a recipe: the parameters file of thesis table 3.2.

They are here without the checks that depend on the label, so that labels can use them;
`hrtemnn_training.parameters` has both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from hrtemnn_training.ranges import Magnitude, PositiveRange, Range, within

from .blur_meaning import BlurMeaning, with_blur_in_the_image
from .choices import Choices, check_keys, chosen_keys, without_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

Side = Annotated[PositiveInt, Field(le=8192)]
"""Height or width of an image [pixels]."""

_MOST_IMAGES = 100

LABEL_KEYS = frozenset(
    {
        "label",
        "num_classes",
        "null_class",
        "categories",
        "value",
        "max_tilt",
        "spotsize",
        "normalizedistance",
    }
)
"""Keys that say what a network gets and is to give, not how images are taken."""

_OF_ALL_IMAGES = LABEL_KEYS | {
    "choices",
    "debug",
    "image_epochs",
    "image_size",
    "multifocus",
    "seed",
}
"""Keys that are the same for all images."""

# Keys that came later: where they are off, what is written of the images, and with it
# the name of the folder of kept ones, is what it was.
_LATER = ("choices", "drift_blur", "hot_pixels", "illumination", "vibration_blur")


class ImageKeys(BaseModel):
    """Ranges of the microscope and kind of label, with the keys of listing A.1.

    All ranges are uniform, the dose's in its logarithm; every image is drawn anew, the
    images of a focal series share all but defocus and noise. Of the MTF (equation 1.25)
    ``mtf_c1`` is c0 and ``mtf_c2`` is C, as the values of listing A.1 have it; the
    words of table 3.2 exchange the two. C stays 0 where readout noise is simulated
    apart. ``blur`` is not what the documents have: it is the width in the image, and
    a file of theirs is taken with ``"blur_is": "equation 1.22"`` beside it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field("Mask", description="what the network is to give")
    image_epochs: PositiveInt = Field(
        10,
        le=100_000,
        description="images of one exit wave before the same ones return",
    )
    image_size: tuple[Side, Side] = Field(
        (256, 256), description="(x, y) at the network's sampling [pixels]"
    )
    noise: Literal["poisson"] | None = Field(
        "poisson", description="noise of the arriving electrons; null for none"
    )
    num_classes: PositiveInt = Field(
        1, le=1000, description="channels of the label, the background's included"
    )
    null_class: bool = Field(
        True,
        description="whether the last of several classes of pixels is the background",
    )
    categories: tuple[str, ...] = Field(
        (),
        description="kinds of particles (Mask; without it all particles are one "
        "class) or texts (Class), one a class",
    )
    value: str | None = Field(
        None, description="what a Value or Class label says of the image"
    )
    max_tilt: float = Field(
        3.0,
        gt=0,
        description="largest tilt of a particle that is on a Zone axis [degrees]",
    )
    spotsize: float = Field(
        0.4,
        gt=0,
        description="diameter of discs, standard deviation of Gaussians [Å]",
    )
    multifocus: tuple[int, float, float] | None = Field(
        None,
        description="images of a focal series, step from one to the next and largest "
        "random part of it [Å]; a positive step goes towards underfocus",
    )
    sampling: PositiveRange = Field(
        (0.07, 0.20), description="pixel size of the camera [Å]"
    )
    log_dose: Annotated[Range, within(-6, 12)] = Field(
        (1.0, 6.0), description="log10 of the dose of each image [e-/Å²]"
    )
    blur: Magnitude = Field(
        (0.0159, 0.1273),
        description="standard deviation in the image [Å]; the default is 0.1 to 0.8 Å "
        "of the documents",
    )
    blur_is: BlurMeaning = Field(
        "standard deviation",
        description='what blur gives; with "equation 1.22" the documents\' number, '
        "which is divided by 2 pi as it is read",
    )
    focal_spread: Magnitude = Field(
        (5.0, 20.0),
        description="focal spread, half width at 1/e of the distribution of focus [Å]",
    )
    angular_spread: Magnitude = Field(
        (0.0, 0.0), description="spatial coherence, beta of equation 1.20 [mrad]"
    )
    defocus: Range = Field(
        (-200.0, 200.0),
        description="defocus of the first image, positive = underfocus [Å]",
    )
    ctf_c30: Range = Field((0.0, 124_500.0), description="spherical aberration [Å]")
    ctf_c12: Magnitude = Field((0.0, 0.0), description="twofold astigmatism [Å]")
    ctf_c21: Magnitude = Field((0.0, 0.0), description="axial coma [Å]")
    ctf_c23: Magnitude = Field((0.0, 0.0), description="threefold astigmatism [Å]")
    ctf_c32: Magnitude = Field((0.0, 0.0), description="star aberration [Å]")
    ctf_c34: Magnitude = Field((0.0, 0.0), description="fourfold astigmatism [Å]")
    ctf_c45: Magnitude = Field((0.0, 0.0), description="fivefold astigmatism [Å]")
    mtf: Literal["parametric"] | None = Field(
        "parametric", description="equation 1.25; null for a perfect camera"
    )
    mtf_c1: PositiveRange = Field(
        (0.2, 0.6), description="c0, half-maximum of the MTF [Nyquist frequencies]"
    )
    mtf_c2: Magnitude = Field((0.0, 0.0), description="C, noise floor of the MTF")
    mtf_c3: Magnitude = Field((1.0, 5.0), description="c3, steepness of the MTF")
    readout: Magnitude = Field((0.005, 0.015), description="N0 [e-/pixel]")
    normalizedistance: float = Field(
        12.0, gt=0, description="width of the local standardization [Å]"
    )
    vibration_blur: Magnitude = Field(
        (0.0, 0.0),
        description="standard deviation of the blur of the intensity, by vibrations "
        "during the exposure [Å]",
    )
    drift_blur: Magnitude = Field(
        (0.0, 0.0),
        description="standard deviation of the blur of the intensity along one "
        "direction, by drift during the exposure [Å]",
    )
    illumination: Annotated[Range, within(0, 0.9)] = Field(
        (0.0, 0.0),
        description="largest relative deviation of the illumination from its mean, "
        "linear and quadratic across the image",
    )
    hot_pixels: Annotated[Range, within(0, 0.1)] = Field(
        (0.0, 0.0),
        description="share of the camera's pixels left hot or dead, half of them each",
    )
    choices: Choices = Field(
        {},
        description="keys that are drawn together: of each group of alternatives every "
        "image has one",
    )
    debug: (
        Annotated[int, Field(strict=True, ge=0, le=1_000_000)] | Literal[True] | None
    ) = Field(16, description="images drawn into the debug folder; true = all")
    seed: int = Field(0, ge=0, description="seed of the conditions and the noise")

    @model_validator(mode="before")
    @classmethod
    def _blur_in_the_image(cls, values: Any) -> Any:
        return with_blur_in_the_image(values) if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _is_a_focal_series(self) -> ImageKeys:
        if self.multifocus and (self.channels < 2 or self.multifocus[1] == 0):
            raise ValueError(
                "multifocus: a focal series has two images or more, apart in defocus; "
                "for single images set multifocus to null"
            )
        if self.channels > _MOST_IMAGES:
            raise ValueError(
                f"multifocus: a focal series has {_MOST_IMAGES} images at most, not "
                f"{self.channels}"
            )
        if self.multifocus and self.multifocus[2] < 0:
            raise ValueError("multifocus: the random part of the step is negative")
        return self

    @model_validator(mode="after")
    def _alternatives_fit(self) -> ImageKeys:
        check_keys(self.choices, ImageKeys.model_fields.keys() - _OF_ALL_IMAGES)
        for group, alternatives in self.choices.items():
            for name in alternatives:
                self._check_alternative(group, name)
        return self

    def _check_alternative(self, group: str, name: str) -> None:
        try:
            self.with_chosen({group: name})
        except ValidationError as error:
            wrong = error.errors(include_url=False)[0]
            place = ".".join(
                ("choices", group, name, "images", *map(str, wrong["loc"]))
            )
            raise ValueError(f"{place}: {wrong['msg']}") from None

    @model_serializer(mode="wrap")
    def _without_what_is_off(
        self, written: SerializerFunctionWrapHandler
    ) -> dict[str, Any]:
        fields = ImageKeys.model_fields
        off = {k for k in _LATER if getattr(self, k) == fields[k].default}
        return {k: v for k, v in written(self).items() if k not in off}

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """Return the keys with some changed, in place of those of alternatives, too.

        Parameters
        ----------
        changes
            Values by key. Choices among them replace the choices.
        """
        values = self.model_dump()
        if self.choices and "choices" not in changes:
            values["choices"] = without_keys(self.choices, changes.keys())
        return self.model_validate(values | dict(changes))

    def with_chosen(self, chosen: Mapping[str, str]) -> Self:
        """Return the keys with those of the alternatives that were chosen.

        Parameters
        ----------
        chosen
            Name of one alternative by the name of its group, of all groups that count.
        """
        if not self.choices:
            return self
        return self.changed(chosen_keys(self.choices, chosen) | {"choices": {}})

    def widest(self, key: str) -> tuple[float, float]:
        """Return the range of a key over all alternatives.

        Parameters
        ----------
        key
            Key whose values are ranges.
        """
        ranges = [getattr(self, key)]
        for name, group in self.choices.items():
            if any(key in each.images for each in group.values()):
                parts = (self.with_chosen({name: each}) for each in group)
                ranges = [getattr(part, key) for part in parts]
        return min(low for low, _ in ranges), max(high for _, high in ranges)

    @property
    def channels(self) -> int:
        """Images of one input: 1, or those of the focal series."""
        return self.multifocus[0] if self.multifocus else 1


RANGES = tuple(
    name
    for name, field in ImageKeys.model_fields.items()
    if name not in _OF_ALL_IMAGES and isinstance(field.default, tuple)
)
"""Keys whose values are ranges of the conditions."""
