# SPDX-License-Identifier: GPL-3.0-or-later
"""Heights of columns in waves of flakes by multislice, whose atoms are known."""

from __future__ import annotations

import numpy as np
import pytest

from hrtemnn_training.structures import MX2Flake
from hrtemnn_training.waves.multislice import WaveSettings, exit_wave
from hyperspy_hrtemnn.analysis import pair_sides
from hyperspy_hrtemnn.signals import ExitWave

VIBRATIONS = {"method": "uniform smearing", "mean_square": 0.003}


@pytest.mark.parametrize("energy", [50.0, 80.0])
def test_heights_of_a_tilted_flake(energy):
    flake = MX2Flake(
        field=34, side=(26, 28), corners=(6, 7), vacancies=(8, 8), axis_tilt=(4, 4)
    )
    structure = flake.make(4)
    settings = WaveSettings(
        energy=energy, sampling=0.1, slice_thickness=0.5, vibrations=VIBRATIONS
    )
    data = exit_wave(structure, settings)
    wave = ExitWave(data)
    for axis, length in zip(
        wave.axes_manager.signal_axes, structure.box[:2], strict=True
    ):
        axis.scale, axis.units = length / axis.size, "Å"
    wave.metadata.set_item("Acquisition_instrument.TEM.beam_energy", energy)
    table = pair_sides(
        wave.find_columns(classes=["1S", "2S", "1Mo"], show_progressbar=False)
    )
    assert table.attrs["units"]["height"] == "Å"

    atoms, numbers = structure.positions, structure.numbers
    places = table[["x", "y"]].to_numpy()
    near = np.linalg.norm(atoms[:, np.newaxis, :2] - places, axis=-1) < 0.5
    table["atoms"] = near.sum(axis=0)
    known = table[(table["atoms"] > 0) & table["height"].notna()]
    assert len(known) > 0.9 * len(table)
    middle = np.array([atoms[near[:, row], 2].mean() for row in known.index])
    error = known["height"] - (middle - structure.box[2])
    behind = error.groupby(known["class"]).median()
    assert behind["1Mo"] == pytest.approx(1.45, abs=0.3)
    assert behind["1S"] == pytest.approx(0.7, abs=0.4)
    assert 0.8 < behind["2S"] < 2.8
    assert (error - known["class"].map(behind)).abs().median() < 0.4

    metal = atoms[numbers == 42]
    plane = fit_plane(metal)
    single = known[(known["atoms"] == 1) & (known["class"] == "1S")]
    assert len(single) >= 4
    x, y = single[["x", "y"]].to_numpy().T
    above = middle[known.index.get_indexer(single.index)] - plane(x, y)
    assert list(single["side"]) == list(np.where(above > 0, "upper", "lower"))


def fit_plane(atoms):
    """Return z of the plane through atoms, as a function of x and y."""
    terms = np.column_stack([atoms[:, :2], np.ones(len(atoms))])
    along_x, along_y, level = np.linalg.lstsq(terms, atoms[:, 2], rcond=None)[0]
    return lambda x, y: along_x * x + along_y * y + level
