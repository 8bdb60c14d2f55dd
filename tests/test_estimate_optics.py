# SPDX-License-Identifier: GPL-3.0-or-later
"""Optics of images by a network whose answers are known: units, signs, frames."""

from __future__ import annotations

import dask.array as da
import numpy as np
import onnx
import pandas as pd
import pytest
from matplotlib.figure import Figure
from onnx import helper
from tiny_networks import card, convolution, model
from weak_object import ENERGY, lens, weak_image

from hyperspy_hrtemnn.bad_frames import BadFrameError
from hyperspy_hrtemnn.networks import (
    OPTICS_ANSWER,
    OPTICS_INPUT,
    PredictedOptics,
    load,
    optics_input,
    predict,
    read_optics,
)
from hyperspy_hrtemnn.plots import plot_optics
from hyperspy_hrtemnn.signals import HRTEM, LazyHRTEM
from hyperspy_hrtemnn.signals._optics.lens_warning import lens_faults

LENS = (-3.0, 0.3, -0.4, 0.5)
ERRORS = (0.2, 0.1, 0.1, 0.05)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Give a network that answers with `LENS` and hardly looks at the spectrum."""
    log_variance = 2 * np.log(ERRORS)
    bias = np.array([*LENS, *log_variance, 1.5], np.float32)
    weights = np.zeros((len(OPTICS_INPUT), len(OPTICS_ANSWER)), np.float32)
    weights[0] = 1e-4
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Gemm", ["mean", "weights", "bias"], ["answer"]),
    ]
    described = card(
        task="image optics", classes=OPTICS_ANSWER, standardization_width=None
    )
    path = tmp_path_factory.mktemp("optics") / "lens.onnx"
    made = model(
        nodes,
        {"weights": weights, "bias": bias},
        inputs=("N", len(OPTICS_INPUT), "y", "x"),
        outputs=("N", len(OPTICS_ANSWER)),
        text=described.model_dump_json(),
    )
    onnx.save(made, path)
    return load(path, "cpu")


def movie(frames: int = 3, *, lazy: bool = False) -> HRTEM:
    data = np.stack([100 * weak_image(lens(300 + 50 * i)) for i in range(frames)])
    signal = LazyHRTEM(da.from_array(data, (1, -1, -1))) if lazy else HRTEM(data)
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.025, "nm"
    time = signal.axes_manager.navigation_axes[0]
    time.scale, time.units, time.name = 0.5, "s", "time"
    signal.metadata.set_item("Acquisition_instrument.TEM.beam_energy", ENERGY)
    return signal


def estimated(signal, network, **options) -> pd.DataFrame:
    with pytest.warns(UserWarning, match="was not trained for this"):
        return signal.estimate_optics(network, show_progressbar=False, **options)


def test_lengths_are_in_the_unit_of_the_signal(network) -> None:
    table = estimated(movie(), network)
    assert table["frame"].tolist() == [0, 1, 2]
    assert table["time"].tolist() == [0, 0.5, 1]
    row = table.iloc[1]
    found = row[
        ["defocus", "astigmatism", "astigmatism_cos", "astigmatism_sin", "blur"]
    ]
    np.testing.assert_allclose(found.astype(float), [-30, 5, 3, -4, 0.05], rtol=1e-3)
    errors = row[["defocus_error", "astigmatism_error", "blur_error"]]
    np.testing.assert_allclose(errors.astype(float), [2, 1, 0.005], rtol=1e-5)
    # Half of that of twice the angle, 1 nm over 5.
    assert row["astigmatism_angle_error"] == pytest.approx(np.rad2deg(0.1), rel=1e-3)
    angle = np.rad2deg(np.arctan2(-4, 3)) / 2 + 180
    assert row["astigmatism_angle"] == pytest.approx(angle, abs=0.01)
    assert row["sign_probability"] == pytest.approx(1 / (1 + np.exp(-1.5)), rel=1e-3)
    units = table.attrs["units"]
    assert (units["defocus"], units["blur_error"], units["time"]) == ("nm", "nm", "s")
    assert units["astigmatism_angle_error"] == "°"


def test_a_known_side_turns_the_astigmatism(network) -> None:
    row = estimated(movie(1), network, side="underfocus").iloc[0]
    assert row["defocus"] == pytest.approx(30, rel=1e-3)
    assert row["astigmatism_cos"] == pytest.approx(-3, rel=1e-3)
    assert row["sign_probability"] == 1
    assert row["blur"] > 0
    row = estimated(movie(1), network, side="overfocus").iloc[0]
    assert row["defocus"] == pytest.approx(-30, rel=1e-3)
    with pytest.raises(ValueError, match="side is 'under'"):
        movie(1).estimate_optics(network, side="under")


def test_lazy_movies_give_the_same(network) -> None:
    pd.testing.assert_frame_equal(
        estimated(movie(lazy=True), network), estimated(movie(), network)
    )


def test_a_blank_frame_is_skipped_and_named(network) -> None:
    signal = movie()
    signal.data[1] = 7
    with pytest.warns(UserWarning, match="not trained|1 of 3|frame 1"):
        table = signal.estimate_optics(network, show_progressbar=False)
    assert table["valid"].tolist() == [True, False, True]
    assert np.isnan(table["defocus"][1])
    assert table.attrs["unknown_frames"] == [1]
    with pytest.warns(UserWarning, match="not trained"), pytest.raises(BadFrameError):
        signal.estimate_optics(network, on_bad_frame="raise", show_progressbar=False)


def test_what_is_missing_is_said(network) -> None:
    signal = movie(1)
    with pytest.raises(ValueError, match="too small"):
        signal.isig[:200, :].estimate_optics(network)
    with pytest.raises(ValueError, match="averaged"):
        signal.estimate_optics(network.averaged())
    del signal.metadata.Acquisition_instrument
    with pytest.raises(ValueError, match="beam energy is not known"):
        signal.estimate_optics(network)
    assert len(estimated(signal, network, energy="200 kV")) == 1
    with pytest.raises(ValueError, match="takes ring spectra, not images"):
        predict(network, np.random.default_rng(0).random((80, 90)), 0.1)


def test_segmenting_warns_of_a_lens_outside_the_card(network, tmp_path) -> None:
    masks = load(convolution(tmp_path / "mask.onnx"), "cpu")  # ±10 nm
    image = movie(3)
    expected = "sees: defocus -30 ± 2 nm \\(trained -10 to 10\\)\\. There"
    with pytest.warns(UserWarning, match=expected):
        image.segment(masks, check_lens=network, lazy_output=True)
    with pytest.warns(UserWarning, match="not trained for this") as told:
        image.segment(masks, lazy_output=True)
    assert not any("lens" in str(w.message) for w in told)


def test_a_lens_within_two_errors_or_of_an_unsure_sign_is_let_pass() -> None:
    ranges = card(ranges={"defocus": (100, 300), "blur": (0, 0.5)})

    def faults(defocus, blur=0.3, sign=1.0):
        values, errors = np.array([defocus, 0, 0, blur]), np.array([20, 1, 1, 0.1])
        return lens_faults(PredictedOptics(values, errors, sign), ranges)

    assert faults(200) == faults(61) == faults(339) == []
    assert len(faults(59)) == len(faults(341)) == len(faults(-200)) == 1
    assert faults(-200, sign=0.7) == []
    assert faults(200, blur=0.69) == []
    assert faults(200, blur=0.71) == ["blur 0.71 ± 0.1 Å (trained 0 to 0.5)"]


def test_the_less_probable_sign_is_turned() -> None:
    answer = np.array([1, 2, 3, 4, 0, 0, 0, 0, -2.0])
    values, errors, sign = read_optics(answer)
    assert values.tolist() == [-100, -200, -300, 4]
    assert errors.tolist() == [100, 100, 100, 1]
    assert sign == pytest.approx(1 / (1 + np.exp(-2)))


def test_the_input_of_the_network_does_not_depend_on_the_gain() -> None:
    rng = np.random.default_rng(0)
    power = rng.uniform(1, 9, (4, 7))
    third = rng.uniform(-1, 1, (4, 7))
    known = np.arange(7) < 5
    angles = np.array([-1.0, -0.3, 0.3, 1.0])
    seen = optics_input(power, third, known, angles)
    assert seen.shape == (len(OPTICS_INPUT), 4, 7)
    np.testing.assert_allclose(
        seen, optics_input(50 * power, third, known, angles), atol=1e-6
    )
    np.testing.assert_allclose(seen[1][:, :5].mean(axis=0), 0, atol=1e-6)
    assert (seen[0][:, 5:] == -3).all()
    assert not seen[1:3][..., 5:].any()
    np.testing.assert_allclose(seen[4][:, 0] ** 2 + seen[5][:, 0] ** 2, 1, rtol=1e-6)


def test_a_plot_shows_the_defocus_against_time_and_unsure_signs_hollow(network) -> None:
    table = estimated(movie(), network)
    axes = plot_optics(table, Figure().subplots())
    assert axes.get_xlabel() == "time (s)"
    assert "(nm)" in axes.get_ylabel()
    line, _, hollow = axes.lines[:3]
    np.testing.assert_allclose(line.get_xdata(), [0, 0.5, 1])
    np.testing.assert_allclose(line.get_ydata(), table["defocus"])
    assert len(hollow.get_xdata()) == 3  # 0.82
    with pytest.raises(ValueError, match="no column 'defocus'"):
        plot_optics(table[["frame"]])
