# SPDX-License-Identifier: GPL-3.0-or-later
"""The code of the README and of pages of the documentation, as one types it.

Files that only their readers have are replaced: movies by the one of the package, focal
series by images of a small flake.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import hyperspy.api as hs
import known_atoms
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tifffile
from known_waves import ENERGY, SAMPLING, flake
from PIL import Image

from hyperspy_hrtemnn.analysis import Detector, detect_electrons
from hyperspy_hrtemnn.data import au_ceo2_movie, au_ceo2_movie_truth

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(path):
    """Return the blocks of Python of a page."""
    return BLOCK.findall(path.read_text(encoding="utf-8"))


def focal_series(defocus=("0 nm", "5 nm", "10 nm"), **lenses):
    """Images of a flake of MoS2, of the pixels and the energy of its networks."""
    wave = hs.signals.ComplexSignal2D(np.pad(flake()[0], 8, constant_values=1))
    wave.set_signal_type("exit_wave")
    for name, axis in zip("xy", wave.axes_manager.signal_axes, strict=True):
        axis.name, axis.scale, axis.units = name, SAMPLING / 10, "nm"
    return wave, wave.simulate_images(defocus, energy=ENERGY, dose=2e4, **lenses)


def vacuum_movie():
    """Four frames of vacuum of rising dose, 10 nm wide, 38 counts an electron."""
    frames = [
        38
        * detect_electrons(np.ones((300, 300)), Detector(0.333, dose, 0.25, 2.5), rng)
        for dose, rng in zip(
            (9, 40, 150, 600), np.random.default_rng(3).spawn(4), strict=True
        )
    ]
    movie = hs.signals.Signal2D(np.float32(frames))
    movie.set_signal_type("HRTEM")
    for axis in movie.axes_manager.signal_axes:
        axis.scale, axis.units = 0.0333, "nm"
    return movie


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Return a function that runs all blocks of a page, one after the other."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hs.preferences.General, "show_progressbar", False)
    load = hs.load

    def load_or_stand_in(name, **options):
        if Path(name).exists():  # what the page wrote itself
            return load(name, **options)
        if options.get("stack"):
            return focal_series()[1]
        if name == "rising_dose.dm4":
            return vacuum_movie()
        movie = au_ceo2_movie(lazy=options.get("lazy", False))
        return movie.inav[0] if name == "graphene.dm4" else movie.inav[:2]

    monkeypatch.setattr(hs, "load", load_or_stand_in)

    def run_page(name, **names):
        for block in blocks(DOCS / name):
            exec(compile(block, name, "exec"), names)  # noqa: S102
        return names

    yield run_page
    plt.close("all")


@pytest.fixture(scope="module")
def tour(tmp_path_factory):
    """Return what the README's code leaves, on the whole movie of the package."""
    movie = au_ceo2_movie()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("tour"))
        patch.setattr(hs.preferences.General, "show_progressbar", False)
        patch.setattr(hs, "load", lambda *_, **__: movie.as_lazy())
        names = {}
        for block in blocks(ROOT / "README.md"):
            exec(compile(block, "README.md", "exec"), names)  # noqa: S102
    yield names
    plt.close("all")


def test_the_tour_of_the_readme(tour):
    assert tour["segmentation"]._lazy
    assert tour["fft"].metadata.HRTEMNN.ids == [3]
    assert len(tour["peaks"]) > 0
    assert {"{111}", "{200}"} <= set(tour["peaks"]["family"])


def test_the_tour_finds_every_particle_in_every_frame(tour):
    table = tour["table"]
    assert len(table) == 60
    assert table["id"].nunique() == 3


def test_the_readme_has_one_tour():
    assert len(blocks(ROOT / "README.md")) == 1


def test_the_page_on_other_programs(run):
    mask = np.zeros((140, 150))
    mask[10:50, 10:100] = mask[80:130, 20:120] = 1
    spectrum_image = hs.signals.Signal1D(np.ones((140, 150, 7)))
    for axis in spectrum_image.axes_manager.navigation_axes:
        axis.scale, axis.units = 0.012, "nm"
    names = run(
        "other_programs.md",
        image=au_ceo2_movie().inav[0],
        my_mask=mask,
        my_labels=(5 * mask).astype(int),
        spectrum_image=spectrum_image,
    )
    assert names["image"].axes_manager[0].scale == 0.012
    area = names["labels"].properties()["area"].tolist()
    assert area == pytest.approx([(40 * 90 + 50 * 100) * 0.012**2])
    assert names["spectra"].data.tolist() == [[40 * 90] * 7, [50 * 100] * 7]


def test_the_page_for_people_from_dragonfly(run, tmp_path):
    truth, gray = au_ceo2_movie_truth().data[:4], {"photometric": "minisblack"}
    tifffile.imwrite(tmp_path / "movie.tif", au_ceo2_movie().data[:4], **gray)
    tifffile.imwrite(tmp_path / "labels.tif", truth, **gray)
    names = run("from_dragonfly.md")
    assert names["movie"].axes_manager["time"].scale == 0.5
    area = (truth == 2).sum(axis=(1, 2)) * 0.02**2
    table = names["table"]
    assert table["area"][table["id"] == 2].to_numpy() == pytest.approx(area)
    assert names["particles"].ids() == [1, 2, 3]
    assert tifffile.imread(tmp_path / "particles.tif").shape == truth.shape


def test_the_page_on_particles(run):
    names = run("particles.md")
    ids = sorted(names["properties"]["id"].unique())
    assert len(ids) > 1
    assert set(names["peaks"]["id"]) == {names["largest"]}
    assert len(set(names["all_peaks"]["id"])) > 1
    assert names["particles"]._lazy
    assert names["particles"].ids() == ids


def test_the_page_on_pictures_and_movies(run, tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    names = run("pictures_and_movies.md")
    assert names["particles"]._lazy
    for name in ("particles.gif", "ids.gif"):
        with Image.open(tmp_path / name) as file:
            assert file.n_frames == 2
    assert len(names["peaks"]) > 0


def test_the_page_on_sliders(run, tmp_path):
    pytest.importorskip("hyperspy_gui_ipywidgets")
    names = run("notebook_tools.md")
    assert names["segmentation"]._lazy
    assert names["particles"].ids() == [1, 2, 3]
    assert names["tool"].size == 6
    assert (tmp_path / "preview.png").exists()


def test_the_page_on_corrections(run, monkeypatch):
    pytest.importorskip("roifile")

    class Viewer:
        """In place of napari's, in which the reader paints."""

        def __init__(self):
            self.layers = {}

        def __getattr__(self, kind):
            assert kind in {"add_image", "add_labels", "add_tracks"}
            return self.add

        def add(self, data, **options):
            self.layers[options["name"]] = SimpleNamespace(data=data)

    def paint():
        viewers[0].layers["particles"].data[0, 400:410, 30:50] = 20

    viewers = []
    napari = SimpleNamespace(
        Viewer=lambda: viewers.append(Viewer()) or viewers[0], run=paint
    )
    monkeypatch.setitem(sys.modules, "napari", napari)
    names = run("correct_by_hand.md")
    assert names["table"].groupby("id")["frame"].nunique().to_dict() == {
        1: 20, 2: 20, 3: 20,
    }  # fmt: skip
    assert names["particles"]._lazy
    assert names["particles"].edits()[:3] == [
        "relabel({4: 1})",
        "split(2, 1, frames=[12, 13, 14, 15, 16, 17, 19])",
        "from_labels(labels)",
    ]
    corrected = names["hs"].load("corrected.hspy")
    assert corrected.ids() == [1, 2, 3, 8, 20]
    np.testing.assert_array_equal(corrected.data[5:], names["first"].data[5:])


def test_the_page_on_long_movies(run, tmp_path):
    # A camera of three frames a second, the second of which is missing.
    for frame, second, number in ((0, 0, 0), (1, 0, 2), (2, 1, 0)):
        parts = "Hour_00", "Minute_00", f"Second_{second:02d}"
        inside = tmp_path.joinpath("heating_03", *parts)
        inside.mkdir(parents=True, exist_ok=True)
        name = f"heating_03_{'_'.join(parts)}_Frame_{number:04d}.hspy"
        au_ceo2_movie().inav[frame].save(inside / name)
    with pytest.warns(UserWarning, match="1 frames are missing: 1 after heating_03"):
        names = run("long_movies.md")
    assert names["movie"].metadata.HRTEMNN.In_situ.frames_per_second == 3
    times = names["properties"]["time"].unique()
    assert times.tolist() == pytest.approx([0, 2 / 3, 1])
    assert len(names["reflections"]) > 0
    assert names["fft"].metadata.HRTEMNN.ids == [1, 2, 3]


def test_the_page_on_the_zone_axis(run):
    names = run("au-zone-axis.md")
    assert set(names["table"]["id"]) == set(names["particles"].ids())
    assert names["table"]["probability"].between(0, 1).all()


@pytest.mark.parametrize("name", ["detector.md", "devices.md", "au-columns.md"])
def test_pages_that_need_a_movie(run, name):
    assert run(name)


@pytest.mark.filterwarnings("ignore:.*graphene-atoms was trained")
def test_the_page_on_graphene(run):
    assert "atoms" in run("graphene-atoms.md")


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("mos2-columns.md", "columns"),
        ("mos2-exitwave.md", "wave"),
        ("mos2-graphene-exitwave.md", "wave"),
    ],
)
def test_pages_that_need_a_focal_series(run, name, result):
    assert result in run(name, series=focal_series()[1])


def test_the_page_on_atoms(run, tmp_path):
    flake = known_atoms.flake()
    wave = hs.signals.ComplexSignal2D(known_atoms.wave_of(flake))
    wave.set_signal_type("exit_wave")
    for axis in wave.axes_manager.signal_axes:
        axis.scale, axis.units = known_atoms.SAMPLING / 10, "nm"
    defocus = ["-2 nm", "3 nm", "8 nm"]
    options = {"energy": known_atoms.ENERGY, "mtf": (0.4, 3), "dose": 2e4}
    lenses = {"focal_spread": "1 nm", "blur": "10 pm"}
    series = wave.simulate_images(defocus, **options, **lenses)
    keys = {"mtf": "parametric", "mtf_c1": [0.4, 0.4], "mtf_c3": [3, 3]}
    camera = json.dumps(keys | {"readout": [0, 1e-4]})
    (tmp_path / "camera.json").write_text(camera)
    names = run("atoms.md", series=series)
    model = names["model"]
    assert len(model.columns) == len(flake)
    assert "probability_1W" in model.columns
    assert model.chi2 == pytest.approx(1, abs=0.05)
    assert names["wave"].data.shape == known_atoms.SHAPE
    assert (tmp_path / "flake" / "columns.csv").exists()


def test_the_page_on_exit_waves(run):
    lenses = {"Cs": "4 um", "focal_spread": "1.2 nm", "blur": "8 pm", "mtf": (0.4, 3)}
    truth, series = focal_series(**lenses)
    steps = [f"{5 * step} nm" for step in range(-2, 3)]
    longer = focal_series(steps, **lenses)[1]
    names = run("exit_waves.md", series=series, longer_series=longer, truth=truth)
    assert names["again"].data.shape == series.data.shape
    fitted = names["lenses"]
    np.testing.assert_allclose(fitted.defocus.value, [0, 50, 100], atol=5)
    assert fitted.unexplained < 0.05
