# SPDX-License-Identifier: GPL-3.0-or-later
"""Dose, MTF and readout noise of movies, and the parameters files they end in."""

from __future__ import annotations

import json
from functools import partial

import dask.array as da
import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest
from click.testing import CliRunner
from own_warnings import of_ours
from pandas.testing import assert_frame_equal

from hyperspy_hrtemnn import cli
from hyperspy_hrtemnn.analysis import Detector, detect_electrons
from hyperspy_hrtemnn.jobs.detector import measure_file
from hyperspy_hrtemnn.signals import HRTEM
from hyperspy_hrtemnn.signals._detector.vacuum import vacuum

DOSES = np.array([10.0, 60.0, 300.0, 1300.0])
GAIN, DARK, N0 = 38.0, 100.0, 0.01
SAMPLING = 0.08
ROI = hs.roi.RectangularROI(0.4, 0.16, 2.64, 2.08)


def _calibrate(signal):
    for axis, name in zip(signal.axes_manager.signal_axes, "xy", strict=True):
        axis.scale, axis.units, axis.name = SAMPLING / 10, "nm", name
    return signal


@pytest.fixture(scope="module")
def counts():
    """A movie of rising dose: vacuum with a specimen in a corner, in counts."""
    frames = []
    for seed, dose in enumerate(DOSES):
        image = np.ones((288, 352), np.float32)
        image[:20, :50] = 0.4
        camera = Detector(SAMPLING, dose, 0.25, 2.5, readout=N0)
        frames.append(detect_electrons(image, camera, np.random.default_rng(seed)) - N0)
    return np.float32(GAIN) * np.stack(frames) + np.float32(DARK)


@pytest.fixture
def movie(counts):
    signal = _calibrate(HRTEM(counts.copy()))
    time = signal.axes_manager.navigation_axes[0]
    time.name, time.units, time.scale = "time", "ms", 250
    return signal


@pytest.fixture(scope="module")
def camera(counts):
    lazy = _calibrate(HRTEM(da.from_array(counts, chunks=(3, 100, 100))).as_lazy())
    return lazy.fit_mtf(ROI, dose=DOSES, offset=DARK, show_progressbar=False)


def _in_electrons(signal, where, factor=1 / GAIN):
    signal.metadata.set_item("Signal.quantity", "Electrons (Counts)")
    signal.metadata.set_item(f"Signal.Noise_properties.{where}", factor)


def test_dose(movie):
    table = movie.estimate_dose(ROI, counts_per_electron=GAIN, offset=DARK)
    assert list(table) == [
        "frame", "time", "counts", "electrons", "dose", "dose_rate", "valid",
    ]  # fmt: skip
    np.testing.assert_allclose(table["dose"], DOSES, rtol=0.03)
    np.testing.assert_allclose(table["electrons"], DOSES * SAMPLING**2, rtol=0.03)
    np.testing.assert_allclose(table["dose_rate"], table["dose"] / 0.25)
    assert table["time"].tolist() == [0, 250, 500, 750]
    assert table.attrs["units"]["dose"] == "e-/Å²"
    about = table.attrs["detector"]
    assert (about["gain from"], about["exposure"]) == ("given", 0.25)
    np.testing.assert_allclose(
        about["region"], (ROI.left, ROI.top, ROI.right, ROI.bottom)
    )


@pytest.mark.parametrize("where", ["Variance_linear_model.gain_factor", "gain_factor"])
@pytest.mark.parametrize("item", ["Camera.exposure", "Detector.Camera.exposure"])
def test_gain_and_exposure_of_the_metadata(movie, where, item):
    _in_electrons(movie, where)
    origin = "Signal.Noise_properties.Variance_linear_model.gain_offset"
    movie.metadata.set_item(origin, DARK)
    movie.metadata.set_item(f"Acquisition_instrument.TEM.{item}", 0.2)
    table = movie.estimate_dose(ROI)
    np.testing.assert_allclose(table["dose"], DOSES, rtol=0.03)
    np.testing.assert_allclose(table["dose_rate"], table["dose"] / 0.2)
    about = table.attrs["detector"]
    assert about["gain from"] == "metadata"
    assert about["counts_per_electron"] == pytest.approx(GAIN)


def test_one_image_of_unknown_exposure(movie):
    table = movie.inav[2].estimate_dose(ROI, counts_per_electron=GAIN, offset=DARK)
    assert list(table) == ["frame", "counts", "electrons", "dose", "valid"]
    assert table["dose"][0] == pytest.approx(300, rel=0.03)


def test_a_gain_that_counts_no_electrons_is_not_taken(movie):
    _in_electrons(movie, "Variance_linear_model.gain_factor", 1.0)
    movie.metadata.Signal.quantity = "Intensity (Counts)"
    for method in (movie.estimate_dose, movie.fit_mtf):
        with pytest.raises(
            ValueError, match=r"gain factor 1 .*Counts.*counts_per_electron"
        ):
            method(ROI)


def test_the_region_is_found(movie):
    region = movie.estimate_dose(counts_per_electron=GAIN).attrs["detector"]["region"]
    left, top, right, bottom = region
    assert right - left == pytest.approx(bottom - top)
    assert right - left > 160 * 0.008
    assert left > 0.35 or top > 0.12  # beside the specimen


def test_the_camera_comes_back(camera):
    table = camera.table
    assert np.all(np.abs(table["c0"] - 0.25) < 3.5 * table["c0_error"])
    assert np.all(np.abs(table["c3"] - 2.5) < 3.5 * table["c3_error"])
    assert np.all(table["c0_error"] < 0.05)
    assert abs(camera.readout.N0 - N0) < 3.5 * camera.readout.N0_error
    assert camera.readout.N0_error < 0.1 * N0
    np.testing.assert_allclose(table["dose"], DOSES)
    np.testing.assert_allclose(table["counts_per_electron"], GAIN, rtol=0.25)
    assert table.attrs["detector"]["floor"] == "quadrature"


def test_lazy_is_the_same(movie, camera):
    eager = movie.fit_mtf(ROI, dose=DOSES, offset=DARK)
    np.testing.assert_allclose(eager.table["c0"], camera.table["c0"])
    assert eager.readout == camera.readout


def test_the_gain_from_the_noise(movie):
    fit = movie.fit_mtf(ROI, counts_per_electron="noise", offset=DARK)
    np.testing.assert_allclose(fit.table["dose"], DOSES, rtol=0.15)
    assert fit.table.attrs["detector"]["gain from"] == "noise"
    assert pytest.approx(N0, rel=0.25) == fit.readout.N0


def test_one_hot_pixel_does_not_change_the_camera(movie, camera):
    movie.data[1:3, 100, 90] += 3000
    fit = movie.fit_mtf(ROI, dose=DOSES, offset=DARK)
    assert fit.table["hot_pixels"].tolist() == [0, 1, 1, 0]
    assert fit.table.attrs["units"]["hot_pixels"] == "pixels"
    assert pytest.approx(camera.readout.N0, rel=0.02) == fit.readout.N0


def test_parameters(camera, tmp_path):
    parameters = camera.to_parameters()
    assert set(parameters) == {"mtf", "mtf_c1", "mtf_c2", "mtf_c3", "readout"}
    good = camera.table[camera.table["R2"] >= 0.98]
    assert parameters["mtf_c1"] == pytest.approx(
        [good["c0"].min(), good["c0"].max()], rel=0.01
    )
    np.testing.assert_allclose(
        parameters["readout"], camera.readout.N0 * np.array([0.5, 1.5]), rtol=0.01
    )
    camera.save(tmp_path / "camera.json")
    assert json.loads((tmp_path / "camera.json").read_text()) == parameters


def test_a_forgotten_offset_is_told(movie, tmp_path):
    fit = movie.fit_mtf(ROI, counts_per_electron=GAIN)
    with pytest.warns(UserWarning, match=r"readout noise is .*offset"):
        fit.save(tmp_path / "camera.json", min_R2=0.9)
    low, high = json.loads((tmp_path / "camera.json").read_text())["readout"]
    N0, error = fit.readout.N0, fit.readout.N0_error
    assert 0 <= low <= max(N0 - error, 0) + 1e-3
    assert high >= 0.99 * (N0 + error)


def test_plain_vacuum_is_saved_without_options(tmp_path):
    frames = [
        detect_electrons(
            np.ones((512, 512), np.float32),
            Detector(SAMPLING, dose, 0.25, 2.5, readout=N0),
            np.random.default_rng(seed),
        )
        - N0
        for seed, dose in enumerate((20, 300))
    ]
    movie = _calibrate(HRTEM(GAIN * np.stack(frames)))
    fit = movie.fit_mtf(counts_per_electron=GAIN)
    fit.save(tmp_path / "camera.json")
    c0 = json.loads((tmp_path / "camera.json").read_text())["mtf_c1"]
    assert 0.22 < c0[0] <= c0[1] < 0.28


def test_chunks_of_many_frames_are_read_once():
    reads = []

    class Disk:
        shape, dtype, ndim = (24, 192, 256), np.dtype(np.uint16), 3

        def __getitem__(self, place):
            reads.append(place)
            size = [part.stop - part.start for part in place]
            return np.random.default_rng(1).poisson(50, size).astype(self.dtype)

    stored = da.from_array(
        Disk(), chunks=(12, 64, 64), meta=np.empty((0,) * 3, "u2"), name="disk"
    )
    found = vacuum(HRTEM(stored).as_lazy())
    assert len(reads) == 2 * 3 * 4
    assert found.signal.data.shape[0] == 24


def test_parameters_go_into_a_file_that_exists(camera, tmp_path):
    recipe = tmp_path / "recipe.json"
    recipe.write_text('{"name": "Å", "images": {"mtf_c1": [0, 1], "blur": [0.1, 2]}}')
    camera.save(recipe)
    text = recipe.read_text(encoding="utf-8")
    assert json.loads(text) == {
        "name": "Å",
        "images": {"blur": [0.1, 2]} | camera.to_parameters(),
    }
    assert '"blur": [0.1, 2]' in text


@pytest.mark.parametrize("text", ["{", "[1]", '{"images": 3}'])
def test_a_file_that_is_none_stays_what_it_was(camera, tmp_path, text):
    path = tmp_path / "parameters.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"parameters\.json exists and is no"):
        camera.save(path)
    assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]


def test_no_frame_is_good_enough(camera):
    with pytest.raises(ValueError, match=r"R2 of 0\.99999; the best"):
        camera.to_parameters(0.99999)


def test_plots(camera):
    figure = camera.plot_parameters()
    assert [ax.get_ylabel()[:5] for ax in figure.axes] == ["$c_0$", "$c_3$", "$C$"]
    dots = figure.axes[0].lines[-1].get_xydata()
    good = camera.table[camera.table["R2"] >= 0.98]
    np.testing.assert_allclose(dots, good[["dose", "c0"]])
    ax = camera.plot_readout()
    assert f"{camera.readout.N0:.3g}" in ax.get_legend().get_texts()[0].get_text()
    above, below = camera.plot_spectrum(3).axes
    np.testing.assert_allclose(
        above.lines[0].get_ydata(), camera.fits[3].c1 * below.lines[0].get_ydata()
    )
    with pytest.raises(IndexError, match="no frame 4; there are 4"):
        camera.plot_spectrum(4)
    plt.close("all")


@pytest.mark.parametrize(
    ("roi", "said"),
    [
        (hs.roi.RectangularROI(0, 0, 5, 1), r"from 0 to 5 along x.*to 2\.812"),
        (hs.roi.RectangularROI(0.1, 0.1, 0.2, 2), "pixels; a noise spectrum"),
        (hs.roi.SpanROI(0.1, 0.5), "RectangularROI"),
        # In which order?
        ((0.4, 0.16, 2.64, 2.08), "RectangularROI"),
        (3, "RectangularROI"),
    ],
)
def test_regions_that_cannot_be(movie, roi, said):
    with pytest.raises(ValueError, match=said):
        movie.fit_mtf(roi, dose=DOSES)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dose": [1, 2]}, "dose has 2 numbers; there are 4 frames"),
        ({"dose": 0}, "dose is 0; it must be positive"),
        ({"counts_per_electron": -1}, "counts_per_electron is -1"),
        ({"counts_per_electron": "much"}, "'much'; give a number or 'noise'"),
        ({"dose": 30, "counts_per_electron": GAIN}, "Both dose and counts_per"),
        ({"dose": 30, "offset": np.nan}, "offset is nan"),
        ({"dose": 30, "exposure": 0}, "exposure is 0 s"),
        ({"dose": 30, "offset": 150}, r"Frame 0 has 10\d.* offset is 150"),
        ({"dose": 30, "floor": "soft"}, "'soft'"),
    ],
)
def test_options_that_cannot_be(movie, options, said):
    with pytest.raises(ValueError, match=said):
        movie.fit_mtf(ROI, **options)


@pytest.mark.parametrize(
    ("value", "said"), [(np.nan, "NaN"), (0, "constant"), (120, "saturated")]
)
def test_frames_that_cannot_be(movie, value, said):
    if said == "saturated":
        movie.data[2] = np.minimum(movie.data[2], movie.data[2].mean() * 1.05)
    else:
        movie.data[2] = value
    for method in (partial(movie.estimate_dose, on_bad_frame="raise"), movie.fit_mtf):
        with pytest.raises(ValueError, match=f"Frame 2: .*{said}"):
            method(ROI, counts_per_electron=GAIN)


def test_the_dose_of_frames_that_cannot_be_used_is_not_known(movie):
    expected = movie.estimate_dose(ROI, counts_per_electron=GAIN)
    assert expected["valid"].all()
    movie.data[1] = np.nan
    movie.data[2] -= 100000
    said = r"2 of 4 frames .* 1 \(no data\), 2 \(no brighter than without beam\)"
    with pytest.warns(UserWarning, match=said):
        table = movie.estimate_dose(ROI, counts_per_electron=GAIN)
    assert table["valid"].tolist() == [True, False, False, True]
    assert table.attrs["unknown_frames"] == [1, 2]
    assert (
        table.loc[~table["valid"], ["counts", "electrons", "dose"]]
        .isna()
        .all(axis=None)
    )
    assert_frame_equal(table[table["valid"]], expected[table["valid"]])


def test_the_gain_of_a_dose_is_a_number(movie):
    with pytest.raises(ValueError, match="'noise', and has to be a number"):
        movie.estimate_dose(ROI, counts_per_electron="noise")


@pytest.mark.parametrize(
    ("where", "quantity", "factor", "known"),
    [
        # MRCZ says no quantity, Direct Electron's reader 1 where the file is silent.
        ("Variance_linear_model.gain_factor", None, 1 / GAIN, True),
        ("Variance_linear_model.gain_factor", None, 1, False),
        ("Variance_linear_model.gain_factor", "Intensity (e)", 1 / GAIN, True),
        ("Variance_linear_model.gain_factor", "Intensity (counts)", 1 / GAIN, False),
        ("gain_factor", "Electrons", 1, False),
    ],
)
def test_what_a_gain_of_the_metadata_means(movie, where, quantity, factor, known):
    movie.metadata.set_item(f"Signal.Noise_properties.{where}", factor)
    if quantity:
        movie.metadata.set_item("Signal.quantity", quantity)
    if known:
        dose = movie.estimate_dose(ROI, offset=DARK)["dose"]
        np.testing.assert_allclose(dose, DOSES, rtol=0.03)
    else:
        with pytest.raises(ValueError, match="counts an electron makes is not known"):
            movie.estimate_dose(ROI, offset=DARK)


def test_an_exposure_that_is_not_the_time_of_a_frame(movie):
    exposure = "Acquisition_instrument.TEM.Camera.exposure"
    options = {"counts_per_electron": GAIN, "offset": DARK}
    movie.metadata.set_item(exposure, 0.1)
    with pytest.warns(UserWarning, match="give exposure=0.25") as caught:
        table = movie.estimate_dose(ROI, **options)
    assert of_ours(caught)[0].filename == __file__
    np.testing.assert_allclose(table["dose_rate"], table["dose"] / 0.1)
    movie.metadata.set_item(exposure, "0.1 s")
    with pytest.raises(ValueError, match=r"'0\.1 s', not a number of seconds"):
        movie.estimate_dose(ROI, **options)
    table = movie.estimate_dose(ROI, **options, exposure=1)
    np.testing.assert_allclose(table["dose_rate"], table["dose"])


def test_a_signal_without_calibration(counts):
    with pytest.raises(ValueError, match="not calibrated"):
        HRTEM(counts).estimate_dose(counts_per_electron=1)


def test_command(movie, tmp_path):
    movie.save(tmp_path / "movie.hspy")
    out, picture = tmp_path / "camera.json", tmp_path / "camera.png"
    arguments = [tmp_path / "movie.hspy", "--out", out, "--picture", picture]
    arguments += ["--roi", 0.4, 0.16, 2.64, 2.08, "--offset", DARK]
    arguments += ["--counts-per-electron"]
    run = CliRunner()
    result = run.invoke(cli.detector, [*map(str, arguments), "noise"])
    assert result.exit_code == 0, result.output
    assert "N0: 0.0" in result.output
    assert "--roi 0.4 0.16 2.64 2.08" in result.output
    assert json.loads(out.read_text())["mtf"] == "parametric"
    assert plt.imread(picture).std() > 0
    result = run.invoke(cli.detector, [*map(str, arguments), "many"])
    assert result.exit_code == 2
    assert "'many'" in result.output
    result = run.invoke(
        cli.detector,
        [
            *map(str, arguments[:-1]),
            *("--dose", "30", "--exposure", "0.5"),
            *("--floor", "linear", "--min-r2", "0.2"),
        ],
    )
    assert result.exit_code == 0, result.output
    assert "dose: 30 to 30" in result.output
    rising = [part for dose in DOSES for part in ("--dose", str(dose))]
    result = run.invoke(cli.detector, [*map(str, arguments[:-1]), *rising])
    assert f"dose: {DOSES[0]:.3g} to {DOSES[-1]:.3g}" in result.output
    with pytest.raises(ValueError, match="There is no folder"):
        measure_file(tmp_path / "movie.hspy", tmp_path / "none" / "camera.json")
    # All before a movie is even opened.
    (tmp_path / "list.json").write_text("[1, 2]")
    with pytest.raises(ValueError, match="is not a parameters file or recipe"):
        measure_file(tmp_path / "no_movie.hspy", tmp_path / "list.json")
    with pytest.raises(ValueError, match=r"fits\.docx; .* one of .*\.png"):
        measure_file(
            tmp_path / "no_movie.hspy",
            tmp_path / "camera.json",
            picture=tmp_path / "fits.docx",
        )
