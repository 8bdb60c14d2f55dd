# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of the images that belong together are drawn together."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest
from known_specimens import specimen
from pydantic import ValidationError

from hrtemnn_training.images.choices import draw_choices
from hrtemnn_training.images.conditions import Conditions, draw_conditions
from hrtemnn_training.images.sample import take_sample
from hrtemnn_training.memory import check_camera
from hrtemnn_training.metrics.masks_by_camera import camera_plan, dose_bins
from hrtemnn_training.parameters import ImageParameters
from hrtemnn_training.recipe import Recipe, change_images, read_recipe

LENSES = {
    "corrected": {
        "share": 2,
        "images": {"ctf_c30": [-2e5, 2e5], "defocus": [-200, 300]},
    },
    "uncorrected": {
        "share": 1,
        "images": {"ctf_c30": [5e6, 13e6], "defocus": [400, 1200]},
    },
}
CAMERAS = {
    "CCD": {"images": {"mtf_c1": [0.1, 0.3], "readout": [0.5, 2], "log_dose": [2, 6]}},
    "direct": {"images": {"mtf_c1": [0.6, 0.9], "readout": [0, 0]}},
}
CHOICES = {"lens": LENSES, "camera": CAMERAS}


@pytest.fixture(scope="module")
def parameters() -> ImageParameters:
    return ImageParameters(choices=CHOICES, log_dose=(1, 3))


@pytest.fixture(scope="module")
def draws(parameters) -> list[Conditions]:
    rng = np.random.default_rng(3)
    return [draw_conditions(parameters, 300, rng) for _ in range(900)]


def test_alternatives_are_drawn_by_their_shares_and_groups_apart(draws) -> None:
    corrected = np.array([drawn.chosen["lens"] == "corrected" for drawn in draws])
    direct = np.array([drawn.chosen["camera"] == "direct" for drawn in draws])
    assert corrected.mean() == pytest.approx(2 / 3, abs=0.05)
    assert direct.mean() == pytest.approx(1 / 2, abs=0.05)
    assert abs(np.corrcoef(corrected, direct)[0, 1]) < 0.1


def test_keys_of_an_alternative_come_together(draws) -> None:
    for drawn in draws:
        (lens,), camera = drawn.optics, drawn.detector
        if drawn.chosen["lens"] == "corrected":
            assert abs(lens.Cs) <= 2e5
            assert -200 <= lens.defocus <= 300
        else:
            assert 5e6 <= lens.Cs <= 13e6
            assert 400 <= lens.defocus <= 1200
        if drawn.chosen["camera"] == "CCD":
            assert camera.mtf_c0 <= 0.3
            assert camera.readout >= 0.5
            assert camera.dose >= 100
        else:
            assert camera.mtf_c0 >= 0.6
            assert camera.readout == 0
            assert camera.dose <= 1000  # of the images, where it says nothing of it


def test_without_choices_nothing_is_drawn() -> None:
    rng = np.random.default_rng(4)
    assert draw_choices({}, rng) == {}
    one = ImageParameters(choices={"lens": {"only": LENSES["corrected"]}})
    assert draw_choices(one.choices, rng) == {"lens": "only"}
    assert rng.random() == np.random.default_rng(4).random()


def test_what_is_written_of_images_without_choices_is_what_it_was(parameters) -> None:
    assert "choices" not in ImageParameters().model_dump()
    assert "choices" not in ImageParameters().model_dump_json(exclude={"debug"})
    written = parameters.model_dump_json(exclude={"debug"})
    assert "debug" not in written
    assert ImageParameters.model_validate_json(written) == parameters


def test_a_sample_says_which_alternatives_it_has(parameters) -> None:
    samples = [
        take_sample(
            specimen((24, 14, 7), thickness=31.5),
            parameters,
            sampling=0.4,
            rng=np.random.default_rng(seed),
        ).conditions()
        for seed in range(20)
    ]
    assert {(s["lens"], s["camera"]) for s in samples} == set(product(LENSES, CAMERAS))
    assert {s["thickness"] for s in samples} == {31.5}
    assert {s["Cs"] > 1e6 for s in samples if s["lens"] == "corrected"} == {False}


def test_ranges_of_a_card_are_of_all_alternatives_and_stages(recipe_values) -> None:
    pytest.importorskip("keras")
    from hrtemnn_training.export.onnx_file import make_card

    recipe_values["images"] |= {"choices": CHOICES, "log_dose": [1, 3]}
    recipe_values["training"]["stages"][1]["images"] = {"log_dose": [3, 7]}
    ranges = make_card(Recipe.model_validate(recipe_values), {}).ranges
    assert ranges.Cs == (-2e5, 13e6)
    assert ranges.defocus == (-200, 1200)
    assert ranges.mtf_c0 == (0.1, 0.9)
    assert ranges.readout == (0, 2)
    # 10 to 1e3 of the images and 1e2 to 1e6 of the CCD; the stage has one for both.
    assert ranges.dose == pytest.approx((10, 1e7))


def test_a_card_names_the_authors_and_the_publication_of_its_recipe(
    recipe_values,
) -> None:
    pytest.importorskip("keras")
    from hrtemnn_training.export.onnx_file import make_card

    known = {"authors": ["A. Author"], "citation": "J. Micr. 1 (2026)"}
    known["link"] = "https://doi.org/10.1/2"
    card = make_card(Recipe.model_validate(recipe_values | known), {})
    assert card.authors == ("A. Author",)
    assert (card.citation, card.link) == (known["citation"], known["link"])
    with pytest.raises(ValidationError, match="link"):
        Recipe.model_validate(recipe_values | {"link": "ftp://nowhere"})


def test_what_is_changed_is_changed_in_all_alternatives(recipe_values) -> None:
    recipe_values["images"] |= {"choices": CHOICES}
    stages = recipe_values["training"]["stages"]
    stages[0]["images"] = {"choices": {"camera": CAMERAS}}
    stages[1]["images"] = {"defocus": [5, 6]}
    recipe = Recipe.model_validate(recipe_values)
    first, second = (recipe.images_of(stage) for stage in recipe.training.stages)
    assert list(first.choices) == ["camera"]
    assert first.widest("ctf_c30") == recipe.images.ctf_c30
    assert second.widest("defocus") == (5, 6)
    assert second.widest("ctf_c30") == (-2e5, 13e6)
    tested = change_images(recipe, {"mtf_c1": [0.4, 0.4]})
    assert tested.widest("mtf_c1") == (0.4, 0.4)
    assert tested.widest("readout") == (0, 2)


def test_the_cameras_of_an_evaluation_are_its_own(parameters) -> None:
    assert dose_bins(parameters)[0] == 10
    assert dose_bins(parameters)[-1] == 1e6
    planned = list(camera_plan(parameters, 2))
    assert [p.widest("mtf_c1") for _, p, _ in planned] == [(0.2, 0.3)] * 2 + [
        (0.25, 0.6)
    ] * 2
    assert {p.widest("ctf_c30") for _, p, _ in planned} == {(-2e5, 13e6)}


def test_a_training_with_choices_forms_each_image_epoch_once(recipe_values) -> None:
    pytest.importorskip("keras")
    from hrtemnn_training.train.batches import image_epochs

    recipe_values["images"] |= {"choices": CHOICES, "image_epochs": 2}
    recipe_values["training"]["stages"][1] = {"epochs": 3, "learning_rate": [1, 1]}
    numbers = [n for _, n in image_epochs(Recipe.model_validate(recipe_values))]
    assert numbers == [0, 1]


def test_pixels_of_all_cameras_have_to_fit_into_memory(parameters) -> None:
    check_camera(parameters, 0.1)
    fine = parameters.changed(
        {"choices": {"c": {"f": {"images": {"sampling": [1e-4, 1]}}}}}
    )
    with pytest.raises(ValueError, match=r"images\.sampling"):
        check_camera(fine, 0.1)


def test_the_documents_blur_holds_for_alternatives(tmp_path, recipe_values) -> None:
    choices = {"lens": {"good": {"images": {"blur": [0.5, 1]}}}}
    recipe_values["images"] |= {"choices": choices, "blur_is": "equation 1.22"}
    recipe = Recipe.model_validate(recipe_values)
    assert recipe.images.widest("blur") == pytest.approx((0.0796, 0.1592))
    text = recipe.model_dump_json(exclude_unset=True)
    assert Recipe.model_validate_json(text) == recipe
    del recipe_values["images"]["blur_is"]
    path = tmp_path / "r.json"
    path.write_text(json.dumps(recipe_values), encoding="utf-8")
    with pytest.warns(UserWarning, match="standard deviation in the image"):
        assert read_recipe(path).images.widest("blur") == (0.5, 1)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"a": {"b": {"images": {"spotsize": 1}}}}, r"choices\.a: spotsize is not a"),
        ({"a": {"b": {"images": {"multifocus": None}}}}, "multifocus is not a key"),
        ({"a": {"b": {"images": {"image_size": [8, 8]}}}}, "image_size is not a key"),
        ({"a": {"b": {"images": {"dose": [1, 2]}}}}, "dose is not a key"),
        (
            {"a": {"b": {"images": {"defocus": [2, 1]}}}},
            r"choices\.a\.b\.images\.defocus: .*reversed",
        ),
        ({**CHOICES, "c": {"d": CAMERAS["CCD"]}}, "log_dose is in camera and in c"),
        ({"a": {"b": {"share": 0, "images": {}}}}, r"share"),
        ({"a": {"b": {"shares": 1, "images": {}}}}, r"shares"),
        ({"a": {}}, r"a"),
        ([[{"images": {}}]], "choices"),
    ],
)
def test_alternatives_that_cannot_be_are_refused_by_name(choices, message) -> None:
    with pytest.raises(ValidationError, match=message):
        ImageParameters(choices=choices)
