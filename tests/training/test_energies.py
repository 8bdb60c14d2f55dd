# SPDX-License-Identifier: GPL-3.0-or-later
"""Waves of several beam energies: drawn, stored and imaged, each with its own."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms

from hrtemnn_training.generation import make_structures, make_waves
from hrtemnn_training.images.sample import take_sample
from hrtemnn_training.recipe import Recipe, RecipeError, read_recipe
from hrtemnn_training.store import DataSet, StoreError
from hrtemnn_training.structures import Structure, find_sites
from hrtemnn_training.waves.multislice import WaveSettings, exit_wave
from hrtemnn_training.waves.vibrations import FrozenPhonons

RANGE = (80.0, 300.0)


@pytest.fixture
def atoms() -> Structure:
    positions = np.array([[5, 6, 3], [8, 9, 4.0]], np.float32)
    numbers, particles = np.array([79, 6], np.uint8), np.ones(2, np.uint8)
    return Structure(
        positions=positions,
        numbers=numbers,
        particles=particles,
        box=(12.0, 14.0, 8.0),
        sites=find_sites(positions, numbers, particles),
        outlines=(),
        kinds=(),
    )


def test_a_wave_of_a_range_is_the_wave_of_the_energy_that_was_drawn(atoms) -> None:
    drawn = WaveSettings(energy=RANGE)
    energies = [drawn.energy_of(seed) for seed in range(60)]
    low, high = min(energies), max(energies)
    assert 80 <= low < 100
    assert 280 < high <= 300
    for seed in (3, np.random.SeedSequence(4)):
        one = WaveSettings(energy=drawn.energy_of(seed))
        np.testing.assert_array_equal(
            exit_wave(atoms, drawn, seed), exit_wave(atoms, one, seed)
        )
    assert np.abs(exit_wave(atoms, drawn, 3) - exit_wave(atoms, drawn, 5)).max() > 0.01


def test_one_energy_draws_nothing(atoms) -> None:
    vibrations = FrozenPhonons(configurations=1, debye_temperatures={"Au": 165, "C": 9})
    settings = WaveSettings(energy=200, vibrations=vibrations)
    assert settings.energy_of(7) == 200
    # The vibrations are the first that the seed draws, as before there were ranges.
    still = Atoms(atoms.numbers, atoms.positions, cell=atoms.box, pbc=True)
    (moved,) = vibrations.snapshots(still, np.random.default_rng(7))
    displaced = replace(atoms, positions=moved.positions)
    np.testing.assert_array_equal(
        exit_wave(atoms, settings, 7), exit_wave(displaced, WaveSettings(energy=200))
    )
    # The description of a data set stays what it was, too.
    assert settings.model_dump(mode="json")["energy"] == 200


@pytest.fixture
def several(recipe_values) -> Recipe:
    recipe_values["size"] = {"train": 3, "validation": 1, "test": 1}
    recipe_values["waves"]["energy"] = list(RANGE)
    return Recipe.model_validate(recipe_values)


def test_each_wave_is_stored_with_its_energy_and_imaged_with_it(
    tmp_path, several
) -> None:
    make_structures(several, tmp_path, processes=1, progress=False)
    make_waves(several, tmp_path, processes=1, progress=False)
    data = DataSet(tmp_path / "train.zarr")
    specimens = [data.read_specimen(index) for index in range(3)]
    for index, known in enumerate(specimens):
        seed = np.random.SeedSequence((several.seed, 0, index, 1))
        assert known.energy == several.waves.energy_of(seed)
        sample = take_sample(
            known, several.images, sampling=0.4, rng=np.random.default_rng(0)
        )
        assert sample.exposure.optics[0].energy == known.energy
        assert sample.conditions()["energy"] == known.energy
    assert len({known.energy for known in specimens}) == 3
    make_waves(several, tmp_path, processes=1, progress=False)  # nothing left
    wider = several.waves.model_copy(update={"energy": (80.0, 301.0)})
    with pytest.raises(StoreError, match="holds waves of other settings"):
        make_waves(several.model_copy(update={"waves": wider}), tmp_path)


def test_waves_that_do_not_say_their_energy_have_that_of_the_data_set(
    tmp_path, recipe_values
) -> None:
    recipe_values["size"] = {"train": 1, "validation": 1, "test": 1}
    recipe_values["waves"]["energy"] = 120
    recipe = Recipe.model_validate(recipe_values)
    make_structures(recipe, tmp_path, purposes=["test"], processes=1, progress=False)
    make_waves(recipe, tmp_path, purposes=["test"], processes=1, progress=False)
    data = DataSet(tmp_path / "test.zarr", "a")
    # As it was before waves said it.
    del data._root["00000"]["wave"].attrs["energy"]
    data._root["00000"].attrs["wave"] = True
    assert DataSet(tmp_path / "test.zarr").read_specimen(0).energy == 120


@pytest.mark.parametrize(
    ("energy", "message"),
    [
        ([300, 80], r"waves\.energy: .*reversed"),
        ([0.1, 80], r"waves\.energy: .*not in 1 to 10000 keV"),
        ([80, 200, 300], r"waves\.energy"),
        ("high", r"waves\.energy"),
    ],
)
def test_an_energy_that_cannot_be_is_refused_by_one_line(
    tmp_path, recipe_values, energy, message
) -> None:
    recipe_values["waves"]["energy"] = energy
    path = tmp_path / "r.json"
    path.write_text(json.dumps(recipe_values), encoding="utf-8")
    with pytest.raises(RecipeError, match=message) as refused:
        read_recipe(path)
    assert len(str(refused.value).splitlines()) == 2
