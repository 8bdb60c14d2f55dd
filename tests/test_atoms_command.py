# SPDX-License-Identifier: GPL-3.0-or-later
"""`hrtemnn atoms`: what it writes, what it never replaces, and what it says."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from known_atoms import ENERGY, SAMPLING, SHAPE, refined_by_hand

from hyperspy_hrtemnn import cli
from hyperspy_hrtemnn.signals._atoms import model_files, refine_atoms
from hyperspy_hrtemnn.signals._atoms.model_files import FILES, OF_SUPPORT

OPTIONS = ("--model", "mos2-columns", "--mtf", "0.45", "2.5", "--dose", "2e4")


@pytest.fixture
def series(tmp_path):
    """Return the path of three images without a named axis."""
    images = np.random.default_rng(0).poisson(200, (3, *SHAPE)).astype("float32")
    signal = hs.signals.Signal2D(images)
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = SAMPLING / 10, "nm"
    path = tmp_path / "series.hspy"
    signal.save(path)
    return path


@pytest.fixture
def given(monkeypatch):
    """Return what the core is given; the network and the core do no work."""
    calls = {}

    def refine(images, detector, energy, defocus, columns, **options):
        calls.update(images=images, energy=energy, defocus=defocus, **options)
        return refined_by_hand(len(images))

    columns = (
        refined_by_hand().columns[["class", "x", "y"]].assign(frame=0, confidence=0.9)
    )
    columns[["x", "y"]] /= 10
    monkeypatch.setattr(refine_atoms, "refine_columns", refine)
    monkeypatch.setattr(refine_atoms, "segment", lambda *_, **__: None)
    monkeypatch.setattr(refine_atoms, "column_table", lambda *_, **__: columns)
    return calls


@pytest.fixture
def run(series, tmp_path):
    """Return a function that runs the command, and returns what it prints."""

    def command(*more, out="out", code=0, source=series):
        where = ("--out", str(tmp_path / out))
        arguments = ["atoms", str(source), *OPTIONS, *where, *more]
        result = CliRunner().invoke(cli.main, arguments)
        assert result.exit_code == code, result.output
        return result.output

    return command


FOCUS = ("--defocus", "-2 nm", "--defocus", "3 nm", "--defocus", "8 nm")
KNOWN = (*FOCUS, "--energy", "50")


def test_all_results_are_in_the_folder(given, run, tmp_path):
    told = run(
        *KNOWN, "--cs", "5 um", "--dopant", "W", "--dopant", "Se", "--any-contrast"
    )
    assert "AtomModel of 36 columns: 19 1Mo" in told
    assert "1 empty site between them" in told
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *(set(FILES) - set(OF_SUPPORT)),
        "outputs.json",
    }
    columns = pd.read_csv(tmp_path / "out" / "columns.csv")
    assert columns["x (nm)"].tolist() == pytest.approx(
        (refined_by_hand().columns["x"] / 10).tolist()
    )
    left = hs.load(tmp_path / "out" / "residuals.hspy")
    assert left.axes_manager[0].name == "defocus"
    assert hs.load(tmp_path / "out" / "wave.hspy").metadata.Acquisition_instrument
    assert given["energy"] == ENERGY
    assert given["Cs"] == pytest.approx(5e4)
    assert tuple(given["dopants"]) == ("W", "Se")
    assert given["any_contrast"]


def test_the_defocus_of_each_image_is_typed(given, run):
    run(*KNOWN)
    assert given["defocus"] == pytest.approx([-20, 30, 80])
    unequal = ("--defocus", "7 nm", "--defocus", "3", "--defocus", "-20 angstrom")
    run(*unequal, "--energy", "50 kV")
    # A number is in the unit of the axes.
    assert given["defocus"] == pytest.approx([70, 30, -20])


def test_guesses_that_are_not_in_order_are_refused(given, run):
    for last in ("1 nm", "3 nm"):
        guesses = ("--defocus", "-2 nm", "--defocus", "3 nm", "--defocus", last)
        told = run(*guesses, "--energy", "50", code=1)
        assert "--defocus has to rise or to fall from image to image" in told
    assert not given


def test_numbers_without_a_unit_that_make_no_series_are_refused(given, run, series):
    for axis in (signal := hs.load(series)).axes_manager.signal_axes:
        axis.convert_to_units("Å")
    signal.save(series, overwrite=True)
    guesses = ("--defocus", "2", "--defocus", "7", "--defocus", "12")
    told = run(*guesses, "--energy", "50", code=1)
    assert "in that of the axes, Å: all images would be within 1 nm" in told
    assert '--defocus "2 nm"' in told
    assert not given


def test_a_number_of_guesses_that_is_not_that_of_the_images(given, run):
    told = run("--defocus", "-2 nm", "--energy", "50", code=1)
    assert "--defocus is given once, and there are 3 images" in told
    assert "named 'defocus'" in run("--energy", "50", code=1)
    assert not given


def test_a_single_image(given, run, series, tmp_path):
    image = tmp_path / "image.hspy"
    hs.load(series).inav[1].save(image)
    told = run("--defocus", "3 nm", "--energy", "50", source=image)
    assert "defocus    0.00 ± 0.20 Å" in told
    assert given["defocus"] == pytest.approx([30])
    assert hs.load(tmp_path / "out" / "residuals.hspy").data.shape == SHAPE


def test_what_is_missing_is_one_line_and_nothing_is_written(given, run, tmp_path):
    told = run(*FOCUS, code=1)
    assert told.splitlines()[-1].startswith("Error: The beam energy is not known")
    assert not (tmp_path / "out").exists()


def test_a_second_run_replaces_the_files_of_the_first(given, run, tmp_path):
    run(*KNOWN)
    before = (tmp_path / "out" / "atoms.xyz").read_bytes()
    run(*KNOWN)
    assert (tmp_path / "out" / "atoms.xyz").read_bytes() == before


def test_files_of_the_user_are_never_replaced(given, run, tmp_path):
    (tmp_path / "out").mkdir()
    mine = tmp_path / "out" / "columns.csv"
    mine.write_text("mine")
    assert "columns.csv was not written by this job" in run(*KNOWN, code=1)
    assert mine.read_text() == "mine"
    assert not given  # told before the work
    mine.unlink()
    run(*KNOWN)
    mine.write_text("changed")
    assert "or was changed since" in run(*KNOWN, code=1)
    assert mine.read_text() == "changed"


def test_an_input_is_not_an_output(given, run, tmp_path):
    run(*KNOWN)
    residuals = tmp_path / "out" / "residuals.hspy"
    before = residuals.read_bytes()
    told = run(*KNOWN, source=residuals, code=1)
    assert "residuals.hspy is the input; give another --out" in told
    assert residuals.read_bytes() == before


def test_files_of_two_runs_are_never_together(given, run, tmp_path, monkeypatch):
    run(*KNOWN)

    def fail(*_, **__):
        raise OSError("the disk is gone")

    monkeypatch.setattr(model_files.ase.io, "write", fail)
    assert "the disk is gone" in run(*KNOWN, code=1)
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left == {"residuals.hspy", "wave.hspy", "outputs.json"}
