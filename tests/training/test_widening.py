# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges widen from those of one stage to those of the next, epoch by epoch."""

from __future__ import annotations

import pytest

from hrtemnn_training.recipe import Recipe


@pytest.fixture
def values(recipe_values) -> dict:
    recipe_values["images"] |= {"defocus": [40, 60], "ctf_c12": [0, 0]}
    rate = {"learning_rate": [0.01, 0.01]}
    recipe_values["training"]["stages"] = [
        {"epochs": 2, **rate},
        {
            "epochs": 4,
            **rate,
            "images": {"defocus": [-40, 100], "ctf_c12": [0, 20], "image_epochs": 2},
            "widen": True,
        },
        {"epochs": 1, **rate, "images": {"defocus": [0, 300]}},
        {"epochs": 2, **rate, "images": {"defocus": [200, 500]}, "widen": True},
    ]
    return recipe_values


def test_the_ends_of_a_range_move_in_equal_steps(values) -> None:
    recipe = Recipe.model_validate(values)
    images = [recipe.images_at(epoch) for epoch in range(9)]
    assert [i.defocus for i in images] == [
        (40, 60),
        (40, 60),
        (20, 70),
        (0, 80),
        (-20, 90),
        (-40, 100),
        (0, 300),
        (100, 400),
        (200, 500),
    ]
    assert [i.ctf_c12 for i in images[1:6]] == [(0, 5 * n) for n in range(5)]
    assert images[5] == recipe.images_of(recipe.training.stages[1])
    assert {i.image_size for i in images} == {recipe.images.image_size}


def test_ranges_of_alternatives_widen_from_their_own_or_from_the_ones_beside(
    values,
) -> None:
    stages = values["training"]["stages"]
    stages[0]["images"] = {
        "choices": {"lens": {"good": {"images": {"defocus": [0, 8]}}}}
    }
    lenses = {"good": [-8, 16], "other": [400, 800]}
    choices = {n: {"images": {"defocus": d}} for n, d in lenses.items()}
    stages[1]["images"] = {"choices": {"lens": choices}, "mtf": None}
    recipe = Recipe.model_validate(values)
    half, whole = recipe.images_at(3), recipe.images_at(5)
    for images, good, other in (
        (half, (-4, 12), (220, 430)),
        (whole, (-8, 16), (400, 800)),
    ):
        assert images.with_chosen({"lens": "good"}).defocus == good
        assert images.with_chosen({"lens": "other"}).defocus == other
        assert images.defocus == (40, 60)
        assert images.mtf is None


def test_images_of_each_epoch_that_widens_are_formed(values) -> None:
    pytest.importorskip("keras")
    from hrtemnn_training.train.batches import image_epochs

    found = image_epochs(Recipe.model_validate(values))
    assert [number for _, number in found] == [0, 1, 0, 1, 0, 1, 6, 7, 8]
    assert len({parameters.defocus for parameters, _ in found}) == 8


def test_the_first_stage_cannot_widen(values) -> None:
    values["training"]["stages"][0]["widen"] = True
    with pytest.raises(ValueError, match=r"training\.stages(.|\n)*the first stage has"):
        Recipe.model_validate(values)
