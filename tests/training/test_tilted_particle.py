# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles are tilted off their zone axis by as much as they say."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.spatial import cKDTree

from hrtemnn_training.structures import ParticlesOnFilm, TiltedParticle, make_shape

A = 4.08  # gold
# Shortest lattice vectors along the zone axes.
PERIODS = {
    "[110]": A / np.sqrt(2),
    "[100]": A,
    "[111]": A * np.sqrt(3),
    "[112]": A * np.sqrt(1.5),
}


def alone(**changes) -> TiltedParticle:
    free = {"supports": {"none": 1}, "layers": (5, 5), "field": 46}
    return TiltedParticle(**free | changes)


def angle_of_nearest_row(positions: np.ndarray, period: float) -> float:
    """Return the least angle of rows of atoms of a period with the beam [degrees]."""
    pairs = cKDTree(positions).query_pairs(period + 0.02, output_type="ndarray")
    apart = positions[pairs[:, 1]] - positions[pairs[:, 0]]
    length = np.linalg.norm(apart, axis=1)
    apart = apart[length > period - 0.02]
    return float(np.degrees(np.arccos(np.abs(apart[:, 2]) / period)).min())


@pytest.mark.parametrize("zone_axis", PERIODS)
@pytest.mark.parametrize("angle", [2.0, 15.0])
def test_rows_of_atoms_are_tilted_by_as_much(zone_axis, angle) -> None:
    ranges = alone(
        zone_axes={zone_axis: 1}, tilt=(angle, angle), shapes={"single crystal": 1}
    )
    azimuths = []
    for seed in range(3):
        structure = ranges.make(seed)
        assert structure.values["tilt"] == angle
        assert structure.values["zone_axis"] == zone_axis
        found = angle_of_nearest_row(
            structure.positions.astype(float), PERIODS[zone_axis]
        )
        assert found == pytest.approx(angle, abs=0.3)
        azimuths.append(structure.positions[0, 0])
    assert np.ptp(azimuths) > 0


def test_both_lattices_of_a_twin_share_the_zone_axis() -> None:
    for zone_axis in ("[110]", "[112]"):
        twin = make_shape("twin", zone_axis, (6, 6), A, np.random.default_rng(0))
        period = PERIODS[zone_axis]
        # The lowest atom of a row has another one above it, in either lattice.
        columns = cKDTree(twin[:, :2]).query_ball_point(twin[:, :2], 0.05)
        heights = [np.sort(twin[rows, 2]) for rows in columns if len(rows) > 1]
        assert len(heights) > len(twin) / 2
        assert min(np.diff(h).min() for h in heights) == pytest.approx(period, abs=0.01)
    structures = [alone(shapes={"twin": 1}).make(seed) for seed in range(30)]
    assert {structure.values["zone_axis"] for structure in structures} == {
        "[110]",
        "[111]",
        "[112]",
    }


@pytest.mark.parametrize(
    ("support", "element"), [("amorphous carbon", 6), ("CeO2", 58)]
)
def test_a_particle_touches_its_support(support, element) -> None:
    structure = alone(supports={support: 1}, thickness=(8, 12)).make(3)
    gold = structure.numbers == 79
    assert structure.numbers[structure.particles == 1].tolist() == [79] * gold.sum()
    assert element in structure.numbers[structure.particles == 0]
    nearest = (
        cKDTree(structure.positions[~gold]).query(structure.positions[gold])[0].min()
    )
    assert 1.4 < nearest < 3.5
    middle = structure.positions[gold][:, :2].mean(axis=0)
    np.testing.assert_allclose(middle, 23, atol=1.5)


def test_what_a_generator_cannot_make_is_refused() -> None:
    with pytest.raises(ValidationError, match="twins need another one than"):
        TiltedParticle(zone_axes={"[100]": 1})
    with pytest.raises(ValidationError, match=r"tilt\n.*not in 0 to 15"):
        TiltedParticle(tilt=(0, 20))
    with pytest.raises(ValidationError, match="not known as an FCC metal"):
        TiltedParticle(element="Fe")
    with pytest.raises(ValidationError, match=r"no icosahedron along \[112\]"):
        ParticlesOnFilm(shapes={"icosahedron": 1}, orientations={"[112]": 1})
