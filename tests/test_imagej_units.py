# SPDX-License-Identifier: GPL-3.0-or-later
"""The calibration of TIFFs of ImageJ, tifffile and our own, which readers lose."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest
import tifffile
from click.testing import CliRunner

from hyperspy_hrtemnn import cli
from hyperspy_hrtemnn.io.imagej import calibration

FRAMES, Y, X = 3, 32, 44


def labels():
    data = np.zeros((FRAMES, Y, X), np.uint16)
    data[:, 5:15, 6:26] = 3
    return data


def write(path, data, imagej=True, **said):
    tifffile.imwrite(
        path,
        data,
        imagej=imagej,
        photometric="minisblack",
        resolution=(40, 40),
        resolutionunit="none",
        metadata={"axes": "TYX" if data.ndim == 3 else "YX", **said},
    )


@pytest.fixture(params=[False, True], ids=["in memory", "lazy"])
def load(request):
    def load(path, signal_type="HRTEM_instances", **options):
        signal = hs.load(path, lazy=request.param, **options)
        signal.set_signal_type(signal_type)
        return signal

    return load


@pytest.mark.parametrize(
    ("unit", "column"),
    [
        ("nm", "nm"), ("angstrom", "angstrom"), ("\\u00C5", "Å"), ("micron", "µm"),
        ("\\u00B5m", "µm"), ("um", "um"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("imagej", [True, False], ids=["ImageJ", "tifffile"])
def test_the_unit_of_a_tiff_is_that_of_the_table(tmp_path, load, unit, column, imagej):
    write(tmp_path / "a.tif", labels(), imagej, unit=unit, finterval=0.5, tunit="sec")
    if not imagej and unit == "micron":
        column = unit
    table = load(tmp_path / "a.tif").properties()
    assert table.attrs["units"]["x"] == column
    np.testing.assert_allclose(table["area"], 200 / 40**2)
    np.testing.assert_allclose(table["x"], 15.5 / 40)
    assert table["time"].tolist() == [0, 0.5, 1]
    assert table.attrs["units"]["time"] == "sec"


@pytest.mark.parametrize("largest", [500, 100000])
@pytest.mark.parametrize("unit", ["s", "µs", "\u03bcs"])
def test_our_own_tiff_comes_back(tmp_path, load, largest, unit):
    data = labels().astype(np.int32)
    data[2, 20:28, 6:16] = largest
    signal = hs.signals.Signal2D(data)
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.31, "Å"
    time = signal.axes_manager.navigation_axes[0]
    time.name, time.scale, time.units = "time", 0.2, unit
    signal.set_signal_type("HRTEM_instances")
    signal.to_tiff(tmp_path / "a.tif")
    known, table = signal.properties(), load(tmp_path / "a.tif").properties()
    assert table["id"].tolist() == known["id"].tolist()
    np.testing.assert_allclose(100 * table["area"], known["area"])
    np.testing.assert_allclose(10 * table["x"], known["x"])
    np.testing.assert_allclose(table["time"], known["time"])
    assert table.attrs["units"]["area"] == "nm²"


def test_several_files_are_one_series(tmp_path, load):
    paths = [tmp_path / f"{number}.tif" for number in range(2)]
    for path, frame in zip(paths, labels(), strict=False):
        write(path, frame, unit="nm")
    table = load([str(path) for path in paths], stack=True).properties()
    np.testing.assert_allclose(table["area"], 200 / 40**2)


def test_a_rebinned_image_keeps_its_scale(tmp_path, load):
    for imagej in (True, False):
        write(tmp_path / "a.tif", labels(), imagej, unit="nm")
        image = load(tmp_path / "a.tif", "HRTEM").rebin(scale=(1, 2, 2)).isig[3:, 2:]
        x, y = image.standardize("1 nm").axes_manager.signal_axes
        assert (x.scale, y.scale) == (pytest.approx(0.05), pytest.approx(0.05))
        assert (x.units, y.units) == ("nm", "nm")
        assert y.offset == pytest.approx(
            image.axes_manager[-1].offset * x.scale / image.axes_manager[-1].scale
        )


@pytest.mark.parametrize("unit", [None, "pixel", "inch", "cm", ""])
def test_the_resolution_of_a_printer_is_no_calibration(tmp_path, load, unit):
    write(tmp_path / "a.tif", labels(), **({} if unit is None else {"unit": unit}))
    with pytest.raises(ValueError, match="not calibrated"):
        load(tmp_path / "a.tif").properties()


def test_what_is_set_by_hand_counts_more(tmp_path, load):
    write(tmp_path / "a.tif", labels(), unit="nm", finterval=0.5)
    signal = load(tmp_path / "a.tif")
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 2.0, "Å"
    signal.axes_manager.navigation_axes[0].units = "min"
    table = signal.properties()
    assert table["area"].tolist() == [800.0] * FRAMES
    assert table["time"].tolist() == [0, 1, 2]


def test_the_ampere_of_a_file_is_named(tmp_path, load):
    write(tmp_path / "a.tif", labels(), unit="A")
    with pytest.raises(ValueError, match=r"'A', which is the ampere; angstrom is 'Å'"):
        load(tmp_path / "a.tif").properties()


@pytest.mark.parametrize("text", [None, "", "ImageJ=", "{", "[1]", "{}", 5, "unit=nm"])
def test_what_says_nothing(text):
    said = calibration({"ImageDescription": text}.get)
    assert said is None or said.unit is None


def test_frames_per_second():
    said = calibration({"ImageDescription": "ImageJ=1.53k\nfps=25.0\nunit=nm"}.get)
    assert (said.interval, said.time_unit, said.unit) == (0.04, "s", "nm")


@pytest.mark.parametrize(
    ("options", "area"),
    [((), 0.125), (("--sampling", "0.05 nm"), 0.5), (("--sampling", 2), 8.0)],
)
def test_track_reads_the_unit_or_is_told(tmp_path, options, area):
    write(tmp_path / "a.tif", (labels() > 0).astype(np.uint8), unit="nm")
    out, table = tmp_path / "out.hspy", tmp_path / "out.csv"
    arguments = [tmp_path / "a.tif", "--out", out, "--table", table]
    arguments += ["--min-separation", "0.1 nm", *options]
    result = CliRunner().invoke(cli.track, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    text = table.read_text().splitlines()
    unit = "angstrom^2" if options else "nm^2"
    index = text[0].split(",").index(f"area ({unit})")
    per_nm = 100 if options else 1
    assert float(text[1].split(",")[index]) / per_nm == pytest.approx(area)


def test_track_names_what_is_missing(tmp_path):
    write(tmp_path / "a.tif", (labels() > 0).astype(np.uint8))
    arguments = ["a.tif", "--out", "out.hspy", "--min-separation", "1 nm"]
    arguments = [str(tmp_path / a) if "." in a else a for a in arguments[:3]] + [
        *arguments[3:]
    ]
    with pytest.raises(ValueError, match=r"a\.tif is not calibrated.*--sampling"):
        CliRunner().invoke(cli.track, arguments, catch_exceptions=False)
    for wrong in ("0.1 A", "0,1 nm", "-1", "much"):
        with pytest.raises(ValueError, match="--sampling is"):
            CliRunner().invoke(
                cli.track, [*arguments, "--sampling", wrong], catch_exceptions=False
            )
