# SPDX-License-Identifier: GPL-3.0-or-later
"""Single crystals of bcc and hcp metals have the distances and axes of a lattice."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from hrtemnn_training.structures import ParticlesOnFilm, SupportedParticles

IRON, COBALT = 2.87, (2.51, 2.51 * 1.622)


def particle(element: str, along: str, layers: int = 9) -> np.ndarray:
    """Return the positions of a whole particle, with as many planes of each kind."""
    ranges = SupportedParticles(element=element, orientations={along: 1})
    rng = np.random.default_rng(0)
    (positions, _), kind = ranges.draw_particle((layers, layers), 0, rng, cut=False)
    assert kind == "single crystal"
    return positions - positions.mean(axis=0)


def misfit(positions: np.ndarray, angle: float) -> float:
    """How far a turn about the beam takes an atom from the nearest one, at most."""
    turn = Rotation.from_euler("z", angle, degrees=True).as_matrix()
    return cKDTree(positions).query(positions @ turn.T)[0].max()


@pytest.mark.parametrize(
    ("element", "nearest", "neighbors"),
    [
        ("Fe", IRON * np.sqrt(3) / 2, 8),
        ("W", 3.16 * np.sqrt(3) / 2, 8),
        ("Co", np.hypot(COBALT[0] / np.sqrt(3), COBALT[1] / 2), 12),
        ("Ti", np.hypot(2.95 / np.sqrt(3), 2.95 * 1.588 / 2), 12),
    ],
)
def test_atoms_have_the_neighbors_of_their_lattice(element, nearest, neighbors) -> None:
    positions = particle(element, "any")
    distances, _ = cKDTree(positions).query(positions, neighbors + 2)
    assert distances[:, 1].min() == pytest.approx(nearest, abs=1e-6)
    within = distances[:, neighbors] < 1.1 * nearest
    inside = np.linalg.norm(positions, axis=1) < 6
    assert inside.sum() > 20
    assert within[inside].all()
    assert (distances[inside, neighbors + 1] > 1.1 * nearest).all()
    # No atom sits alone on a corner; second neighbors of bcc are 1.15 as far away.
    assert (distances[:, 3] < 1.2 * nearest).all()


@pytest.mark.parametrize(
    ("element", "along", "turn", "wrong"),
    [
        ("Fe", "[100]", 90, 45),
        ("Fe", "[110]", 180, 90),
        ("Fe", "[111]", 120, 90),
        ("Co", "[0001]", 120, 90),
        ("Co", "[11-20]", 0, 90),
        ("Co", "[10-10]", 0, 90),
    ],
)
def test_zone_axes_have_their_symmetry(element, along, turn, wrong) -> None:
    positions = particle(element, along)
    assert misfit(positions, turn) < 1e-6
    assert misfit(positions, wrong) > 0.5


@pytest.mark.parametrize(
    ("element", "along", "spacing", "depth"),
    [
        ("Fe", "[100]", IRON / np.sqrt(2), IRON / 2),
        ("Fe", "[110]", IRON / np.sqrt(2), IRON / np.sqrt(2)),
        ("Fe", "[111]", IRON / np.sqrt(2), IRON / np.sqrt(12)),
        ("Fe", "[112]", IRON / np.sqrt(2), IRON / np.sqrt(6)),
        ("Co", "[11-20]", COBALT[1] / 2, COBALT[0] / 2),
        ("Co", "[10-10]", COBALT[1] / 2, None),
        ("Co", "[0001]", None, COBALT[1] / 2),
    ],
)
def test_planes_lie_along_the_support_and_across_the_beam(
    element, along, spacing, depth
) -> None:
    for axis, expected in ((1, spacing), (2, depth)):
        heights = np.unique(np.round(particle(element, along)[:, axis], 3))
        if expected is not None:
            np.testing.assert_allclose(np.diff(heights), expected, atol=3e-3)


@pytest.mark.parametrize("element", ["Au", "Fe", "Co"])
def test_particles_are_about_as_wide_along_all_directions(element) -> None:
    widths = np.ptp(particle(element, "any", 12), axis=0)
    assert widths.max() < 1.5 * widths.min()


def test_each_field_has_one_of_the_metals() -> None:
    ranges = ParticlesOnFilm(
        elements={"Pt": 1, "Fe": 2, "Ru": 1},
        orientations={"any": 1},
        films={"none": 1},
        particles=(2, 2),
        layers=(3, 4),
        field=60,
    )
    structures = [ranges.make(seed) for seed in range(80)]
    assert all(len(set(s.numbers)) == 1 for s in structures)
    drawn = Counter(s.values["material"] for s in structures)
    for element, share in (("Pt", 1), ("Fe", 2), ("Ru", 1)):
        expected = 80 * share / 4
        assert drawn[element] == pytest.approx(expected, abs=3 * np.sqrt(expected))


def test_one_metal_among_several_is_drawn_as_if_it_was_alone() -> None:
    small = {"field": 50, "layers": (3, 4)}
    alone = SupportedParticles(element="Pt", **small).make(3)
    among = SupportedParticles(elements={"Pt": 1}, **small).make(3)
    np.testing.assert_array_equal(among.positions, alone.positions)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"element": "Fe", "orientations": {"[0001]": 1}}, r"'Fe' is bcc: .* \[111\]"),
        ({"element": "Co"}, r"'Co' is hcp: .* along \[110\], only along \[0001\]"),
        ({"element": "Co"}, "with a lattice_constant it is fcc"),
        ({"element": "Fe", "shapes": {"twin": 1}}, "no bcc twin, only a single"),
        ({"element": "Fe", "second_element": "Au"}, "'Fe' is bcc: the first element"),
        ({"element": "Ga"}, "'Ga' is not known as an fcc, bcc or hcp metal"),
        ({"elements": {"Au": 1, "Q": 1}}, "'Q' is not a chemical symbol"),
        ({"elements": {"Au": 1, "Co": 1}}, "'Co' is hcp"),
        ({"elements": {"Au": 0}}, "above 0"),
        ({"elements": {"Pt": 1}, "second_element": "Co"}, "go with one element"),
        ({"elements": {"Pt": 1}, "lattice_constant": 4}, "go with one element"),
    ],
)
def test_metals_that_cannot_be(wrong, message) -> None:
    with pytest.raises(ValidationError, match=message):
        SupportedParticles(**wrong)
