# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipe of a network: found again from its file, and changed for its fine-tuning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hrtemnn_training.recipe import Recipe, read_recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hrtemnn_training.structures import Purpose
    from hyperspy_hrtemnn.networks import Network

    from .settings import TuningSettings

_PACKAGE = Path(__file__).parents[1]

# In an installed package, and in the repository.
_FOLDERS = (_PACKAGE / "recipes", _PACKAGE.parent / "recipes")


def shipped_recipe(name: str) -> Path | None:
    """Return the path of a recipe that comes with the package, None if there is none.

    Parameters
    ----------
    name
        Name of the recipe, such as ``au-ceo2-mask``.
    """
    for folder in _FOLDERS:
        # Not a path that the name makes: it may lead elsewhere.
        for path in folder.glob("*.json"):
            if path.stem == name:
                return path
    return None


def recipe_of(network: Network) -> Recipe:
    """Return the recipe of a network: the run's beside its file, or one of ours.

    Parameters
    ----------
    network
        The network, with the name of its recipe in its card.

    Raises
    ------
    RecipeError
        If the recipe cannot be read.
    ValueError
        If there is none.
    """
    name = network.card.recipe
    beside = network.path.parent / "recipe.json"
    if name is not None and beside.exists():
        recipe = read_recipe(beside)
        if recipe.name == name:
            return recipe
    path = None if name is None else shipped_recipe(name)
    if path is None:
        by = "without a recipe of this package" if name is None else f"by {name!r}"
        raise ValueError(
            f"{network.name!r} was trained {by}, and the simulations to mix with "
            "your images are made by its recipe: give the file of it with --recipe."
        )
    return read_recipe(path)


def tuning_recipe(
    recipe: Recipe, settings: TuningSettings, size: Mapping[Purpose, int]
) -> Recipe:
    """Return a recipe whose training is the fine-tuning: one stage, small steps.

    Objects have no weight of their own, as the exported network has none left.

    Parameters
    ----------
    recipe
        Recipe of the network.
    settings
        How it is fine-tuned.
    size
        Structures of the sets ``train`` and ``validation``.
    """
    values = recipe.model_dump(mode="json", exclude_unset=True)
    stage = {
        "epochs": settings.epochs,
        "learning_rate": list(settings.learning_rate),
    }
    kept = {"batch_size", "precision", "loss"} & values["training"].keys()
    values["training"] = {key: values["training"][key] for key in kept} | {
        "validation_images": settings.validation,
        "limit_data": settings.train,
        "stages": [stage],
    }
    values["size"] = dict(size)
    return Recipe.model_validate(values)
