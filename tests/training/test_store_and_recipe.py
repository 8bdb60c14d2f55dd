# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets go on where they stopped; recipes say which key is wrong."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import zarr
from dask.distributed import LocalCluster

from hrtemnn_training.generation import (
    data_path,
    make_structures,
    make_waves,
    share_data,
)
from hrtemnn_training.recipe import Recipe, RecipeError, change_images, read_recipe
from hrtemnn_training.store import DataSet, StoreError
from hrtemnn_training.waves.multislice import exit_wave

RECIPES = sorted((Path(__file__).parents[2] / "training" / "recipes").glob("*.json"))


def test_structures_come_back_as_they_were(run_folder, recipe) -> None:
    data = DataSet(run_folder / "train.zarr")
    structure = data.read_structure(2)
    specimen = data.read_specimen(2)
    assert specimen.extent == (46, 46)
    assert specimen.wave.dtype == np.complex64
    assert len(specimen.outlines) == len(structure.outlines)
    wave = exit_wave(structure, recipe.waves)
    np.testing.assert_allclose(specimen.wave, wave, atol=1e-5)


def test_unfinished_parts_are_missing_and_made_again(tmp_path, recipe) -> None:
    make_structures(recipe, tmp_path, processes=1, progress=False)
    data = DataSet(tmp_path / "train.zarr", "a")
    before = data.read_structure(3).positions
    assert list(data.missing("wave")) == list(range(6))
    data._root["00003"].attrs["atoms"] = False  # as if it was killed here
    assert list(data.missing("atoms")) == [3]
    make_structures(recipe, tmp_path, processes=1, progress=False)
    np.testing.assert_array_equal(data.read_structure(3).positions, before)


def test_sets_share_no_structure(run_folder) -> None:
    first = [
        DataSet(run_folder / f"{p}.zarr").read_structure(0)
        for p in ("train", "validation", "test")
    ]
    sizes = [s.positions.sum() for s in first]
    assert len(set(sizes)) == 3


@pytest.fixture
def few(recipe_values) -> Recipe:
    recipe_values["size"] = {"train": 2, "validation": 1, "test": 1}
    return Recipe.model_validate(recipe_values)


def content(folder: Path) -> dict[str, bytes]:
    """Return every file of a run's data sets."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_same_data_whatever_the_number_of_processes(tmp_path, few) -> None:
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        make_structures(few, folder, processes=processes, progress=False)
        make_waves(few, folder, processes=processes, progress=False)
        make_waves(few, folder, processes=processes, progress=False)  # nothing left
    first, second = (content(tmp_path / str(n)) for n in (1, 2))
    assert first == second
    assert "train.zarr/00001/wave/zarr.json" in first


def test_work_spreads_over_a_cluster(tmp_path, few) -> None:
    with LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=":0", processes=False
    ) as cluster:
        address = cluster.scheduler_address
        make_structures(few, tmp_path / "there", scheduler=address, progress=False)
    make_structures(few, tmp_path / "here", processes=1, progress=False)
    assert content(tmp_path / "there") == content(tmp_path / "here")


def test_one_purpose_at_a_time(tmp_path, few) -> None:
    make_structures(few, tmp_path, purposes=("test",), processes=1, progress=False)
    assert len(DataSet(tmp_path / "test.zarr")) == 1
    assert not (tmp_path / "train.zarr").exists()


def test_a_failure_of_one_structure_is_raised(tmp_path, few) -> None:
    make_structures(few, tmp_path, processes=1, progress=False)
    data = DataSet(tmp_path / "train.zarr", "a")
    del data._root["00001"]["numbers"]
    with pytest.raises(StoreError, match=r"Structure 1 of .* is damaged"):
        make_waves(few, tmp_path, processes=1, progress=False)
    assert DataSet(tmp_path / "train.zarr").missing("wave") == [1]


def test_a_store_of_another_recipe_is_refused(tmp_path, recipe, recipe_values) -> None:
    make_structures(recipe, tmp_path, processes=1, progress=False)
    recipe_values["seed"] = 99
    with pytest.raises(StoreError, match="holds structures of other settings"):
        make_structures(Recipe.model_validate(recipe_values), tmp_path, progress=False)


@pytest.mark.parametrize("part", ["structures", "waves"])
def test_data_of_before_a_key_go_on_with_the_key_off(tmp_path, few, part) -> None:
    make_structures(few, tmp_path, processes=1, progress=False)
    make_waves(few, tmp_path, processes=1, progress=False)
    key = {"structures": "overlapping", "waves": "parametrization"}[part]
    for path in tmp_path.glob("*.zarr"):
        root = zarr.open_group(path, mode="r+")
        earlier = dict(root.attrs[part])
        earlier["settings"] = {k: v for k, v in earlier["settings"].items() if k != key}
        root.attrs[part] = earlier
        for name, group in root.groups():  # whose checksums are of the description
            data = DataSet(path, "r+")
            for each in ("atoms", "wave"):
                data._finish(group, int(name), each)
    before = content(tmp_path)
    make_structures(few, tmp_path, processes=1, progress=False)
    make_waves(few, tmp_path, processes=1, progress=False)
    assert content(tmp_path) == before

    on = {"structures": {"overlapping": 0.5}, "waves": {"parametrization": "lobato"}}
    settings = getattr(few, part).model_copy(update=on[part])
    other = few.model_copy(update={part: settings})
    make = make_structures if part == "structures" else make_waves
    with pytest.raises(StoreError, match=f"holds {part} of other settings"):
        make(other, tmp_path, processes=1, progress=False)


def test_waves_of_other_settings_are_refused(tmp_path, few) -> None:
    make_structures(few, tmp_path, processes=1, progress=False)
    make_waves(few, tmp_path, processes=1, progress=False)
    thinner = few.waves.model_copy(update={"slice_thickness": 0.5})
    other = few.model_copy(update={"waves": thinner})
    with pytest.raises(StoreError, match="holds waves of other settings"):
        make_waves(other, tmp_path, processes=1, progress=False)


def test_missing_data_is_named(tmp_path, recipe) -> None:
    with pytest.raises(StoreError, match=r"no data set in .*nothing"):
        DataSet(tmp_path / "nothing")
    make_structures(recipe, tmp_path, processes=1, progress=False)
    with pytest.raises(StoreError, match="no wave yet; run `hrtemnn waves`"):
        DataSet(tmp_path / "test.zarr").read_specimen(0)
    data = DataSet(tmp_path / "test.zarr", "r+")
    data._root["00000"].attrs["atoms"] = False  # as if it was killed here
    with pytest.raises(StoreError, match="no atoms yet; run `hrtemnn structures`"):
        data.read_specimen(0)


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_committed_recipes_can_be_read(path: Path) -> None:
    recipe = read_recipe(path)
    assert recipe.name == path.stem
    assert recipe.training.at(recipe.training.epochs - 1)[1] > 0


def write(path: Path, values: object) -> Path:
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("place", "key", "value", "message"),
    [
        ("images", "defocuss", [0, 1], "images.defocuss"),
        ("images", "defocus", [100, -100], "images.defocus.*reversed"),
        ("images", "blur", "little", "images.blur"),
        ("structures", "overlapping", 1.4, "structures.*overlapping"),
        ("network", "width", 0, "network.width"),
        ("waves", "energy", -300, "waves.energy"),
    ],
)
def test_a_wrong_key_is_named(
    tmp_path, recipe_values, place, key, value, message
) -> None:
    recipe_values[place][key] = value
    with pytest.raises(RecipeError, match=message):
        read_recipe(write(tmp_path / "r.json", recipe_values))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": "Exitwave", "num_classes": 2}, "classes: name the 2 channels"),
        ({"label": "Disk"}, "images.spotsize: .*use 0.57 Å"),
    ],
)
def test_a_label_that_does_not_fit_the_recipe_is_refused(
    tmp_path, recipe_values, changes, message
) -> None:
    recipe_values["images"] |= changes
    with pytest.raises(RecipeError, match=message):
        read_recipe(write(tmp_path / "r.json", recipe_values))


@pytest.mark.parametrize(
    ("null_class", "classes", "message"),
    [
        (True, ["Au", "vacuum"], "last of them is the background.* Au, vacuum"),
        (False, ["Au", "background"], "none of them is the background"),
        (True, ["background", "Au"], "last of them is the background"),
    ],
)
def test_the_background_is_called_so(
    tmp_path, recipe_values, null_class, classes, message
) -> None:
    recipe_values["images"] |= {
        "label": "Gaussian",
        "num_classes": 2,
        "null_class": null_class,
    }
    recipe_values["classes"] = classes
    with pytest.raises(RecipeError, match=message):
        read_recipe(write(tmp_path / "r.json", recipe_values))


@pytest.mark.parametrize(
    "changes",
    [{"label": "Gaussian"}, {"multifocus": [3, 50, 1]}],
)
def test_a_stage_that_changes_what_is_trained_is_refused(
    tmp_path, recipe_values, changes
) -> None:
    recipe_values["training"]["stages"][1]["images"] = changes
    with pytest.raises(RecipeError, match=r"training\.stages: .* the same in all"):
        read_recipe(write(tmp_path / "r.json", recipe_values))


def test_a_stage_with_a_wrong_key_is_refused(tmp_path, recipe_values) -> None:
    recipe_values["training"]["stages"][1]["images"] = {"dose": [1, 2]}
    with pytest.raises(RecipeError, match="dose"):
        read_recipe(write(tmp_path / "r.json", recipe_values))


def test_files_that_are_no_recipe(tmp_path) -> None:
    with pytest.raises(RecipeError, match="No such file"):
        read_recipe(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"broken\.json"):
        read_recipe(tmp_path / "broken.json")


def test_only_objects_made_of_pixels_have_a_weight(recipe_values) -> None:
    Recipe.model_validate(recipe_values)
    recipe_values["images"] |= {"label": "Exitwave", "num_classes": 2}
    recipe_values["classes"] = ["real", "imaginary"]
    with pytest.raises(ValueError, match="object_weight is for labels of classes"):
        Recipe.model_validate(recipe_values)


def test_stages_follow_one_another(recipe) -> None:
    assert [recipe.training.start(epoch) for epoch in range(3)] == [0, 1, 1]
    stages = [recipe.training.at(epoch) for epoch in range(3)]
    assert [s.images for s, _ in stages] == [
        {},
        {"log_dose": [2, 5]},
        {"log_dose": [2, 5]},
    ]
    assert [rate for _, rate in stages] == pytest.approx([0.01, 0.01, 0.001])
    with pytest.raises(ValueError, match="ends"):
        recipe.training.at(3)


def test_the_hash_is_of_the_content(recipe, recipe_values) -> None:
    assert Recipe.model_validate(recipe_values).sha256 == recipe.sha256
    recipe_values["seed"] = 5
    assert Recipe.model_validate(recipe_values).sha256 != recipe.sha256


def test_notes_are_for_readers_alone(recipe, recipe_values) -> None:
    recipe_values["notes"] = ["why it is so"]
    recipe_values |= {"authors": ["A. Author"], "citation": "J. Micr. 1 (2026)"}
    recipe_values["link"] = "https://doi.org/10.1/2"
    assert Recipe.model_validate(recipe_values).sha256 == recipe.sha256


def test_the_documents_blur_in_a_recipe_holds_for_its_stages(recipe_values) -> None:
    recipe_values["images"] |= {"blur": [2, 4], "blur_is": "equation 1.22"}
    stages = recipe_values["training"]["stages"]
    stages[0]["images"] = {"blur": [1, 3]}
    stages[1]["images"] = {"blur": [0.5, 0.6], "blur_is": "standard deviation"}
    recipe = Recipe.model_validate(recipe_values)
    first, second = (recipe.images_of(stage) for stage in recipe.training.stages)
    assert recipe.images.blur == pytest.approx((0.3183, 0.6366))
    assert first.blur == pytest.approx((0.1592, 0.4775))
    assert second.blur == (0.5, 0.6)
    # As a run keeps it, and as the conditions of an evaluation change it.
    text = recipe.model_dump_json(exclude_unset=True)
    assert Recipe.model_validate_json(text) == recipe
    changed = change_images(recipe, {"blur": [1, 1], "blur_is": "equation 1.22"})
    assert changed.blur == pytest.approx((0.1592, 0.1592))
    assert change_images(recipe, {"blur": [1, 1]}).blur == (1, 1)


def test_a_blur_whose_meaning_is_not_said_is_told(tmp_path, recipe_values) -> None:
    path = tmp_path / "r.json"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_recipe(write(path, recipe_values))
        images = recipe_values["images"] | {
            "blur": [0.2, 0.4],
            "blur_is": "standard deviation",
        }
        read_recipe(write(path, recipe_values | {"images": images}))
    recipe_values["images"]["blur"] = [0.2, 0.4]
    with pytest.warns(UserWarning, match="standard deviation in the image"):
        recipe = read_recipe(write(path, recipe_values))
    assert recipe.images.blur == (0.2, 0.4)
    # In a stage, too, where the images have none.
    del recipe_values["images"]["blur"]
    recipe_values["training"]["stages"][0]["images"] = {"blur": [0.3, 0.5]}
    with pytest.warns(UserWarning, match="standard deviation in the image"):
        recipe = read_recipe(write(path, recipe_values))
    assert recipe.images_of(recipe.training.stages[0]).blur == (0.3, 0.5)


def test_links_to_exit_waves_are_those_of_folders(tmp_path, monkeypatch):
    """Windows tells links to folders from those to files, which open nothing there."""
    made = []

    def symlink(target, link, target_is_directory=False, **_):
        made.append((Path(target).name, target_is_directory))

    monkeypatch.setattr(os, "symlink", symlink)
    share_data(tmp_path / "to come", tmp_path / "run")
    assert made == [(f"{p}.zarr", True) for p in ("train", "validation", "test")]


def test_runs_share_exit_waves(tmp_path, run_folder):
    for _ in range(2):  # again does no harm
        share_data(run_folder, tmp_path / "other")
    other = DataSet(data_path(tmp_path / "other", "validation"))
    own = DataSet(data_path(run_folder, "validation"))
    assert len(other) == len(own)
    np.testing.assert_array_equal(
        other.read_specimen(1).wave, own.read_specimen(1).wave
    )
