# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles have the symmetry of their shape, supports the spacings of a crystal."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import write
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from scipy.optimize import linprog
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from hrtemnn_training.structures import (
    AnyGenerator,
    Face,
    ParticlesOnFilm,
    SupportedParticles,
    arrange,
    make_particle,
    make_shape,
    make_support,
    orientation,
    terminated,
)
from hyperspy_hrtemnn.crystals import find_crystal

A = 4.08  # gold
SHAPES = ["single crystal", "twin", "decahedron", "icosahedron"]


def shape(name: str, along: str, layers: int = 6, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return make_shape(name, along, (layers, layers + 2), A, rng)


def turned(angle: float) -> np.ndarray:
    return Rotation.from_euler("z", angle, degrees=True).as_matrix()


def misfit(positions: np.ndarray, operation: np.ndarray) -> float:
    """How far an operation takes an atom from the nearest one, at most."""
    return cKDTree(positions).query(positions @ np.asarray(operation).T)[0].max()


@pytest.mark.parametrize("along", ["[110]", "[111]", "any"])
@pytest.mark.parametrize("name", SHAPES)
def test_neighbors_are_half_a_face_diagonal_apart(name: str, along: str) -> None:
    positions = shape(name, along)
    nearest = cKDTree(positions).query(positions, 2)[0][:, 1]
    np.testing.assert_allclose(nearest, A / np.sqrt(2), atol=1e-6)


def test_icosahedra_have_magic_numbers() -> None:
    rng = np.random.default_rng(0)
    numbers = [
        len(make_shape("icosahedron", "any", (n, n), A, rng)) for n in (2, 3, 6, 8)
    ]
    assert numbers == [13, 55, 147, 309]


def test_decahedra_have_magic_numbers() -> None:
    # A bipyramid of 54; its prisms, 31 more each; the same with Marks' corners, of
    # which the 75 and 101 are the well-known ones.
    numbers = {
        len(make_shape("decahedron", "any", (6, 6), A, np.random.default_rng(seed)))
        for seed in range(60)
    }
    assert numbers == {54, 85, 116, 49, 75, 101}


def test_a_decahedron_has_five_fold_symmetry_along_its_axis() -> None:
    positions = shape("decahedron", "[110]", 8)
    assert misfit(positions, turned(72)) < 1e-6
    assert misfit(positions, turned(36)) > 0.5
    # It lies on one of the five sides, not on an edge.
    lowest = positions[positions[:, 1] < positions[:, 1].min() + 1e-3]
    assert np.ptp(lowest[:, 0]) > 5


@pytest.mark.parametrize(("along", "fold"), [("[110]", 2), ("[111]", 3)])
def test_an_icosahedron_is_seen_along_its_axes(along: str, fold: int) -> None:
    positions = shape("icosahedron", along)
    assert misfit(positions, turned(360 / fold)) < 1e-6
    assert misfit(positions, turned(90)) > 0.5
    if along == "[110]":
        lowest = positions[:, 1] < positions[:, 1].min() + 1e-3
        shells = round((len(positions) * 3 / 10) ** (1 / 3) - 0.5)
        assert lowest.sum() == (shells + 1) * (shells + 2) // 2


def test_a_twin_is_its_own_mirror_image_and_a_single_crystal_is_not() -> None:
    twin, single = shape("twin", "[111]"), shape("single crystal", "[111]")
    mirror, inversion = np.diag([1, 1, -1]), -np.eye(3)
    assert misfit(twin, mirror) < 1e-6
    assert misfit(twin, inversion) > 0.5
    assert misfit(single, inversion) < 1e-6
    assert misfit(single, mirror) > 0.5


def test_a_twin_plane_is_edge_on_along_110() -> None:
    twin = shape("twin", "[110]")
    # Two (111) planes are 70.53 degrees apart.
    normals = [np.array([s * np.sqrt(8) / 3, 1 / 3, 0]) for s in (-1, 1)]
    assert min(misfit(twin, np.eye(3) - 2 * np.outer(n, n)) for n in normals) < 1e-6


def test_planes_of_a_single_crystal_along_the_surface() -> None:
    for along, spacing in (("[110]", A / np.sqrt(3)), ("[111]", A / np.sqrt(8))):
        positions = make_particle(
            "Au", (5, 7), 0, np.random.default_rng(3), orientation=along
        )
        heights = np.unique(np.round(positions[:, 1], 3))
        np.testing.assert_allclose(np.diff(heights), spacing, atol=2e-3)


def test_lattice_constants() -> None:
    def nearest(element: str, **lattice: float) -> float:
        rng = np.random.default_rng(0)
        positions = make_particle(element, (4, 5), 2, rng, **lattice)
        return cKDTree(positions).query(positions, 2)[0][:, 1].min()

    assert nearest("Pt") == pytest.approx(3.92 / np.sqrt(2))
    assert nearest("Co", a=3.54) == pytest.approx(3.54 / np.sqrt(2))
    with pytest.raises(ValueError, match="'Co' is not known as an FCC metal"):
        nearest("Co")


@settings(max_examples=25, deadline=None)
@given(
    arrangement=st.sampled_from(["core-shell", "Janus", "disordered"]),
    concentration=st.floats(0, 1),
)
def test_alloys_have_their_concentration(arrangement, concentration) -> None:
    positions = shape("icosahedron", "any")
    rng = np.random.default_rng(0)
    numbers = arrange(positions, (47, 27), arrangement, concentration, rng)
    assert (numbers == 27).sum() == round(concentration * len(positions))
    assert set(numbers) <= {27, 47}


def test_a_core_is_inside_a_shell() -> None:
    positions = shape("icosahedron", "any", 9)
    numbers = arrange(positions, (47, 27), "core-shell", 0.3, np.random.default_rng(0))
    neighbors = cKDTree(positions).query_ball_point(positions, 3.3, return_length=True)
    assert set(neighbors[numbers == 27]) == {13}
    radius = np.linalg.norm(positions, axis=1)
    assert radius[numbers == 27].max() < radius[numbers == 47].max() - 2


def test_the_halves_of_a_janus_particle_are_apart_and_those_of_disorder_are_not() -> (
    None
):
    positions = shape("single crystal", "any")

    def separable(arrangement: str) -> bool:
        rng = np.random.default_rng(1)
        numbers = arrange(positions, (47, 27), arrangement, 0.4, rng)
        side = np.where(numbers == 27, 1.0, -1.0)[:, np.newaxis]
        planes = -side * np.column_stack([positions, np.ones(len(positions))])
        wanted = -np.full(len(positions), 1e-3)
        return linprog(np.zeros(4), planes, wanted, bounds=(None, None)).success

    assert separable("Janus")
    assert not separable("disordered")
    assert not separable("core-shell")


def test_disorder_has_no_order_of_neighbors() -> None:
    positions = shape("single crystal", "any", 9)
    numbers = arrange(positions, (47, 27), "disordered", 0.3, np.random.default_rng(0))
    pairs = cKDTree(positions).query_pairs(3, output_type="ndarray")
    unlike = np.mean(numbers[pairs[:, 0]] != numbers[pairs[:, 1]])
    assert unlike == pytest.approx(2 * 0.3 * 0.7, abs=0.02)


# Crystal, and its periods along x, normal to the surface and along the beam [Å]: the
# spacings of CeO2 (111), MgO (200), rutile (110) and anatase (101) of a powder pattern.
SUPPORTS = {
    "CeO2": (6.70, 3.158, 3.868),
    "MgO": (4.212, 2.106, 4.212),
    "rutile": (6.497, 3.248, 2.959),
    "anatase": (10.24, 3.517, 3.785),
}


def support(crystal: str, tilt: float = 0, **face: Face) -> tuple:
    rng = np.random.default_rng(2)
    return make_support(25, 21, (tilt, tilt), rng, crystal=crystal, **face)


def layers_of(positions: np.ndarray, numbers: np.ndarray) -> dict[float, set[int]]:
    heights = np.round(positions[:, 1], 2) + 0.0
    return {h: set(numbers[heights == h].tolist()) for h in np.unique(heights)[::-1]}


@pytest.mark.parametrize("crystal", SUPPORTS)
def test_supports_repeat_as_their_crystal_does(crystal: str) -> None:
    across, spacing, along = SUPPORTS[crystal]
    positions, numbers = support(crystal)
    layers = layers_of(positions, numbers)
    assert next(iter(layers)) == 0

    def repeats(shift: float) -> bool:
        found = ({-h: e for h, e in layers.items()}).items()
        inner = [(h, e) for h, e in found if h < 20]
        return all(
            any(abs(h + shift - g) < 0.02 and e == f for g, f in found)
            for h, e in inner
        )

    periods = [-h for h in layers if 0 < -h < 8 and repeats(-h)]
    assert periods[0] == pytest.approx(spacing, abs=0.01)
    middle = np.array([0, -14, 0])
    inside = np.all(np.abs(positions - middle) < [12, 10, 5], axis=1)
    for element in set(numbers):
        tree = cKDTree(positions[numbers == element])
        moving = positions[inside & (numbers == element)]
        for step in ([across, 0, 0], [0, 0, along]):
            assert tree.query(moving + step)[0].max() < 0.01
            assert tree.query(moving + np.multiply(step, 0.7))[0].max() > 0.5


@pytest.mark.parametrize("crystal", SUPPORTS)
def test_supports_have_the_density_of_their_crystal(crystal: str) -> None:
    cell = find_crystal(crystal)
    positions, numbers = support(crystal, tilt=8)
    volume = 50 * 1.3 * 25 * 21
    assert len(positions) == pytest.approx(len(cell) / cell.get_volume() * volume, 0.02)
    metal = max(cell.numbers)
    share = np.mean(cell.numbers == metal)
    assert np.mean(numbers == metal) == pytest.approx(share, abs=0.01)


def test_neutral_surfaces_are_those_of_the_textbook() -> None:
    """Bridging oxygen on rutile and anatase, mixed planes on MgO."""
    tops = {name: list(layers_of(*support(name)).values())[:3] for name in SUPPORTS}
    assert tops["MgO"][0] == {8, 12}
    assert tops["rutile"] == [{8}, {8, 22}, {8}]
    assert tops["anatase"][:2] == [{8}, {22}]
    assert tops["CeO2"][:2] == [{58}, {8}]
    # Left to the rule, CeO2 ends with the oxygen that completes O-Ce-O.
    neutral = layers_of(*support("CeO2", face=Face((1, 1, 1), (1, -1, 0))))
    assert list(neutral.values())[:4] == [{8}, {58}, {8}, {8}]


def test_no_surface_of_an_element_the_crystal_does_not_have() -> None:
    with pytest.raises(ValueError, match=r"no Ce in Mg4O4"):
        terminated(find_crystal("MgO"), (1, 0, 0), top="Ce")


def test_titania_has_its_bonds() -> None:
    for name, bonds in (("rutile", (1.95, 1.98)), ("anatase", (1.93, 1.98))):
        cell = find_crystal(name)
        distances = cell.get_distances(0, range(1, len(cell)), mic=True)
        assert min(distances) == pytest.approx(bonds[0], abs=0.02)
        oxygen = np.sort(cell.repeat(3).get_distances(0, slice(None), mic=True))
        np.testing.assert_allclose(oxygen[1:5], bonds[0], atol=0.02)
        np.testing.assert_allclose(oxygen[5:7], bonds[1], atol=0.02)


index = st.integers(-3, 3)


@settings(max_examples=25, deadline=None)
@given(
    hkl=st.tuples(index, index, index).filter(any),
    other=st.tuples(index, index, index),
    seed=st.integers(0, 99),
)
def test_zone_axes_lie_in_planes_of_any_cell(hkl, other, seed) -> None:
    zone_axis = np.cross(hkl, other)
    if not zone_axis.any():
        return
    cell = np.diag([4.0, 5.5, 7.0]) + np.random.default_rng(seed).uniform(-1, 1, (3, 3))
    atoms = Atoms("Po", cell=cell, pbc=True)
    rotation = orientation(atoms, tuple(zone_axis.tolist()), hkl)
    along = rotation @ (zone_axis @ cell)
    np.testing.assert_allclose(along, [0, 0, np.linalg.norm(along)], atol=1e-9)
    # Every lattice vector is on a plane (hkl), which are d apart along y.
    vectors = rotation @ cell.T
    d = 1 / np.linalg.norm(np.linalg.inv(cell) @ hkl)
    np.testing.assert_allclose(vectors[1] / d, hkl, atol=1e-9)


def test_a_zone_axis_off_the_surface_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[1 1 0\] in the surface \(1 1 0\).* is 2 "):
        orientation(bulk("Au", cubic=True), (1, 1, 0), (1, 1, 0))
    with pytest.raises(ValidationError, match=r"\[0 0 1\] in the surface \(1 0 1\)"):
        SupportedParticles(support="anatase", surface=(1, 0, 1), zone_axis=(0, 0, 1))
    with pytest.raises(ValidationError, match="go together"):
        SupportedParticles(support="anatase", surface=(1, 0, 1))


def test_a_support_from_a_cif(tmp_path) -> None:
    path = tmp_path / "titania.cif"
    write(path, find_crystal("rutile"))
    face = Face((1, 1, 0), (0, 0, 1))
    positions, numbers = support(str(path), face=face)
    expected, _ = support("rutile")
    assert len(positions) == len(expected)
    assert cKDTree(expected).query(positions)[0].max() < 0.01
    assert set(numbers) == {8, 22}


def test_supports_that_do_not_exist(tmp_path) -> None:
    with pytest.raises(ValidationError, match="'NiO' is none of CeO2, MgO"):
        SupportedParticles(support="NiO")
    ranges = SupportedParticles(
        support="missing.cif",
        surface=(0, 0, 1),
        zone_axis=(1, 0, 0),
        free_particles=0,
        empty=0,
    )
    with pytest.raises(ValueError, match=r"'missing\.cif' is not a file"):
        ranges.make(3)
    (tmp_path / "broken.cif").write_text("not a crystal")
    with pytest.raises(ValueError, match=r"broken\.cif cannot be read as a CIF"):
        find_crystal(str(tmp_path / "broken.cif"))


ALLOYS = {
    "element": "Ag",
    "second_element": "Co",
    "shapes": dict.fromkeys(SHAPES, 1.0),
    "layers": (5, 8),
    "field": 70,
}


def test_scenes_of_alloys_classify_columns_by_the_majority() -> None:
    ranges = SupportedParticles(
        **ALLOYS, support="MgO", particles=(3, 3), empty=0, bare_support=0
    )
    kinds: set[str] = set()
    for seed in range(6):
        structure = ranges.make(seed)
        kinds.update(structure.kinds)
        sites = structure.sites
        assert sites.names == ("Ag", "Co")
        np.testing.assert_array_equal(sites.elements, [27, 47])
        np.testing.assert_array_equal(
            sites.classes, sites.counts[:, 0] > sites.counts[:, 1]
        )
        assert len(structure.kinds) == len(structure.outlines)
    arrangements, shapes = zip(*(kind.split(maxsplit=1) for kind in kinds), strict=True)
    assert set(arrangements) == {"core-shell", "Janus", "disordered"}
    assert set(shapes) == set(SHAPES)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"element": "Co"}, "lattice_constant"),
        ({"second_element": "Q"}, "'Q' is not a chemical symbol"),
        ({"second_element": "Au"}, "leave the second out"),
        ({"concentration": (0.5, 1.5)}, "not in 0 to 1"),
        ({"layers": (9, 5)}, "reversed"),
        ({"shapes": {"twin": 0.0}}, "above 0"),
        ({"shapes": {"cube": 1.0}}, "cube"),
    ],
)
def test_particles_that_cannot_be(wrong, message) -> None:
    with pytest.raises(ValidationError, match=message):
        ParticlesOnFilm(**wrong)


def test_shares_are_kept() -> None:
    ranges = ParticlesOnFilm(
        films={"none": 1.0},
        shapes={"icosahedron": 1, "twin": 3, "decahedron": 0},
        layers=(2, 3),
        particles=(5, 5),
        field=90,
    )
    kinds = [kind for seed in range(16) for kind in ranges.make(seed).kinds]
    assert kinds.count("decahedron") == 0
    assert kinds.count("twin") / len(kinds) == pytest.approx(0.75, abs=0.15)


def film(kind: str, **changes: object) -> ParticlesOnFilm:
    return ParticlesOnFilm(
        **{"field": 70, "films": {kind: 1.0}, "layers": (3, 6), **changes}
    )


@pytest.mark.parametrize(
    ("kind", "bond", "apart", "numbers"),
    [("graphene", 1.421, 3.354, {6}), ("hBN", 1.446, 3.331, {5, 7})],
)
def test_sheets_fill_the_field(kind, bond, apart, numbers) -> None:
    structure = film(kind, sheets=(3, 3), particles=(0, 0), field=41).make(1)
    assert set(structure.numbers) == numbers
    assert structure.values == {"film": kind, "material": f"bare {kind}"}
    positions = structure.positions
    inner = np.all(np.abs(positions[:, :2] - 20.5) < 15, axis=1)
    distances, neighbors = cKDTree(positions).query(positions[inner], 4)
    np.testing.assert_allclose(distances[:, 1:], bond, atol=2e-3)
    if kind == "hBN":
        unlike = structure.numbers[neighbors[:, 1:]]
        assert np.all(unlike != structure.numbers[neighbors[:, :1]])
    heights = np.unique(np.round(positions[:, 2], 2))
    np.testing.assert_allclose(np.diff(heights), [apart, apart], atol=0.02)
    density = 2 / (np.sqrt(27) / 2 * bond**2)  # atoms in a hexagon
    assert len(positions) == pytest.approx(3 * density * 37**2, rel=0.02)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_particles_lie_beside_one_another_on_both_sides(seed: int) -> None:
    structure = film("graphene", particles=(3, 5), gap=4.0).make(seed)
    sheet = structure.positions[structure.particles == 0]
    groups = [
        structure.positions[structure.particles == i + 1]
        for i in range(len(structure.kinds))
    ]
    for i, group in enumerate(groups):
        below, above = sheet[:, 2].min() - group[:, 2], group[:, 2] - sheet[:, 2].max()
        assert max(below.min(), above.min()) > 3.1
        for other in groups[:i]:
            nearest, _ = cKDTree(other[:, :2]).query(group[:, :2])
            assert nearest.min() >= 4.0 - 1e-3


def test_particles_hide_one_another_only_if_asked_and_never_touch() -> None:
    crowded = film(
        "none", particles=(9, 9), field=40, overlapping=True, below=0.5, gap=2.7
    )
    hidden = 0
    for seed in range(8):
        structure = crowded.make(seed)
        positions, owners = structure.positions, structure.particles
        pairs = cKDTree(positions).query_pairs(2.6, output_type="ndarray")
        assert not np.any(owners[pairs[:, 0]] != owners[pairs[:, 1]])
        flat = cKDTree(positions[:, :2]).query_pairs(1.0, output_type="ndarray")
        hidden += np.any(owners[flat[:, 0]] != owners[flat[:, 1]])
    assert hidden > 2


@pytest.mark.parametrize("kind", ["amorphous carbon", "hBN", "none"])
def test_same_seed_same_field_and_other_seed_another(kind: str) -> None:
    ranges = film(kind, field=40, particles=(2, 4), thickness=(8, 12))
    first, again, other = (ranges.make(seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first.positions, again.positions)
    np.testing.assert_array_equal(first.numbers, again.numbers)
    assert first.positions.shape != other.positions.shape


def test_recipes_choose_particles_on_a_film() -> None:
    adapter = TypeAdapter(AnyGenerator)
    chosen = adapter.validate_python({"generator": "particles on film", "gap": 2})
    assert chosen == ParticlesOnFilm(gap=2)
    assert isinstance(adapter.validate_python({"element": "Pt"}), SupportedParticles)


def test_the_scenes_of_the_shipped_recipe_stay_as_they_are() -> None:
    structure = SupportedParticles().make(7)
    assert len(structure.numbers) == 12828
    assert structure.kinds == ("single crystal",) * 3
    center = structure.positions.mean(axis=0)
    np.testing.assert_allclose(center, [51.4295, 24.1405, 54.0557], atol=1e-3)
