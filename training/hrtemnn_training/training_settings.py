# SPDX-License-Identifier: GPL-3.0-or-later
"""Training settings of a recipe, which is read without Keras."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PositiveFloat,
    Tag,
    ValidationInfo,
    field_validator,
)

from .ranges import Share
from .wave_loss_settings import RegisteredWave

# Structures and waves are made without Keras too: names are looked up where it is.
_HAS_KERAS = find_spec("keras") is not None


def _known_loss(name: str) -> str:
    if _HAS_KERAS:
        from .losses import find_loss

        find_loss(name)
    return name


def _known_optimizer(name: str) -> str:
    if _HAS_KERAS and name != "adam":  # importing it takes seconds
        from .losses import find_optimizer

        find_optimizer(name)
    return name


def _kind_of_loss(loss: Any) -> str:
    return "named" if isinstance(loss, str) else "registered wave"


AnyLoss = Annotated[
    Annotated[str, AfterValidator(_known_loss), Tag("named")]
    | Annotated[RegisteredWave, Tag("registered wave")],
    Discriminator(_kind_of_loss),
]
"""Name of a loss of Keras, or the settings of one of ours."""


class Stage(BaseModel):
    """A part of the training with its own learning rate and ranges."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(ge=1, le=100_000)
    learning_rate: tuple[PositiveFloat, PositiveFloat] = Field(
        description="learning rate of the first and the last epoch, geometric between"
    )
    images: dict[str, Any] = Field(
        default_factory=dict, description="keys of the images that differ here"
    )
    widen: bool = Field(
        False,
        description="whether ranges of the images go epoch by epoch from those of the "
        "stage before to those of this one, which its last epoch has",
    )
    distill: Share = Field(
        0.0,
        description="part of the label that is the prediction of the best network of "
        "the stage before, averaged over the eight orientations of each image",
    )
    object_weight: float = Field(
        1.0,
        gt=0,
        description="weight of an object's pixels in the loss, the others' is 1: what "
        "is seldom is learned sooner; the exported network is free of it and gives "
        "probabilities",
    )


class TrainingSettings(BaseModel):
    """How the network is trained."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    batch_size: int = Field(8, ge=1, le=100_000, description="images in a step")
    precision: Literal["float32", "mixed_bfloat16"] = Field(
        "float32",
        description="precision of the layers; weights are always in single precision",
    )
    validation_images: int = Field(
        64,
        ge=1,
        le=1_000_000,
        description="images of structures not trained on, the same in every epoch",
    )
    loss: AnyLoss | None = Field(
        None,
        description="a function of keras.losses, or for waves the settings of a "
        "registered wave; that of the label if null",
    )
    optimizer: Annotated[str, AfterValidator(_known_optimizer)] = Field(
        "adam", description="a class of keras.optimizers, in small letters"
    )
    optimizer_options: dict[str, Any] = Field(
        default_factory=dict,
        description="arguments of the optimizer, but the learning rate, which is the "
        "stages'; adam has amsgrad unless they say otherwise",
    )
    regularize: float = Field(
        0.0,
        ge=0,
        description="L2 regularization: this times the sum of the squares of the "
        "kernels is added to the loss of the training; biases and slopes are free",
    )
    limit_data: int | None = Field(
        None, ge=1, description="only so many of the structures; all if null"
    )
    stages: tuple[Stage, ...] = Field(min_length=1, max_length=1000)

    @field_validator("stages")
    @classmethod
    def _follow(cls, stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
        if stages[0].widen or stages[0].distill:
            raise ValueError(
                "widen and distill: the first stage has none before it, with ranges "
                "that could widen or a network to learn from; put one before it"
            )
        for before, stage in pairwise(stages):
            if stage.distill and stage.object_weight != before.object_weight:
                raise ValueError(
                    f"distill: the stage before has the object_weight "
                    f"{before.object_weight:g}, which is in what its network predicts; "
                    f"it has to be the same here, not {stage.object_weight:g}"
                )
        return stages

    @field_validator("optimizer_options")
    @classmethod
    def _accepted(cls, options: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if options and "optimizer" in info.data:
            from .losses import make_optimizer

            make_optimizer(info.data["optimizer"], options)
        return options

    @property
    def epochs(self) -> int:
        """Number of epochs of all stages."""
        return sum(stage.epochs for stage in self.stages)

    def at(self, epoch: int) -> tuple[Stage, float]:
        """Return the stage of an epoch and the learning rate in it."""
        for stage in self.stages:
            if epoch < stage.epochs:
                first, last = stage.learning_rate
                share = epoch / max(stage.epochs - 1, 1)
                return stage, first * (last / first) ** share
            epoch -= stage.epochs
        raise ValueError(f"The recipe ends {epoch + 1} epochs before this one.")

    def start(self, epoch: int) -> int:
        """Return the first epoch of the stage that an epoch is in."""
        first = 0
        for stage in self.stages:
            if epoch < first + stage.epochs:
                break
            first += stage.epochs
        return first
