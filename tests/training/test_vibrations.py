# SPDX-License-Identifier: GPL-3.0-or-later
"""Amplitudes that were put into a trajectory are found in it and given back."""

from __future__ import annotations

import json
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import mx2
from click.testing import CliRunner
from pydantic import ValidationError
from scipy.constants import atomic_mass, hbar, k

from hrtemnn_training import cli
from hrtemnn_training.structures import Structure, find_sites
from hrtemnn_training.waves.local_frozen_phonons import LocalFrozenPhonons
from hrtemnn_training.waves.local_vibrations import (
    get_edge_vibrations,
    get_vibrational_amplitudes,
    perturb_atoms,
    perturb_edge_atoms,
)
from hrtemnn_training.waves.multislice import WaveSettings, exit_wave
from hrtemnn_training.waves.vibrations import debye_waller

TRAINING = Path(__file__).parents[2] / "training"
BONDS = {("Mo", "S"): 2.9}
# Along the edge, across it, along the beam [Å].
AT_EDGE = np.array([0.12, 0.08, 0.05])
INSIDE = {"Mo": 0.03, "S": 0.045}


def ribbon(angle: float = 0.0) -> Atoms:
    """MoS2 with two zigzag edges, periodic along them; they lie at `angle` to x."""
    atoms = mx2("MoS2", a=3.18, thickness=3.19, size=(7, 4, 1))
    atoms.center(vacuum=6, axis=2)
    atoms.pbc = [True, False, False]
    atoms.rotate(angle, "z", rotate_cell=True)
    return atoms


def edge_of(atoms: Atoms) -> np.ndarray:
    """S that has lost a neighbor, found by distances alone."""
    distances = atoms.get_all_distances(mic=True)
    bonded = (distances < 2.9) & (atoms.numbers == 42)
    return (atoms.numbers == 16) & (bonded.sum(axis=1) < 3)


def trajectory(angle: float, n: int = 200, **changes: np.ndarray) -> list[Atoms]:
    rng = np.random.default_rng(7)
    rest = ribbon(angle)
    turn = np.radians(angle)
    along = np.array([np.cos(turn), np.sin(turn), 0])
    across = np.array([-np.sin(turn), np.cos(turn), 0])
    edge = edge_of(rest)
    assert 0 < edge.sum() < 20
    mean = changes.get("mean", np.zeros(3))
    # The one edge has the neighbors of its S on the one side, the other on the other.
    middle = rest.positions.mean(axis=0)
    inwards = np.sign((middle - rest.positions) @ across)
    images = [rest]
    for _ in range(n):
        image = rest.copy()
        sigma = np.array([INSIDE[s] for s in rest.symbols])[:, np.newaxis]
        image.positions += sigma * rng.standard_normal(image.positions.shape)
        local = mean + AT_EDGE * rng.standard_normal(image.positions.shape)
        moved = (
            rest.positions
            + local[:, :1] * along
            + local[:, 1:2] * inwards[:, np.newaxis] * across
            + local[:, 2:] * [0, 0, 1]
        )
        image.positions[edge] = moved[edge]
        images.append(image)
    return images


@pytest.mark.parametrize(
    ("element", "temperature", "debye", "expected"),
    [("Au", 300, 165, 0.0082), ("S", 1200, 580, 0.0163), ("S", 300, 580, 0.0045)],
)
def test_debye_waller_factor_is_that_of_the_debye_model(
    element, temperature, debye, expected
) -> None:
    assert debye_waller(element, temperature, debye) == pytest.approx(
        expected, abs=5e-5
    )


def test_debye_waller_factor_has_the_limits_of_the_model() -> None:
    """Zero-point motion of 3ħ²/(4 m k θ), and 3ħ²T/(m k θ²) of classical atoms."""
    unit = 3 * hbar**2 / (63.546 * atomic_mass * k * 315) * 1e20
    for cold in (0, 0.01, 2):
        assert debye_waller("Cu", cold, 315) == pytest.approx(unit / 4, rel=1e-3)
    hot = 40 * 315
    assert debye_waller("Cu", hot, 315) == pytest.approx(unit * 40, rel=1e-3)
    documents = debye_waller("Cu", hot, 315, "publication I")
    assert documents == pytest.approx(unit * 40 / 2, rel=0.01)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("Ql", 300, 200), "'Ql' is not a chemical symbol"),
        (("Pt", -20, 240), "temperature has to be 0 K or more, not -20"),
        (("Pt", float("nan"), 240), "temperature has to be 0 K or more, not nan"),
        (("Pt", 300, 0), "debye_temperature has to be above 0 K, not 0"),
        (("Pt", 300, 240, "Einstein"), "one of Debye, publication I, thesis"),
    ],
)
def test_no_displacement_of_what_does_not_exist(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        debye_waller(*arguments)


def test_debye_waller_factors_of_the_documents_have_their_names() -> None:
    first = debye_waller("S", 300, 580, "publication I")
    assert first == pytest.approx(0.0030, abs=5e-5)
    # Equation 5.2 has another 2/3.
    assert debye_waller("S", 300, 580, "thesis") == pytest.approx(first * 2 / 3)


def test_a_recipe_says_which_formula_its_vibrations_have() -> None:
    values = {"method": "smearing", "debye_temperatures": {"Au": 165}}
    for formula, expected in (
        ({}, 0.0082),
        ({"formula": "publication I"}, 0.0046),
        ({"formula": "thesis"}, 0.0031),
    ):
        smearing = settings(**values, **formula).vibrations.smearing(Atoms("Au2"))
        assert smearing["Au"] ** 2 == pytest.approx(expected, abs=5e-5)


def test_heavy_and_cold_atoms_move_less() -> None:
    ratio = debye_waller("Mo", 300, 580) / debye_waller("S", 300, 580)
    assert ratio == pytest.approx(32.06 / 95.95, rel=1e-3)
    # By the documents' formula zero-point motion is a quarter of what T = θ adds.
    cold, warm = (debye_waller("S", t, 580, "publication I") for t in (0, 580))
    assert warm / cold == pytest.approx(5)


def test_amplitudes_are_found_by_element_and_coordination() -> None:
    amplitudes = get_vibrational_amplitudes(trajectory(0), BONDS)
    assert {symbol for symbol, _ in amplitudes} == {"Mo", "S"}
    assert ("Mo", 6) in amplitudes
    np.testing.assert_allclose(amplitudes["Mo", 6], 0.03, rtol=0.05)
    np.testing.assert_allclose(amplitudes["S", 3], 0.045, rtol=0.05)
    fewest = min(n for symbol, n in amplitudes if symbol == "S")
    np.testing.assert_allclose(amplitudes["S", fewest], AT_EDGE, rtol=0.05)
    with pytest.raises(TypeError):
        amplitudes["S", 3] = AT_EDGE


def test_the_motion_of_the_whole_is_no_vibration() -> None:
    images = trajectory(0, n=300)
    for i, image in enumerate(images):
        image.positions += [0.01 * i, -0.02 * i, 0]
    amplitudes = get_vibrational_amplitudes(images, BONDS)
    np.testing.assert_allclose(amplitudes["Mo", 6], 0.03, rtol=0.07)


@pytest.mark.parametrize("angle", [0, 33, 117])
def test_edges_of_any_direction_have_the_same_axes(angle: float) -> None:
    mean = np.array([0, 0.04, -0.01])
    images = trajectory(angle, mean=mean)
    edge = get_edge_vibrations(images, "S", "Mo", BONDS)
    np.testing.assert_allclose(edge.sigma_xyz, AT_EDGE, rtol=0.05)
    # The middle of all atoms follows those at the edge, and is taken out.
    mean *= 1 - np.mean(edge_of(images[0]))
    np.testing.assert_allclose(edge.mu_xyz, mean, atol=0.003)
    assert edge.coordination < 3


def test_perturbed_atoms_have_the_amplitudes_of_their_neighborhood() -> None:
    amplitudes = get_vibrational_amplitudes(trajectory(0, n=100), BONDS)
    rng = np.random.default_rng(1)
    rest = ribbon(40)
    before = rest.positions.copy()
    images = [perturb_atoms(rest, amplitudes, BONDS, rng) for _ in range(100)]
    np.testing.assert_array_equal(rest.positions, before)
    again = get_vibrational_amplitudes(images, BONDS)
    assert again.keys() == amplitudes.keys()
    for kind, sigma in amplitudes.items():
        np.testing.assert_allclose(again[kind], sigma, rtol=0.08)


def test_perturbed_edges_vibrate_along_themselves_and_nothing_else_moves() -> None:
    edge = get_edge_vibrations(trajectory(0), "S", "Mo", BONDS)
    rng = np.random.default_rng(2)
    rest = ribbon(72)
    images = [perturb_edge_atoms(rest, edge, BONDS, rng) for _ in range(100)]
    moved = np.stack([image.positions for image in images]) - rest.positions
    is_edge = edge_of(rest)
    assert np.all(moved[:, ~is_edge] == 0)
    turn = np.radians(72)
    along = moved[:, is_edge] @ [np.cos(turn), np.sin(turn), 0]
    across = moved[:, is_edge] @ [-np.sin(turn), np.cos(turn), 0]
    np.testing.assert_allclose(
        [along.std(), across.std()], edge.sigma_xyz[:2], rtol=0.06
    )


def test_a_coordination_never_seen_takes_the_nearest() -> None:
    amplitudes = {("S", 1): np.full(3, 0.5), ("S", 3): np.full(3, 0.0)}
    single = Atoms("S", [[5, 5, 5]], cell=[10, 11, 12])
    rng = np.random.default_rng(0)
    assert np.all(
        perturb_atoms(single, amplitudes, BONDS, rng).positions != single.positions
    )


def test_elements_and_trajectories_that_cannot_be_used() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="no vibrational amplitudes of Mo"):
        perturb_atoms(ribbon(), {("S", 3): np.zeros(3)}, BONDS, rng)
    with pytest.raises(ValueError, match="less than two images"):
        get_vibrational_amplitudes([ribbon()], BONDS)
    with pytest.raises(ValueError, match="of the same atoms"):
        get_vibrational_amplitudes([ribbon(), ribbon()[1:]], BONDS)
    with pytest.raises(ValueError, match="bonds of S to W"):
        get_edge_vibrations([ribbon(), ribbon()], "S", "W", BONDS)
    with pytest.raises(ValueError, match="no S bonded to Mo"):
        get_edge_vibrations([ribbon(), ribbon()], "S", "Mo", {("S", "Mo"): 1.1})


def structure_of(atoms: Atoms, box: tuple[float, float, float]) -> Structure:
    particles = np.ones(len(atoms), np.uint8)
    numbers = atoms.numbers.astype(np.uint8)
    positions = atoms.positions.astype(np.float32)
    return Structure(
        positions=positions,
        numbers=numbers,
        particles=particles,
        box=box,
        sites=find_sites(positions, numbers, particles),
        outlines=(),
        kinds=(),
    )


@pytest.fixture
def pair() -> Structure:
    return structure_of(Atoms("SMo", [[4, 5, 3.0], [8, 7, 4.5]]), (12.0, 14.0, 8.0))


def settings(**vibrations: object) -> WaveSettings:
    values = {"energy": 80, "sampling": 0.12}
    if vibrations:
        values["vibrations"] = vibrations
    return WaveSettings.model_validate(values)


DEBYE = {"S": 250, "Mo": 350}
MEASURED = {
    "method": "local frozen phonons",
    "bonds": [["Mo", "S", 2.9]],
    "amplitudes": {"S": {"3": [0.1, 0.1, 0.1]}},
}


def test_without_vibrations_the_wave_is_abtems_own(pair: Structure) -> None:
    import abtem

    wave = exit_wave(pair, settings())
    gpts = (100, 120)  # 116 points of 0.12 Å along y are 4 x 29, whose FFT is slow
    own = abtem.PlaneWave(energy=80e3, extent=(12, 14), gpts=gpts).multislice(
        abtem.Potential(
            Atoms(pair.numbers, pair.positions, cell=pair.box, pbc=True),
            gpts=gpts,
            slice_thickness=settings().slice_thickness,
            parametrization="kirkland",
            projection="infinite",
        ),
        lazy=False,
    )
    np.testing.assert_array_equal(wave, own.downsample("cutoff").array.T)
    np.testing.assert_array_equal(wave, exit_wave(pair, settings(method="none"), 3))


@pytest.mark.parametrize("uniform", [False, True])
def test_smearing_widens_each_element_by_its_amplitude(uniform: bool) -> None:
    """The phase of one light atom is its potential, and that is the theory's."""
    carbon = structure_of(Atoms("C", [[6, 7, 3.0]]), (12.0, 14.0, 8.0))
    variance = debye_waller("C", 300, 80)
    smearing = (
        {"method": "uniform smearing", "mean_square": variance}
        if uniform
        else {"method": "smearing", "debye_temperatures": {"C": 80.0}}
    )
    sharp, smeared = (
        np.fft.fft2(np.angle(exit_wave(carbon, s)))
        for s in (settings(), settings(**smearing))
    )
    sampling = 14 / sharp.shape[0], 12 / sharp.shape[1]
    ky, kx = (np.fft.fftfreq(n, d) for n, d in zip(sharp.shape, sampling, strict=True))
    squared = ky[:, np.newaxis] ** 2 + kx**2
    seen = squared < 1.0
    expected = np.exp(-2 * np.pi**2 * variance * squared)
    ratio = np.abs(smeared[seen] / sharp[seen])
    np.testing.assert_allclose(ratio, expected[seen], atol=0.02)
    assert expected[seen].min() < 0.5


def test_frozen_phonons_of_light_atoms_average_to_the_smeared_potential() -> None:
    light = structure_of(Atoms("CN", [[4, 5, 3.0], [8, 7, 3.5]]), (12.0, 14.0, 7.0))
    values = {"debye_temperatures": {"C": 150, "N": 150}}
    still = exit_wave(light, settings())
    smeared = exit_wave(light, settings(method="smearing", **values))
    frozen = exit_wave(
        light, settings(method="frozen phonons", configurations=40, **values), 5
    )
    error, effect = (np.linalg.norm(w - smeared) for w in (frozen, still))
    assert error < 0.3 * effect


def test_frozen_phonons_have_a_seed(pair: Structure) -> None:
    values = settings(
        method="frozen phonons", configurations=1, debye_temperatures=DEBYE
    )
    first, again, other = (exit_wave(pair, values, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_an_element_without_debye_temperature_is_named(pair: Structure) -> None:
    with pytest.raises(ValueError, match="none for Mo"):
        exit_wave(pair, settings(method="smearing", debye_temperatures={"S": 300}))


@pytest.fixture(scope="module")
def measured() -> LocalFrozenPhonons:
    return LocalFrozenPhonons.measure(
        trajectory(0, n=80), (("Mo", "S", 2.9),), ("S", "Mo"), configurations=80
    )


def deviation(vibrations: LocalFrozenPhonons, atoms: Atoms, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    snapshots = vibrations.snapshots(atoms, rng)
    return np.stack([each.positions for each in snapshots]).std(axis=0)


def test_a_trajectory_blurs_the_edge_along_itself(measured: LocalFrozenPhonons) -> None:
    flake = ribbon(90)
    edge = edge_of(flake)
    moved = deviation(measured, flake, 3)
    # The edge is along y now.
    np.testing.assert_allclose(moved[edge].mean(axis=0), AT_EDGE[[1, 0, 2]], rtol=0.08)
    inner = (flake.numbers == 16) & ~edge
    np.testing.assert_allclose(moved[inner].mean(axis=0), INSIDE["S"], rtol=0.08)


def test_measured_vibrations_come_back_from_a_recipe(
    measured: LocalFrozenPhonons,
) -> None:
    values = json.loads(measured.model_dump_json())
    assert values["amplitudes"]["Mo"]["6"] == pytest.approx([0.03] * 3, abs=0.002)
    assert settings(**values).vibrations == measured


def test_the_shell_measures_a_trajectory_for_a_recipe(
    tmp_path: Path, measured: LocalFrozenPhonons
) -> None:
    path = tmp_path / "md.traj"
    ase.io.write(path, trajectory(0, n=80))
    options = ["--bond", "Mo", "S", "2.9", "--edge", "S", "Mo"]
    result = CliRunner().invoke(cli.vibrations, [str(path), *options])
    assert result.exit_code == 0, result.output
    found = settings(**json.loads(result.output)).vibrations
    assert found == measured.model_copy(update={"configurations": 8})
    unbonded = [str(path), "--bond", "W", "S", "3", *options[4:]]
    result = CliRunner().invoke(cli.vibrations, unbonded)
    assert "bonds of S to Mo" in result.output
    path.with_name("notes.txt").write_text("no atoms")
    result = CliRunner().invoke(
        cli.vibrations, [str(path.with_name("notes.txt")), *options]
    )
    assert "ASE cannot read" in result.output


def test_all_deviations_have_one_factor_drawn_for_each_structure(
    measured: LocalFrozenPhonons,
) -> None:
    flake = ribbon()
    louder = measured.model_copy(update={"factor": (2.0, 3.0)})
    factors = [
        deviation(louder, flake, seed) / deviation(measured, flake, seed)
        for seed in (4, 5)
    ]
    for factor in factors:
        assert 1.9 < np.median(factor) < 3.1
        # The numbers drawn are the same, and so are the ratios of all atoms.
        np.testing.assert_allclose(factor, np.median(factor), rtol=1e-6)
    assert abs(np.median(factors[0]) - np.median(factors[1])) > 0.01


@pytest.mark.parametrize(
    ("vibrations", "message"),
    [
        ({"method": "jelly"}, "jelly"),
        ({"method": "smearing"}, "debye_temperatures"),
        ({"method": "smearing", "debye_temperatures": {"S": 0}}, "greater than 0"),
        (
            {"method": "smearing", "debye_temperatures": {"S": 9}, "formula": "mine"},
            "formula",
        ),
        (
            {"method": "frozen phonons", "debye_temperatures": {}, "number": 3},
            "number",
        ),
        ({**MEASURED, "factor": [2, 1]}, "factor"),
        ({**MEASURED, "amplitudes": {"S": {}}}, "amplitudes"),
        ({**MEASURED, "trajectory": "md.traj"}, "trajectory"),
        ({**MEASURED, "edge": {"element": "S", "neighbor": "Mo"}}, "coordination"),
    ],
)
def test_settings_that_cannot_be_used_are_named(vibrations: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        settings(**vibrations)


def test_the_recipe_with_vibrations_has_those_measured_and_is_else_its_sister() -> None:
    text = (TRAINING / "vibrations" / "mos2-300K.json").read_text("utf-8")
    recipe, sister = (
        json.loads((TRAINING / "recipes" / f"{name}.json").read_text("utf-8"))
        for name in ("mos2-exitwave-vibrations", "mos2-exitwave")
    )
    assert json.loads(text).items() <= recipe["waves"]["vibrations"].items()
    settings(**recipe["waves"].pop("vibrations"))
    del sister["waves"]["vibrations"]
    own = {"name", "description", "notes", "size"}
    assert recipe.keys() == sister.keys()
    assert all(recipe[key] == sister[key] for key in recipe.keys() - own)
