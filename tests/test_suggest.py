# SPDX-License-Identifier: GPL-3.0-or-later
"""Suggestion of networks: sampling, energy, series and reflections of an image."""

from __future__ import annotations

import re

import hyperspy.api as hs
import numpy as np
import pytest
from click.testing import CliRunner

from hyperspy_hrtemnn import cli
from hyperspy_hrtemnn.analysis import image_spacings
from hyperspy_hrtemnn.data import au_ceo2_movie
from hyperspy_hrtemnn.jobs.suggesting import suggest_networks
from hyperspy_hrtemnn.materials import parts_of
from hyperspy_hrtemnn.signals import HRTEM

GRAPHENE = 2.13  # spacing of {10} [Å]


def waves(spacing, sampling, shape=(260, 300), contrast=0.5, seed=3):
    """Return three waves, 60 degrees apart, in noise; both lengths in Å."""
    y, x = np.indices(shape) * sampling
    image = np.random.default_rng(seed).normal(10, 1, shape)
    for angle in np.radians([7, 67, 127]):
        image += contrast * np.cos(
            2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / spacing
        )
    return image.astype(np.float32)


@pytest.fixture
def saved(tmp_path):
    def save(image, sampling, energy=None, **axis):
        signal = HRTEM(image)
        for each in signal.axes_manager.signal_axes:
            each.scale, each.units = sampling / 10, "nm"
        if energy is not None:
            signal.metadata.set_item("Acquisition_instrument.TEM.beam_energy", energy)
        for name, value in axis.items():
            setattr(signal.axes_manager.navigation_axes[0], name, value)
        # Under a name of its own: the former one may still be open.
        path = tmp_path / f"image_{len(list(tmp_path.iterdir()))}.hspy"
        signal.save(path)
        return path

    return save


def suggested(path, **options):
    seen, found = suggest_networks(path, **{"sampling": None, "energy": None} | options)
    return seen, {one.name: one for one in found}


def test_spacings_of_an_image_are_found_to_a_percent():
    table = image_spacings(waves(GRAPHENE, 0.11), 0.011)
    assert len(table) == 3
    np.testing.assert_allclose(10 * table["spacing"], GRAPHENE, rtol=0.01)
    assert (table["contrast"] > 8).all()
    assert table["relative"].max() == 1


def test_a_small_crystal_in_a_large_image_is_found():
    image = np.random.default_rng(4).normal(10, 1, (900, 1000)).astype(np.float32)
    image[20:180, 30:190] = waves(GRAPHENE, 0.11, (160, 160))
    table = image_spacings(image, 0.011)
    assert len(table) >= 3
    np.testing.assert_allclose(10 * table["spacing"], GRAPHENE, rtol=0.03)


def test_noise_has_no_spacings():
    assert image_spacings(np.random.default_rng(5).normal(size=(400, 430)), 0.02).empty


def test_parts_of_a_material_have_the_spacings_of_their_lattices():
    gold, ceria = parts_of("Au on CeO2", min_spacing=1.9)
    assert list(gold.spacings) == ["{111}", "{200}"]
    assert gold.spacings["{111}"] == pytest.approx(4.08 / np.sqrt(3))
    assert ceria.spacings["{220}"] == pytest.approx(5.47 / np.sqrt(8))
    sheet, support = parts_of("MoS2 on graphene", min_spacing=1.5)
    assert sheet.spacings == pytest.approx({"{10}": 2.7366, "{11}": 1.58}, abs=1e-3)
    assert support.spacings == pytest.approx({"{10}": 2.1304}, abs=1e-3)


def test_a_card_cannot_make_us_open_a_file(tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("data_x")
    monkeypatch.chdir(tmp_path)
    assert parts_of("secret on amorphous carbon", 1.5)[0].spacings == {}


def test_the_example_movie_gets_the_networks_of_gold(saved, tmp_path):
    au_ceo2_movie().inav[:3].save(tmp_path / "m.hspy")
    seen, found = suggested(tmp_path / "m.hspy")
    assert seen.energy == 300
    assert seen.sampling == pytest.approx(0.2)
    assert {name for name, one in found.items() if one.fits} == {
        "au-ceo2-mask",
        "au-columns",
        "au-zone-axis",
        "metal-mask",
    }
    assert "reflections of Au {111}" in found["au-ceo2-mask"].reason
    assert "CeO2 {111}" in found["au-ceo2-mask"].reason
    against = found["mos2-columns"].reason
    assert "the beam energy is 300 keV, trained was 50 keV" in against
    assert "it takes focal series of 3 images, 5 nm apart" in against
    assert found["nanoparticle-membrane-mask"].reason == (
        "the sampling is 0.2 Å/pixel, trained was 0.25 to 0.65 Å/pixel"
    )


def test_reflections_of_another_material_speak_against_a_network(saved):
    _, found = suggested(saved(waves(GRAPHENE, 0.11), 0.11))
    # A sheet may have particles of a metal on it.
    fitting = {name for name, one in found.items() if one.fits}
    assert fitting == {"graphene-atoms", "metal-mask"}
    reason = found["graphene-atoms"].reason
    assert "reflections of graphene {10}" in reason
    assert "if the beam energy is that, which the file does not say" in reason
    against = found["au-ceo2-mask"].reason
    assert re.fullmatch(r"2\.1[234] Å is no spacing of Au or CeO2", against)


def test_weak_reflections_alone_speak_against_nothing(saved):
    image = waves(3.6, 0.5, contrast=0.05)
    seen, found = suggested(saved(image, 0.5, 300))
    assert seen.spacings
    assert max(seen.contrasts) < 8
    fitting = found["nanoparticle-membrane-mask"]
    assert fitting.fits
    assert "only weak reflections" in fitting.reason


def test_without_reflections_the_material_is_open(saved):
    image = np.random.default_rng(6).normal(10, 1, (260, 300)).astype(np.float32)
    _, found = suggested(saved(image, 0.11, 80))
    assert found["graphene-atoms"].fits
    assert "the material is open" in found["graphene-atoms"].reason


def test_a_focal_series_gets_the_networks_of_series(saved):
    series = np.stack([waves(2.737, 0.105, seed=seed) for seed in range(3)])
    axis = {"name": "defocus", "units": "nm", "scale": 5, "offset": -10}
    _, found = suggested(saved(series, 0.105, 50, **axis))
    assert found["mos2-columns"].fits
    assert "reflections of MoS2 {10}" in found["mos2-columns"].reason
    _, found = suggested(saved(series[:2], 0.105, 50, **axis))
    assert found["mos2-columns"].reason.endswith("and there are 2")


def test_what_is_given_takes_the_place_of_what_the_file_says(saved):
    path = saved(waves(GRAPHENE, 0.11), 1, 300)
    seen, found = suggested(path, sampling="0.11 angstrom", energy="80 kV")
    assert (seen.sampling, seen.energy) == (pytest.approx(0.11), 80)
    assert found["graphene-atoms"].fits


def test_a_frame_that_cannot_be_used_is_passed_over(saved):
    movie = np.stack([waves(GRAPHENE, 0.11)] * 3)
    movie[1] = 7
    seen, _ = suggested(saved(movie, 0.11))
    assert seen.spacings[0] == pytest.approx(GRAPHENE, rel=0.01)
    with pytest.raises(ValueError, match=r"constant|contrast"):
        suggested(saved(np.full((2, 60, 70), 3.0, np.float32), 0.11))


def test_the_command_has_a_line_for_each_network(saved):
    path = saved(waves(GRAPHENE, 0.11), 0.11, 80)
    result = CliRunner().invoke(cli.main, ["suggest", str(path)])
    assert result.exit_code == 0, result.output
    head, *lines = result.output.splitlines()
    assert head.startswith(f"{path}: 0.11 Å/pixel, 80 keV, reflections at 2.1")
    assert lines[0].startswith("yes  graphene-atoms")
    assert lines[1].startswith("yes  metal-mask")
    assert {line[:5] for line in lines[2:]} == {"no   "}
    bare = hs.signals.Signal2D(waves(GRAPHENE, 0.11))
    uncalibrated = path.with_name("bare.hspy")
    bare.save(uncalibrated)
    told = CliRunner().invoke(cli.main, ["suggest", str(uncalibrated)]).output
    assert "is not calibrated" in told
    assert "--sampling" in told
