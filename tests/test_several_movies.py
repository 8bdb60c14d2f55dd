# SPDX-License-Identifier: GPL-3.0-or-later
"""Several movies in one command: which they are, their results, and tables of all."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import hyperspy.api as hs
import numpy as np
import pandas as pd
import pytest
import tiny_networks
from click.testing import CliRunner

from hyperspy_hrtemnn import cli
from hyperspy_hrtemnn.jobs.movies import is_folder_of_movies, movies_of
from hyperspy_hrtemnn.signals import HRTEM, Instances, Segmentation

Y, X = 31, 43


def run(*arguments, code=0):
    result = CliRunner().invoke(cli.main, [str(part) for part in arguments])
    assert result.exit_code == code, result.output
    return result.output


def movie(frames, side=0.1, unit="nm"):
    """Return a movie of one particle of 10 x 12 pixels."""
    data = np.random.default_rng(frames).normal(5, 0.05, (frames, Y, X))
    data[:, 8:18, 11:23] += 4
    signal = HRTEM(data.astype(np.float32))
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = side, unit
    time = signal.axes_manager.navigation_axes[0]
    time.name, time.scale, time.units = "time", 0.5, "s"
    return signal


@pytest.fixture
def folder(tmp_path):
    """Two movies in different units, and files that are not movies."""
    folder = tmp_path / "night"
    folder.mkdir()
    movie(2).save(folder / "heat_10.hspy")
    movie(3, 1.0, "Å").save(folder / "heat_2.hspy")
    (folder / "notes.txt").write_text("mine")
    (folder / "screen.png").write_bytes(b"mine")
    Segmentation(np.zeros((2, Y, X), np.float32)).save(folder / "seg.hspy")
    return folder


@pytest.fixture
def follow(tmp_path):
    wide = tiny_networks.RANGES.model_copy(update={"sampling": (0.07, 2)})
    network = tiny_networks.brightness(
        tmp_path / "bright.onnx",
        sampling=1.0,
        standardization_width=24.0,
        ranges=wide,
        threshold=0.5,
    )

    def call(*movies, more=("--no-report",), code=0):
        command = ("follow", *movies, "--model", network, "--out", tmp_path / "all")
        return run(*command, "--min-separation", "0.6 nm", *more, code=code)

    return call


def in_situ(folder, series="film", frames=2):
    for number in range(frames):
        name = f"{series}_Hour_00_Minute_00_Second_00_Frame_{number:04d}.hspy"
        place = folder / "Hour_00" / "Minute_00" / "Second_00"
        place.mkdir(parents=True, exist_ok=True)
        movie(2).inav[0].save(place / name)


def names(paths):
    return [path.name for path in paths]


def test_movies_of_a_folder_come_in_the_order_of_their_numbers(folder):
    assert names(movies_of([folder])) == ["heat_2.hspy", "heat_10.hspy"]


def test_results_beside_movies_are_passed_over(folder):
    """Also labels and masks for ImageJ, which look like movies of a camera."""
    labels = Instances(np.ones((2, Y, X), np.int32))
    for axis in labels.axes_manager.signal_axes:
        axis.scale, axis.units = 0.1, "nm"
    labels.to_tiff(folder / "particles.tif")
    labels.data = labels.data * 70000
    labels.to_tiff(folder / "many.tiff")
    movie(2).save(folder / "heat_11.tif")
    (folder / "heat_12.tif").write_bytes(b"damaged")
    expected = ["heat_2.hspy", "heat_10.hspy", "heat_11.tif", "heat_12.tif"]
    assert names(movies_of([folder])) == expected


def test_a_folder_of_a_camera_is_one_movie_and_several_are_several(tmp_path):
    in_situ(tmp_path / "a")
    assert not is_folder_of_movies(tmp_path / "a")
    assert not is_folder_of_movies(tmp_path / "a" / "Hour_00")
    # As it was before there were folders of movies.
    assert movies_of([tmp_path]) == [tmp_path]
    in_situ(tmp_path / "b", "other")
    assert names(movies_of([tmp_path])) == ["a", "b"]
    movie(2).save(tmp_path / "c.hspy")
    assert names(movies_of([tmp_path])) == ["a", "b", "c.hspy"]
    assert names(movies_of([tmp_path / "a", tmp_path / "c.hspy"])) == ["a", "c.hspy"]


def test_what_are_no_movies_is_said(tmp_path, folder):
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match="none holds no movies, and no frames"):
        movies_of([tmp_path / "none"])
    with pytest.raises(ValueError, match="is given twice"):
        movies_of([folder, folder / "heat_2.hspy"])
    in_situ(tmp_path / "a")
    frames = sorted((tmp_path / "a").rglob("*.hspy"))
    with pytest.raises(ValueError, match="and 1 others are frames of an in-situ"):
        movies_of(frames)


def test_there_is_one_table_of_all_movies_in_one_unit(follow, folder, tmp_path):
    told = follow(folder)
    assert "Movie 2 of 2" in told
    out = tmp_path / "all"
    table = pd.read_csv(out / "all_properties.csv")
    assert table.groupby("movie").size().to_dict() == {
        "heat_2.hspy": 3,
        "heat_10.hspy": 2,
    }
    # The first is in Å, with pixels of the same size.
    areas = table.groupby("movie")["area (angstrom^2)"].mean()
    assert areas["heat_2.hspy"] == pytest.approx(120)
    assert areas["heat_10.hspy"] == pytest.approx(120)
    own = pd.read_csv(out / "heat_10.hspy" / "properties.csv")
    ours = table[table["movie"] == "heat_10.hspy"].reset_index(drop=True)
    np.testing.assert_allclose(ours["x (angstrom)"], 10 * own["x (nm)"])
    pd.testing.assert_series_equal(ours["time (s)"], own["time (s)"])
    assert ours["touches_border"].tolist() == own["touches_border"].tolist()
    assert not (out / "all_reflections.csv").exists()


def test_a_pattern_and_several_files_are_taken_as_well(follow, folder, tmp_path):
    follow(f"{folder}/heat_*.hspy")
    first = (tmp_path / "all" / "all_properties.csv").read_bytes()
    told = follow(folder / "heat_10.hspy", folder / "heat_2.hspy")
    again = pd.read_csv(tmp_path / "all" / "all_properties.csv")
    assert again["movie"].unique().tolist() == ["heat_10.hspy", "heat_2.hspy"]
    assert first == (tmp_path / "all" / "all_properties.csv").read_bytes()
    assert "Movie 1 of 2" in told
    assert "No file is named like" in follow(f"{folder}/cold_*.dm4", code=2)


def test_a_single_movie_has_its_results_in_the_folder_itself(follow, folder, tmp_path):
    follow(folder / "heat_2.hspy")
    assert (tmp_path / "all" / "properties.csv").exists()
    assert not list((tmp_path / "all").glob("all_*"))


class Links(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.targets, self.texts = [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        if tag == "a":
            self.targets.append(dict(attributes)["href"])

    def handle_data(self, data):
        self.texts.append(data.strip())


def test_a_movie_that_cannot_be_read_does_not_stop_the_others(follow, folder, tmp_path):
    (folder / "a & b.dm4").write_bytes(b"nonsense")
    (folder / "heat_10.hspy").rename(folder / "heat #10%.hspy")
    told = follow(folder, more=(), code=1)
    last = told.splitlines()[-1]
    assert last.startswith("Error: 1 of 3 movies could not be followed: a & b.dm4: ")
    assert last.endswith(". The same command tries again.")
    assert ".." not in last
    out = tmp_path / "all"
    table = pd.read_csv(out / "all_summary.csv")
    assert table["movie"].tolist() == ["heat #10%.hspy", "heat_2.hspy"]
    page = Links(out / "all_movies.html")
    assert "a & b.dm4" in page.texts
    assert "failed" in page.texts
    # Each leads to a page that is there.
    assert len(page.targets) == 2
    assert all((out / unquote(target)).is_file() for target in page.targets)


def test_the_same_command_goes_on_and_keeps_what_is_done(
    follow, folder, tmp_path, monkeypatch
):
    from hyperspy_hrtemnn.jobs import following

    followed = following.follow_particles
    done = []

    def stop(signal, *arguments, **options):
        if done:
            raise KeyboardInterrupt
        done.append(signal)
        return followed(signal, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(following, "follow_particles", stop)
        follow(folder, code=130)
    out = tmp_path / "all"
    assert not (out / "all_properties.csv").exists()
    records = sorted((out / "heat_2.hspy" / "frames").glob("*.npz"))
    assert len(records) == 3
    before = [path.stat().st_mtime_ns for path in records]
    follow(folder)
    assert [path.stat().st_mtime_ns for path in records] == before
    assert len(pd.read_csv(out / "all_properties.csv")) == 5


@pytest.mark.parametrize(
    "name", ["all_properties.csv", "all_summary.csv", "all_movies.html"]
)
def test_tables_of_all_never_replace_what_we_did_not_write(
    follow, folder, tmp_path, name
):
    mine = tmp_path / "all" / name
    mine.parent.mkdir()
    mine.write_text("years of work")
    told = follow(folder, more=("--force",), code=1)
    assert f"{mine} was not written by this job" in told
    assert [*mine.parent.iterdir()] == [mine]


def test_two_movies_of_one_name_are_refused(follow, folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    movie(2).save(other / "heat_2.hspy")
    told = follow(folder, other, code=1)
    assert "have one name" in told
    assert not (tmp_path / "all" / "heat_2.hspy").exists()


def test_what_is_wrong_for_all_movies_is_told_once(follow, folder, tmp_path):
    told = follow(folder, more=("--crystal", "nonsense"), code=1)
    assert told.count("not a known crystal") == 1
    assert not Path(tmp_path / "all").exists()


def test_results_in_a_folder_are_not_taken_for_movies(folder):
    for path in folder.glob("*.hspy"):
        kind = hs.load(path, lazy=True).metadata.Signal.signal_type
        assert (path in movies_of([folder])) == (kind == "HRTEM")
