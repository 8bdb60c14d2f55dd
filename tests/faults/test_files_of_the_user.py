# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a job did not write: none is replaced or deleted."""

from __future__ import annotations

import os

import hyperspy.api as hs
import numpy as np
import pandas as pd
import pytest
import tiny_networks
from typed_commands import calibrated, run

from hyperspy_hrtemnn.jobs.outputs import is_same
from hyperspy_hrtemnn.signals import HRTEM, Segmentation

posix = pytest.mark.skipif(os.name == "nt", reason="links need rights there")


@pytest.fixture
def movie(tmp_path):
    rng = np.random.default_rng(5)
    data = rng.uniform(0, 1, (2, 31, 43)).astype(np.float32)
    calibrated(HRTEM(data)).save(tmp_path / "movie.hspy")
    return tmp_path / "movie.hspy"


@pytest.fixture
def segmentation(tmp_path):
    data = np.zeros((3, 31, 43), np.float32)
    data[:, 4:14, 6:17] = 1
    calibrated(Segmentation(data)).save(tmp_path / "seg.hspy")
    return tmp_path / "seg.hspy"


@pytest.fixture
def network(tmp_path):
    return tiny_networks.brightness(tmp_path / "bright.onnx", standardization_width=4.0)


@pytest.fixture
def follow(movie, network, tmp_path):
    def call(*more, code=0):
        command = ("follow", movie, "--model", network, "--out", tmp_path / "out")
        return run(*command, "--min-separation", "0.1 nm", *more, code=code)

    return call


@pytest.fixture
def track(segmentation, tmp_path):
    def call(*more, out=tmp_path / "labels.hspy", code=0):
        command = ("track", segmentation, "--out", out, "--probability", 0.5)
        return run(*command, "--min-separation", "0.1 nm", *more, code=code)

    return call


OUTPUTS = ["properties.csv", "reflections.csv", "frames.csv", "particles.hspy"]


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_follow_never_replaces_what_it_did_not_write(follow, tmp_path, name, force):
    mine = tmp_path / "out" / name
    mine.parent.mkdir()
    mine.write_text("years of work")
    told = follow(*force, code=1)
    assert f"{mine} was not written by this job" in told
    assert "Move it away, or give another --out" in told
    assert list(mine.parent.iterdir()) == [mine]
    assert mine.read_text() == "years of work"


def test_follow_replaces_its_own_files_until_someone_changes_them(follow, tmp_path):
    follow()
    follow()
    follow("--memory", 1)
    table = tmp_path / "out" / "properties.csv"
    table.write_text(table.read_text().replace("id,", "grain,", 1))
    assert "was changed since" in follow(code=1)
    assert table.read_text().startswith("grain,")
    table.unlink()
    follow()
    assert pd.read_csv(table).columns[0] == "id"


def test_follow_removes_its_own_reflections_when_it_has_none(follow, tmp_path):
    spectra = ("--size", "0.4 nm", "--apodization", "0.02 nm")
    follow(*spectra)
    table = tmp_path / "out" / "reflections.csv"
    assert table.exists()
    follow("--force")
    assert not table.exists()


BEGUN = '{\n  "written by hyperspy-hrtemnn": '


@pytest.mark.parametrize(
    "damage", [b"", bytes(300), f"{BEGUN}3}}", f"{BEGUN}{{", BEGUN + "[" * 10**5]
)
def test_without_its_list_follow_takes_no_file_for_its_own(follow, tmp_path, damage):
    follow()
    content = damage if isinstance(damage, bytes) else damage.encode()
    (tmp_path / "out" / "outputs.json").write_bytes(content)
    assert "was not written by this job" in follow("--force", code=1)


@pytest.mark.parametrize(
    "content", ["mine", "[1]", '{"properties.csv": 3}', '{"a": {"b": 1}}', "[" * 10**5]
)
def test_a_file_of_the_user_at_the_name_of_the_list_is_left_alone(
    follow, tmp_path, content
):
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "outputs.json"
    path.write_text(content)
    assert "not the list of files" in follow("--force", code=1)
    assert [*path.parent.iterdir()] == [path]
    assert path.read_text() == content


def test_force_leaves_what_else_lies_in_the_folders(
    follow, movie, network, tmp_path, monkeypatch
):
    follow()
    kept = [tmp_path / "out" / "notes.txt", tmp_path / "out" / "frames" / "notes.txt"]
    command = ("segment", movie, "--model", network, "--out", tmp_path / "s.hspy")
    with monkeypatch.context() as patch:
        patch.setattr("hyperspy_hrtemnn.jobs.segmenting.finish", press_the_keys)
        run(*command, code=130)
    kept.append(tmp_path / "s.hspy.frames" / "notes.txt")
    for path in kept:
        path.write_text("mine")
    follow("--force", "--tile", 40)
    run(*command, "--force", "--tile", 40)
    assert [path.read_text() for path in kept] == ["mine"] * 3
    assert list((tmp_path / "s.hspy.frames").iterdir()) == [kept[2]]


def press_the_keys(*_, **__):
    raise KeyboardInterrupt


NAMES = {
    "the same": lambda path: path,
    "relative": lambda path: path.parent / "sub" / ".." / path.name,
    "a link": lambda path: linked(path, os.symlink),
    "a hard link": lambda path: linked(path, os.link),
    "another case": lambda path: path.with_name(path.name.upper()),
    "through a linked folder": lambda path: (
        linked(path.parent / "sub", os.symlink) / ".." / path.name
    ),
}


def linked(path, how):
    link = path.with_name("link")
    how(path, link)
    return link


@posix
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("of", ["input", "--out"])
def test_a_table_that_is_the_input_or_the_output_is_refused(
    track, segmentation, tmp_path, name, of
):
    (tmp_path / "sub").mkdir()
    out = tmp_path / "labels.hspy"
    if of == "--out":
        track()
    kept = segmentation if of == "input" else out
    before = kept.read_bytes()
    told = track("--table", name(kept), "--force", code=1)
    assert "is also the input or --out" in told
    assert kept.read_bytes() == before


def test_a_table_of_frames_that_is_the_input_is_refused(tmp_path):
    data = np.zeros((3, 31, 43), np.float32)
    data[:, 4:14, 6:17] = 1
    source = tmp_path / "t_frames.hspy"
    calibrated(Segmentation(data)).save(source)
    command = ("track", source, "--out", tmp_path / "o.hspy", "--probability", 0.5)
    command += ("--min-separation", "0.1 nm", "--table", tmp_path / "t.hspy", "--force")
    assert "t_frames.hspy is also the input" in run(*command, code=1)
    assert hs.load(source).data.shape == (3, 31, 43)


def test_a_table_of_another_name_than_csv_is_refused(track, tmp_path):
    """--force is for what an earlier run wrote, and no run writes such a table."""
    thesis = tmp_path / "thesis.docx"
    thesis.write_text("years of work")
    told = track("--table", thesis, "--force", code=1)
    assert "its name must end with .csv" in told
    assert thesis.read_text() == "years of work"
    assert not (tmp_path / "labels.hspy").exists()


@posix
@pytest.mark.parametrize("name", ["labels.hspy", "t.csv", "t_frames.csv"])
def test_a_pipe_or_a_device_is_not_replaced(track, tmp_path, name):
    os.mkfifo(tmp_path / name)
    told = track("--table", tmp_path / "t.csv", "--force", code=1)
    assert f"{name} is not a file, and is not replaced" in told
    assert (tmp_path / name).is_fifo()


@posix
@pytest.mark.parametrize("name", ["p.json", "plots.png"])
def test_what_a_detector_is_written_to_is_not_a_pipe(movie, tmp_path, name):
    os.mkfifo(tmp_path / name)
    options = ("--out", tmp_path / "p.json", "--picture", tmp_path / "plots.png")
    assert f"{name} is not a file, and is not" in run(
        "detector", movie, *options, code=1
    )
    assert (tmp_path / name).is_fifo()


def test_a_picture_or_parameters_that_are_the_movie_are_refused(movie, tmp_path):
    before = movie.read_bytes()
    picture = tmp_path / "movie.tif"
    movie.rename(picture)
    told = run("detector", picture, "--out", picture, code=1)
    assert "movie.tif is also the movie or --out" in told
    options = ("--out", tmp_path / "p.json", "--picture", tmp_path / "MOVIE.tif")
    assert "MOVIE.tif is also the movie" in run("detector", picture, *options, code=1)
    assert picture.read_bytes() == before


@posix
@pytest.mark.parametrize("how", [os.symlink, os.link])
def test_an_output_that_is_a_link_to_the_input_is_refused(
    track, segmentation, tmp_path, how
):
    how(segmentation, tmp_path / "labels.hspy")
    before = segmentation.read_bytes()
    assert "--out is the input" in track("--force", code=1)
    assert segmentation.read_bytes() == before


@posix
@pytest.mark.parametrize("how", [os.symlink, os.link])
def test_what_a_link_at_an_output_leads_to_is_not_written(track, tmp_path, how):
    for name in ("labels.hspy", "table.csv", "table_frames.csv"):
        thesis = tmp_path / f"{name}.txt"
        thesis.write_text("years of work")
        how(thesis, tmp_path / name)
    track("--table", tmp_path / "table.csv", "--force")
    kept = [path.read_text() for path in tmp_path.glob("*.txt")]
    assert kept == ["years of work"] * 3
    assert hs.load(tmp_path / "labels.hspy").data.shape == (3, 31, 43)


def test_paths_that_nobody_has_made_yet_are_compared_by_their_spelling(tmp_path):
    # One letter, or a letter and an accent: the same file on some drives.
    composed, decomposed = tmp_path / "\u00e9.csv", tmp_path / "e\u0301.csv"
    assert is_same(composed, decomposed)
    assert is_same(tmp_path / "T.csv", tmp_path / "a" / ".." / "t.CSV")
    assert not is_same(tmp_path / "t.csv", tmp_path / "u.csv")
