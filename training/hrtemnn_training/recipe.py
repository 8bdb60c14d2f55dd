# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipe: everything that makes one network, in one JSON file."""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hyperspy_hrtemnn.networks import Link

from .architectures import AnyArchitecture, UNetSettings
from .file_names import FileName
from .images.blur_meaning import (
    recipe_with_blur_in_the_image,
    with_blur_in_the_image,
)
from .images.keys import LABEL_KEYS
from .images.widening import widened
from .json_files import read_json, shown
from .labels import LABELS, LabelKind
from .memory import check_camera, check_pairs, check_wave
from .parameters import ImageParameters
from .structures import AnyGenerator
from .training_settings import Stage, TrainingSettings
from .wave_loss_settings import RegisteredWave
from .waves.multislice import WaveSettings

# Keys whose values are of one of several kinds.
_CHOICES = {"energy", "loss", "network", "structures", "vibrations"}

_MOST = 20  # wrong keys that are named at once


class RecipeError(ValueError):
    """A recipe that cannot be used, and why; its message may go to a terminal."""

    def __init__(self, message: str) -> None:
        super().__init__(shown(message, longest=5000))


# Keys that no network depends on.
_FOR_READERS = {"notes", "authors", "citation", "link"}

Count = Annotated[int, Field(ge=1, le=1_000_000)]


class Recipe(BaseModel):
    """What `hrtemnn` makes a network from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: FileName
    description: str
    notes: tuple[str, ...] = Field(
        (), description="for readers; nothing depends on them"
    )
    authors: tuple[str, ...] = Field((), description="for the card: who made it")
    citation: str | None = Field(None, description="for the card: publication to cite")
    link: Link | None = Field(None, description="for the card: address of it")
    material: str
    classes: tuple[str, ...]
    seed: int = Field(ge=0)
    size: dict[Literal["train", "validation", "test"], Count] = Field(
        description="structures of each set, which share none"
    )
    structures: AnyGenerator
    waves: WaveSettings
    images: ImageParameters
    sampling: float = Field(
        gt=0, le=10, description="working sampling of the network [Å]"
    )
    network: AnyArchitecture
    training: TrainingSettings

    @model_validator(mode="before")
    @classmethod
    def _blur_in_the_image(cls, values: Any) -> Any:
        if isinstance(values, dict):
            return recipe_with_blur_in_the_image(values)
        return values

    @model_validator(mode="after")
    def _images_fit(self) -> Recipe:
        images, kind = self.images, self.images.kind
        if len(self.classes) != images.num_classes:
            raise ValueError(
                f"classes: name the {images.num_classes} channels of the label, one "
                f"for each of images.num_classes; there are {len(self.classes)} names"
            )
        if kind.channel_names and self.classes != kind.channel_names:
            names = ", ".join(kind.channel_names)
            raise ValueError(
                f"classes: that of the label {kind.name} is {names}, not "
                f"{', '.join(self.classes)}"
            )
        background = [name == "background" for name in self.classes]
        wanted = [False] * kind.objects + [True] * kind.has_background
        if background != wanted:
            last = "last" if kind.has_background else "none"
            raise ValueError(
                f"classes: {last} of them is the background (images.null_class), and "
                f'is called "background"; they are {", ".join(self.classes)}'
            )
        kind.check_sampling(self.sampling)
        for number, stage in enumerate(self.training.stages):
            try:
                other = self.images_of(stage)
            except ValidationError as error:
                key = f"training.stages.{number}.images"
                raise ValueError(f"{key}: {_wrong_keys(error).strip()}") from None
            for key in ("label", "num_classes", "channels"):
                if getattr(other, key) != getattr(images, key):
                    raise ValueError(f"training.stages: {key} must be the same in all")
            if stage.object_weight != 1 and not kind.weighs_objects:
                weighing = [name for name, k in LABELS.items() if k.weighs_objects]
                raise ValueError(
                    "training.stages: object_weight is for labels of classes of "
                    f"pixels, {', '.join(weighing)}, not for {images.label}"
                )
        return self

    @model_validator(mode="after")
    def _fits_into_memory(self) -> Recipe:
        images, training = self.images, self.training
        check_wave(self.structures.largest_field, self.waves.sampling)
        for stage in training.stages:
            check_camera(self.images_of(stage), self.sampling)
        check_pairs("batch_size", training.batch_size, images)
        kept = min(training.validation_images, self.size.get("validation", 1))
        check_pairs("validation_images", kept, images)
        return self

    @model_validator(mode="after")
    def _columns_fit(self) -> Recipe:
        if self.images.kind.classifies_columns:
            self.structures.check_columns()
        return self

    @model_validator(mode="after")
    def _network_fits(self) -> Recipe:
        network, kind = self.network, self.images.kind
        if network.per_image != kind.per_image:
            whole = ("for each pixel", "for the whole image")
            raise ValueError(
                f"network.architecture: {network.architecture} gives a prediction "
                f"{whole[network.per_image]}, the label {kind.name} needs one "
                f"{whole[not network.per_image]}"
            )
        residual = isinstance(network, UNetSettings) and network.residual
        if residual and self.images.num_classes != self.images.channels:
            raise ValueError(
                f"network.residual: the answer is added to the images, so there must "
                f"be as many classes as images, not {self.images.num_classes} and "
                f"{self.images.channels}"
            )
        for side in self.images.image_size:
            if side % network.stride or side < network.smallest_side:
                raise ValueError(
                    f"images.image_size: the network takes multiples of "
                    f"{network.stride} pixels of at least {network.smallest_side}, "
                    f"not {side}"
                )
        return self

    @model_validator(mode="after")
    def _loss_fits(self) -> Recipe:
        if not isinstance(self.loss, RegisteredWave):
            return self
        if not self.images.kind.is_wave:
            waves = ", ".join(name for name, kind in LABELS.items() if kind.is_wave)
            raise ValueError(
                f"training.loss: {self.loss.name!r} is for the label {waves}, not for "
                f"{self.images.label}"
            )
        stages = self.training.stages
        if {self.images_of(s).image_size for s in stages} != {self.images.image_size}:
            raise ValueError(
                f"training.stages: image_size must be the same in all with the loss "
                f"{self.loss.name!r}"
            )
        return self

    def images_of(self, stage: Stage) -> ImageParameters:
        """Return the parameters of the images of one stage of the training."""
        return self.images.changed(stage.images)

    def images_at(self, epoch: int) -> ImageParameters:
        """Return the parameters of the images of one epoch of the training."""
        stage, _ = self.training.at(epoch)
        images = self.images_of(stage)
        if not stage.widen:
            return images
        start = self.training.start(epoch)
        before, _ = self.training.at(start - 1)
        share = (epoch + 1 - start) / stage.epochs
        return widened(self.images_of(before), images, share)

    @property
    def label(self) -> LabelKind:
        """Label of the images, with the names of its classes."""
        kind = self.images.kind
        return replace(kind, names=self.classes[: kind.objects])

    @property
    def loss(self) -> str | RegisteredWave:
        """Loss of the training: its own, or that of the label."""
        return self.training.loss or self.images.kind.loss

    @property
    def loss_name(self) -> str:
        """Name of the loss, for people."""
        name = self.loss if isinstance(self.loss, str) else self.loss.name
        return name.replace("_", " ")

    @property
    def sha256(self) -> str:
        """Hash of what a network depends on, whatever the layout and later defaults."""
        said = self.model_dump(mode="json", exclude_unset=True, exclude=_FOR_READERS)
        text = json.dumps(said, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def read_recipe(path: str | Path) -> Recipe:
    """Read and check a recipe.

    Parameters
    ----------
    path
        A JSON file.

    Raises
    ------
    RecipeError
        If the file is missing, is not JSON, or a key is unknown, missing, reversed or
        of another type; the message names each such key.
    """
    path = Path(path)
    try:
        recipe = Recipe.model_validate_json(read_json(path))
    except OSError as error:
        raise RecipeError(f"Cannot read the recipe {path}: {error.strerror}.") from None
    except ValidationError as error:
        raise RecipeError(
            f"The recipe {path} cannot be used:\n{_wrong_keys(error)}"
        ) from None
    except ValueError as error:  # a path with a zero, too
        raise RecipeError(f"The recipe {path} cannot be used: {error}.") from None
    _warn_of_blur(recipe, path)
    return recipe


def _warn_of_blur(recipe: Recipe, path: Path) -> None:
    """Warn of a blur whose meaning is not said, which older recipes have otherwise."""
    parts = [recipe.images.model_fields_set]
    parts += [set(stage.images) for stage in recipe.training.stages]
    for images in (recipe.images, *map(recipe.images_of, recipe.training.stages)):
        groups = images.choices.values()
        parts += [set(each.images) for group in groups for each in group.values()]
    said = "blur_is" in parts[0]
    if not said and any("blur" in part and "blur_is" not in part for part in parts):
        warnings.warn(
            f"The blur in {path} is taken as the standard deviation in the image. In "
            "the documents, and in older recipes of ours, it is 2 pi times as much, "
            "the number of the thesis' equation 1.22. Say which it is in images: "
            '"blur_is": "standard deviation" or "blur_is": "equation 1.22".',
            stacklevel=3,
        )


def change_training(
    recipe: Recipe, *, learning_rate: float | None = None, **keys: Any
) -> Recipe:
    """Return a recipe that is trained in another way.

    Parameters
    ----------
    recipe
        The recipe.
    learning_rate
        Learning rate of all stages, from their first to their last epoch.
    keys
        Keys of `TrainingSettings`.

    Raises
    ------
    RecipeError
        If a value is not possible.
    """
    values = recipe.model_dump(mode="json", exclude_unset=True)
    values["training"] |= keys
    if learning_rate is not None:
        for stage in values["training"]["stages"]:
            stage["learning_rate"] = [learning_rate, learning_rate]
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise RecipeError(
            f"The training cannot be changed so:\n{_wrong_keys(error)}"
        ) from None


def change_images(recipe: Recipe, changes: dict[str, Any]) -> ImageParameters:
    """Return the conditions of a recipe's images with some of them changed.

    Parameters
    ----------
    recipe
        The recipe.
    changes
        Keys of `ImageParameters` that say how images are taken, such as
        ``{"defocus": [100, 200]}``. What is asked of a network stays.

    Raises
    ------
    RecipeError
        If there is no such key, a value is not possible, or it changes the question.
    """
    of_label = sorted(changes.keys() & LABEL_KEYS)
    if of_label:
        raise RecipeError(
            f"The images cannot be changed so: {', '.join(of_label)} would change what "
            "is asked of the network."
        )
    try:
        images = recipe.images.changed(with_blur_in_the_image(changes))
    except ValidationError as error:
        raise RecipeError(
            f"The images cannot be changed so:\n{_wrong_keys(error)}"
        ) from None
    if images.channels != recipe.images.channels:
        raise RecipeError(
            "The images cannot be changed so: multifocus would change their number."
        )
    return images


def _wrong_keys(error: ValidationError) -> str:
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [
        f"  {shown(_key(item['loc']), 100) or 'file'}: {shown(item['msg'])}"
        for item in errors[:_MOST]
    ]
    if len(errors) > _MOST:
        lines.append(f"  and {len(errors) - _MOST} more")
    return "\n".join(lines)


def _key(location: tuple[str | int, ...]) -> str:
    """Return the key of a value as it is in the file, without the kinds of a choice."""
    pairs = zip((None, *location), location, strict=False)
    return ".".join(str(part) for above, part in pairs if above not in _CHOICES)
