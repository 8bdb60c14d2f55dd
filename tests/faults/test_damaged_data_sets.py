# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets and kept images after a power failure: noticed, told, and made anew."""

from __future__ import annotations

import shutil
import warnings

import numpy as np
import pytest

pytest.importorskip("abtem")
pytest.importorskip("distributed")
pytest.importorskip("zarr")

from hrtemnn_training.generation import make_structures, make_waves
from hrtemnn_training.recipe import Recipe
from hrtemnn_training.store import DataSet, StoreError

pytestmark = pytest.mark.filterwarnings("ignore:.*damaged")

RECIPE = Recipe.model_validate(
    {
        "name": "tiny",
        "description": "As small as it gets",
        "material": "Au on CeO2",
        "classes": ["nanoparticle"],
        "seed": 3,
        "size": {"train": 3, "validation": 1, "test": 1},
        "structures": {"field": 46, "layers": [3, 4], "thickness": [8, 12]},
        "waves": {"sampling": 0.25},
        "images": {"image_size": [64, 48], "sampling": [0.15, 0.2]},
        "sampling": 0.4,
        "network": {"width": 2, "levels": 2},
        "training": {"stages": [{"epochs": 1, "learning_rate": [0.01, 0.01]}]},
    }
)


def make(folder, structures=True) -> None:
    for step in (make_structures, make_waves) if structures else (make_waves,):
        step(RECIPE, folder, purposes=["train"], processes=1, progress=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    make(folder)
    return folder


@pytest.fixture
def run(whole, tmp_path):
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    return tmp_path


def content(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def emptied(path) -> None:
    path.write_bytes(b"")


def cut_off(path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zeroed(path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def lost(path) -> None:
    path.unlink()


def flipped(path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES = [emptied, cut_off, zeroed, lost, flipped]
WAVE = "00001/wave/c/0/0"
FILES = [WAVE, "00001/wave/zarr.json", "00001/numbers/c/0", "00001/zarr.json"]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_piece_is_noticed_told_and_made_anew(
    name, damage, whole, run
) -> None:
    damage(run / "train.zarr" / name)
    with pytest.raises(StoreError, match=r"Structure 1 of .*run `hrtemnn"):
        DataSet(run / "train.zarr").read_specimen(1)
    make(run)
    assert content(run) == content(whole)


def test_how_many_are_damaged_is_told(run) -> None:
    emptied(run / "train.zarr" / WAVE)
    lost(run / "train.zarr" / "00002" / "wave" / "c" / "0" / "0")
    with pytest.warns(UserWarning, match=r"2 of 3 waves in .* the first is number 1"):
        make(run, structures=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(run)  # nothing is left to tell


@pytest.mark.parametrize("damage", [emptied, cut_off, zeroed])
def test_what_a_data_set_says_of_itself_is_written_anew(damage, whole, run) -> None:
    damage(run / "train.zarr" / "zarr.json")
    with pytest.raises(StoreError, match=r"zarr\.json is damaged; `hrtemnn"):
        DataSet(run / "train.zarr")
    with pytest.warns(UserWarning, match="was damaged and is written anew"):
        make(run)
    after, before = content(run), content(whole)
    assert after.keys() == before.keys()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"train.zarr/zarr.json"}


def test_pieces_of_another_recipe_do_not_count_when_it_is_lost_which_they_are_of(
    run,
) -> None:
    emptied(run / "train.zarr" / "zarr.json")
    other = RECIPE.model_copy(update={"seed": 4})
    with pytest.warns(UserWarning, match=r"3 of 3 structures in .* damaged"):
        make_structures(other, run, purposes=["train"], processes=1, progress=False)
    assert DataSet(run / "train.zarr").missing("atoms") == []


def test_data_sets_from_before_there_were_checksums_are_read(run, whole) -> None:
    data = DataSet(run / "train.zarr", "a")
    for index in range(3):
        data._root[f"{index:05d}"].attrs.update(atoms=True, wave=True)
    old = DataSet(run / "train.zarr")
    assert old.missing("atoms") == old.missing("wave") == []
    now = DataSet(whole / "train.zarr").read_specimen(1)
    np.testing.assert_array_equal(old.read_specimen(1).wave, now.wave)
    for damage in (cut_off, lost):
        damage(run / "train.zarr" / "00001" / "wave" / "zarr.json")
        with pytest.raises(StoreError, match=r"Structure 1 of .* damaged .*delete"):
            DataSet(run / "train.zarr").read_specimen(1)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_image_is_formed_anew(damage, run) -> None:
    pytest.importorskip("keras")
    from hrtemnn_training.train.batches import ImageEpoch

    def images():
        return ImageEpoch(
            DataSet(run / "train.zarr"),
            RECIPE.images,
            sampling=RECIPE.sampling,
            epoch=0,
            batch_size=1,
            cache=run / "images",
        )

    image, label = images().pair(1)
    path = images().keep(1)
    kept = path.read_bytes()
    damage(path)
    again = images().pair(1)
    np.testing.assert_array_equal(again[0], image)
    np.testing.assert_array_equal(again[1], label)
    assert path.read_bytes() == kept
