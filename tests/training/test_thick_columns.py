# SPDX-License-Identifier: GPL-3.0-or-later
"""Masses of columns, read off true waves: gold to 15 atoms, sulfur above and below."""

from __future__ import annotations

from itertools import product

import hyperspy.api as hs
import known_specimens
import numpy as np
import pytest

from hrtemnn_training.images.grid import Grid
from hrtemnn_training.images.wave_label import exit_wave as smoothed
from hrtemnn_training.structures import Structure
from hrtemnn_training.waves.multislice import WaveSettings, exit_wave

GOLD = 4.078  # lattice constant [Å]
ALONG = GOLD / 2**0.5  # between the atoms of a column [110] [Å]
ATOMS = 15


def wave_of(positions, numbers, box, settings):
    """The label of exit wave reconstructions, as a signal of pixels of 0.1 Å."""
    structure = Structure(
        positions=np.array(positions, np.float32),
        numbers=np.array(numbers, np.uint8),
        particles=np.ones(len(positions), np.uint8),
        box=tuple(box),
        sites=known_specimens.columns(),
        outlines=(),
        kinds=(),
    )
    extent = box[1], box[0]
    grid = Grid((0, 0), extent, tuple(round(length / 0.1) for length in extent))
    wave = exit_wave(structure, WaveSettings.model_validate(settings))
    parts = smoothed(wave, extent, grid)
    signal = hs.signals.ComplexSignal2D(parts[..., 0] + 1j * parts[..., 1])
    signal.set_signal_type("exit_wave")
    for axis, pixel in zip(
        signal.axes_manager.signal_axes, grid.pixel[::-1], strict=True
    ):
        axis.scale, axis.offset, axis.units = pixel / 10, pixel / 20, "nm"
    return signal


def nearest(table, places):
    """The rows of a table that are nearest to places (x, y) [Å], and how far."""
    far = np.hypot(*(table[["x", "y"]].to_numpy() * 10 - np.array(places)[:, None]).T).T
    return table.iloc[far.argmin(axis=1)], far.min(axis=1)


@pytest.mark.parametrize("energy", [300, 200])
def test_gold_gets_heavier_from_atom_to_atom(energy):
    # A wedge, whose columns of 1 to 15 atoms all end in the same plane.
    places, atoms = [], []
    for height, other in product(range(1, ATOMS + 1), (0, 1)):
        places.append((4 + ALONG * (height + other / 2 - 1), 4 + other * GOLD / 2))
        depth = ALONG * (ATOMS - np.arange(height) - 0.5 - other / 2)
        atoms += [(*places[-1], z) for z in depth + ALONG / 2]
    box = (8 + ALONG * ATOMS, 8 + GOLD, ALONG * (ATOMS + 0.5))
    vibrations = {"method": "uniform smearing", "mean_square": 0.0082}  # 300 K
    settings = {"energy": energy, "sampling": 0.05, "vibrations": vibrations}
    wave = wave_of(atoms, [79] * len(atoms), box, settings)
    table = wave.find_columns("1 angstrom", show_progressbar=False)
    found, far = nearest(table, places)
    # Near a full turn a column hardly changes the wave, and its neighbors pull at it.
    assert far.max() < 0.6
    for row in found["theta"].to_numpy().reshape(ATOMS, 2).T:
        assert np.all(np.diff(row) > 0)
        assert row[[2, 14]] == pytest.approx([1.52, 7.85], rel=0.06)
    assert abs(complex(*table.attrs["excitation"])) == pytest.approx(1.1, abs=0.05)


def test_upper_and_lower_sulfur_are_of_one_mass_and_told_apart():
    a, rise = 3.18, 1.595
    atoms, sulfur = [], []
    for i, j, half in product(range(6), range(3), (0, 0.5)):
        x, y = a * (i + half), a * 3**0.5 * (j + half)
        atoms.append((x, y, 4, 42))
        sulfur.append((x + a / 2, y + a / 12**0.5))
        atoms += [(*sulfur[-1], 4 + z, 16) for z in (-rise, rise)]
    # Of the pairs of atoms 7 and 21 the lower ones are left, of 16 and 28 the upper.
    gone = [3 * 7 + 1, 3 * 21 + 1, 3 * 16 + 2, 3 * 28 + 2]
    atoms = np.delete(atoms, gone, axis=0)
    box = (6 * a, 3 * a * 3**0.5, 4 + rise + 2)
    vibrations = {"method": "uniform smearing", "mean_square": 0.003}
    settings = {"energy": 50, "sampling": 0.1, "slice_thickness": 0.5}
    wave = wave_of(
        atoms[:, :3], atoms[:, 3], box, {**settings, "vibrations": vibrations}
    )
    table = wave.find_columns(classes=["1S", "1Mo", "2S"], show_progressbar=False)
    assert table.attrs["excitation"] == [1, 0]  # a circle is not fitted to light ones
    single, far = nearest(table, [sulfur[i] for i in (7, 21, 16, 28)])
    assert far.max() < 0.05
    assert set(single["class"]) == {"1S"}
    assert (table["class"] == "1S").sum() == 4
    np.testing.assert_allclose(single["theta"], 0.37, atol=0.02)
    lower, upper = np.split(single["real"].to_numpy(), 2)
    # The wave of an upper one has gone on by 3.2 Å.
    np.testing.assert_allclose(lower, 1.01, atol=0.01)
    np.testing.assert_allclose(upper, 1.08, atol=0.01)
