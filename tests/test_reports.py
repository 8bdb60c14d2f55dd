# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of commands: pictures, summaries, labels for ImageJ, and the page."""

from __future__ import annotations

import base64
import io
from html.parser import HTMLParser

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import tifffile
import tiny_networks
from click.testing import CliRunner
from PIL import Image

from hyperspy_hrtemnn import cli
from hyperspy_hrtemnn.jobs.reports import files
from hyperspy_hrtemnn.jobs.reports.shown_frames import shown_frames
from hyperspy_hrtemnn.signals import HRTEM, Segmentation

FRAMES, Y, X = 7, 47, 61
SIDE = 0.1  # nm
OPTIONS = ("--min-separation", "0.6 nm", "--no-drift")
LARGE, SMALL = 12 * 14, 9 * 8  # areas of the particles [pixels]


def run(*arguments, code=0):
    result = CliRunner().invoke(cli.main, [str(part) for part in arguments])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(autouse=True)
def _coarse_pictures(monkeypatch):
    """Pictures of as few pixels as one can still tell from an empty one."""
    monkeypatch.setattr(files, "_DOTS_PER_INCH", 25)


def calibrated(signal):
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = SIDE, "nm"
    time = signal.axes_manager.navigation_axes[0]
    time.name, time.scale, time.units = "time", 0.5, "s"
    return signal


def boxes():
    """Return one particle that stays, and one that comes in frame 2 and moves."""
    frames = np.zeros((FRAMES, Y, X), np.float32)
    frames[:, 5:17, 8:22] = 1
    for number in range(2, FRAMES):
        frames[number, 30:39, 20 + number : 28 + number] = 1
    return frames


@pytest.fixture
def segmentation(tmp_path):
    signal = calibrated(Segmentation(boxes()))
    signal.metadata.General.title = "<script>alert(1)</script>"
    signal.save(tmp_path / "s.hspy")
    return tmp_path / "s.hspy"


@pytest.fixture
def movie(tmp_path, rng):
    """The same, as a movie in which frame 4 is blank."""
    frames = 5 + 4 * boxes() + rng.normal(0, 0.05, (FRAMES, Y, X))
    frames[4] = 3
    calibrated(HRTEM(frames.astype(np.float32))).save(tmp_path / "m & n.hspy")
    return tmp_path / "m & n.hspy"


@pytest.fixture
def network(tmp_path):
    wide = tiny_networks.RANGES.model_copy(update={"sampling": (0.07, 2)})
    return tiny_networks.brightness(
        tmp_path / "bright.onnx",
        sampling=10 * SIDE,
        standardization_width=40.0,
        ranges=wide,
        threshold=0.5,
    )


@pytest.fixture
def track(segmentation, tmp_path):
    def call(*more, code=0):
        command = ("track", segmentation, "--out", tmp_path / "p.hspy")
        return run(
            *command, "--min-separation", "0.6 nm", "--no-drift", *more, code=code
        )

    return call


@pytest.fixture
def follow(movie, network, tmp_path):
    def call(*more, code=0):
        command = ("follow", movie, "--model", network, "--out", tmp_path / "f")
        return run(
            *command, "--min-separation", "0.6 nm", "--no-drift", *more, code=code
        )

    return call


class Read(HTMLParser):
    """The texts of a page by tag, its pictures, and all that it refers to."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.pictures, self.links, self.texts = [], [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        given = dict(attributes)
        if tag == "img":
            head, _, data = given["src"].partition(",")
            assert head == "data:image/png;base64"
            self.pictures.append(base64.b64decode(data))
        if "href" in given:
            self.links.append(given["href"])
        assert "src" not in given or tag == "img"

    def handle_data(self, data):
        if data.strip():
            self.texts.append(data.strip())


def value_of(page, name):
    """Return the text beside a name."""
    return page.texts[page.texts.index(name) + 1]


def test_track_sums_up_each_particle(track, tmp_path):
    track()
    table = pd.read_csv(tmp_path / "p_report" / "summary.csv").set_index("id")
    assert table["frames"].to_dict() == {1: FRAMES, 2: FRAMES - 2}
    assert table["first_frame"].to_dict() == {1: 0, 2: 2}
    assert table["last_time (s)"].to_dict() == {1: 3.0, 2: 3.0}
    np.testing.assert_allclose(
        table["mean_area (nm^2)"], [LARGE * SIDE**2, SMALL * SIDE**2]
    )


def test_track_writes_ids_for_imagej(track, tmp_path):
    track()
    with tifffile.TiffFile(tmp_path / "p_report" / "particles.tif") as file:
        assert file.is_imagej
        assert file.series[0].axes == "TYX"
        found, told = file.asarray(), file.imagej_metadata
        per_nm = file.pages[0].tags["XResolution"].value
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, hs.load(tmp_path / "p.hspy").data)
    assert set(np.unique(found)) == {0, 1, 2}
    assert told["unit"] == "nm"
    assert told["finterval"] == 0.5
    assert told["tunit"] == "s"
    # Ids of a few are not black in a range of 65535.
    assert (told["min"], told["max"]) == (0, 2)
    assert per_nm[0] / per_nm[1] == pytest.approx(1 / SIDE)


def test_the_page_has_the_pictures_in_it_and_nothing_of_elsewhere(track, tmp_path):
    track("--memory", 1)
    page = Read(tmp_path / "p_report" / "report.html")
    written = sorted((tmp_path / "p_report" / "pictures").iterdir())
    assert sorted(page.pictures) == sorted(path.read_bytes() for path in written)
    names = {path.stem for path in written}
    assert {"frame_000000", "frame_000003", "frame_000006", "curve_totals"} <= names
    assert {"curve_area", "curve_eccentricity", "curve_x_corrected"} <= names
    for data in page.pictures:
        shown = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
        assert shown.std() > 5
    assert not page.links
    assert "There were none." in page.texts
    assert value_of(page, "--memory") == "1"
    assert value_of(page, "--min-separation") == "0.6 nm"
    assert value_of(page, "frames") == str(FRAMES)
    assert value_of(page, "particles") == "2"


def test_texts_of_files_are_escaped(track, tmp_path):
    track()
    path = tmp_path / "p_report" / "report.html"
    assert "script" not in Read(path).tags
    assert value_of(Read(path), "title") == "<script>alert(1)</script>"
    # Were there a way all the same, the browser would not take it.
    assert "default-src 'none'" in path.read_text()


def test_follow_reports_what_it_was_warned_of(follow, tmp_path):
    told = follow()
    assert "1 of 7 frames could not be used" in told
    page = Read(tmp_path / "f" / "report.html")
    assert any("1 of 7 frames could not be used" in text for text in page.texts)
    assert value_of(page, "frames") == "7, of which 1 could not be used"
    assert value_of(page, "movie").endswith("m & n.hspy")
    assert value_of(page, "network").startswith("tiny: for tests")
    # The blank frame has no picture; the middle one of the others is 3.
    names = {path.name for path in (tmp_path / "f" / "pictures").glob("frame_*")}
    assert names == {f"frame_{number:06d}.png" for number in (0, 2, 6)}


def test_follow_writes_particles_and_frames_without_data_as_background(
    follow, tmp_path
):
    follow()
    found = tifffile.imread(tmp_path / "f" / "particles.tif")
    labels = hs.load(tmp_path / "f" / "particles.hspy").data
    assert (labels[4] == -1).all()
    np.testing.assert_array_equal(found, np.maximum(labels, 0))


def test_reflections_are_drawn_where_there_are_any(follow, tmp_path):
    follow("--size", "2 nm", "--apodization", "0.1 nm")
    reflections = pd.read_csv(tmp_path / "f" / "reflections.csv")
    drawn = {path.stem for path in (tmp_path / "f" / "pictures").glob("refl*")}
    assert drawn == {f"reflections_{number}" for number in reflections["id"].unique()}


def test_a_run_that_draws_other_frames_removes_its_own_pictures(follow, tmp_path):
    follow("--size", "2 nm", "--apodization", "0.1 nm")
    pictures = tmp_path / "f" / "pictures"
    mine = pictures / "mine.png"
    mine.write_bytes(b"mine")
    stale = pictures / "curve_orientation.png"
    assert stale.exists()
    follow("--force", "--no-report")
    assert [path.name for path in pictures.iterdir()] == ["mine.png"]
    assert not (tmp_path / "f" / "report.html").exists()
    assert not (tmp_path / "f" / "summary.csv").exists()
    assert (tmp_path / "f" / "properties.csv").exists()


OURS = ["report.html", "summary.csv", "particles.tif", "pictures/frame_000000.png"]


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("command", ["track", "follow"])
def test_a_report_never_replaces_what_it_did_not_write(
    command, name, track, follow, tmp_path
):
    folder, call = {"track": ("p_report", track), "follow": ("f", follow)}[command]
    mine = tmp_path / folder / name
    mine.parent.mkdir(parents=True)
    mine.write_text("years of work")
    told = call("--force", code=1)
    assert f"{mine} was not written by this job" in told
    assert mine.read_text() == "years of work"
    assert not (tmp_path / "p.hspy").exists()


def test_a_report_that_someone_has_changed_is_kept(track, tmp_path):
    track()
    page = tmp_path / "p_report" / "report.html"
    track("--force", "--memory", 1)
    assert value_of(Read(page), "--memory") == "1"
    page.write_text(page.read_text() + "<!-- mine -->")
    assert "was changed since" in track("--force", code=1)
    assert page.read_text().endswith("<!-- mine -->")


def test_pictures_that_cannot_be_a_folder_are_told_before_the_work(track, tmp_path):
    (tmp_path / "p_report").write_text("mine")
    told = track(code=1)
    assert "p_report is not a folder, and the report needs one" in told
    assert not (tmp_path / "p.hspy").exists()


@pytest.mark.parametrize("after", [0, 1, 4])
def test_a_report_that_is_interrupted_is_made_by_the_same_command(
    track, tmp_path, monkeypatch, after
):
    from hyperspy_hrtemnn.jobs.reports.files import ReportFiles

    draw, drawn = ReportFiles.draw, []

    def stop(self, name, figure):
        if len(drawn) == after:
            raise KeyboardInterrupt
        drawn.append(name)
        return draw(self, name, figure)

    with monkeypatch.context() as patch:
        patch.setattr(ReportFiles, "draw", stop)
        track(code=130)
    assert not (tmp_path / "p_report" / "report.html").exists()
    made = (tmp_path / "p.hspy").stat().st_mtime_ns
    track()
    # The particles are not tracked again.
    assert (tmp_path / "p.hspy").stat().st_mtime_ns == made
    page = Read(tmp_path / "p_report" / "report.html")
    assert len(page.pictures) == len([*(tmp_path / "p_report/pictures").iterdir()])


def test_a_page_of_an_earlier_run_is_never_beside_other_pictures(
    track, tmp_path, monkeypatch
):
    from hyperspy_hrtemnn.jobs.reports import particles

    track()

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(particles, "summarize_particles", stop)
    track("--force", "--memory", 1, code=130)
    assert not (tmp_path / "p_report" / "report.html").exists()


def test_without_particles_there_is_a_page_all_the_same(tmp_path):
    calibrated(Segmentation(np.zeros((3, Y, X), np.float32))).save(tmp_path / "s.hspy")
    command = ("track", tmp_path / "s.hspy", "--out", tmp_path / "p.hspy")
    run(*command, "--min-separation", "1 nm")
    page = Read(tmp_path / "p_report" / "report.html")
    assert "No particle was found." in page.texts
    names = {path.stem for path in (tmp_path / "p_report" / "pictures").iterdir()}
    assert names == {"frame_000000", "frame_000001", "frame_000002", "curve_totals"}


def test_what_a_page_says_about_going_on_works_with_a_picture(tmp_path, network, rng):
    """A single image, with colors, which cannot be read lazily."""
    gray = (100 + 80 * boxes()[3] + rng.normal(0, 3, (Y, X))).astype(np.uint8)
    Image.fromarray(np.stack([gray] * 3, axis=-1)).save(tmp_path / "image.png")
    command = ("follow", tmp_path / "image.png", "--model", network)
    more = ("--out", tmp_path / "f", "--sampling", f"{SIDE} nm")
    run(*command, *more, "--min-separation", "0.6 nm")
    page = Read(tmp_path / "f" / "report.html")
    assert "Frame 0 (the only one): 2 particles." in page.texts
    (code,) = (text for text in page.texts if text.startswith("import"))
    exec(code, {})  # noqa: S102
    assert len(plt.gca().texts) == 2
    plt.close("all")


def test_a_single_image_has_a_picture_and_no_curves(tmp_path):
    image = Segmentation(boxes()[3])
    for axis in image.axes_manager.signal_axes:
        axis.scale, axis.units = SIDE, "nm"
    image.save(tmp_path / "s.hspy")
    command = ("track", tmp_path / "s.hspy", "--out", tmp_path / "p.hspy")
    run(*command, "--min-separation", "0.6 nm")
    names = [path.name for path in (tmp_path / "p_report" / "pictures").iterdir()]
    assert names == ["frame_000000.png"]
    assert tifffile.imread(tmp_path / "p_report" / "particles.tif").shape == (Y, X)


def test_without_a_known_pixel_size_there_is_no_report_and_a_warning(tmp_path):
    Segmentation(boxes()).save(tmp_path / "s.hspy")
    command = ("track", tmp_path / "s.hspy", "--out", tmp_path / "p.hspy")
    told = run(*command, "--min-separation", 6)
    assert "Warning: There is no report, for which the pixels need a known size" in told
    assert not (tmp_path / "p_report").exists()
    assert hs.load(tmp_path / "p.hspy").data.max() == 2


def test_segment_says_how_much_there_is_in_each_frame(movie, network, tmp_path):
    out = tmp_path / "seg.hspy"
    run("segment", movie, "--model", network, "--out", out)
    table = pd.read_csv(tmp_path / "seg_report" / "areas.csv")
    segmentation = hs.load(out)
    np.testing.assert_allclose(table["area (nm^2)"], segmentation.area().data)
    assert table["valid"].tolist() == [True] * 4 + [False] + [True] * 2
    assert table["class"].unique().tolist() == ["particle"]
    share = LARGE / (X * Y)
    np.testing.assert_allclose(table["share"][:2], share, rtol=0.05)
    mask = tifffile.imread(tmp_path / "seg_report" / "mask.tif")
    np.testing.assert_array_equal(mask, 255 * (segmentation.data >= 0.5))
    page = Read(tmp_path / "seg_report" / "report.html")
    assert value_of(page, "threshold").startswith("0.5,")
    assert any("1 of 7 frames could not be used" in text for text in page.texts)


def test_each_class_is_a_channel_in_imagej(movie, tmp_path):
    wide = tiny_networks.RANGES.model_copy(update={"sampling": (0.07, 2)})
    network = tiny_networks.convolution(
        tmp_path / "two.onnx", classes=2, sampling=1.0, ranges=wide
    )
    out = tmp_path / "seg.hspy"
    run("segment", movie, "--model", network, "--out", out)
    with tifffile.TiffFile(tmp_path / "seg_report" / "mask.tif") as file:
        assert file.series[0].axes == "TCYX"
        mask = file.asarray()
    probability = hs.load(out)
    threshold = probability.metadata.HRTEMNN.Segmentation.threshold
    np.testing.assert_array_equal(mask, 255 * (probability.data >= threshold))
    table = pd.read_csv(tmp_path / "seg_report" / "areas.csv")
    assert len(table) == 2 * FRAMES
    counted = np.count_nonzero(mask, axis=(-2, -1)).ravel() * SIDE**2
    known = table["valid"].to_numpy()
    np.testing.assert_allclose(table["area (nm^2)"][known], counted[known])


def test_a_focal_series_is_drawn_on_its_middle_image(tmp_path, rng, monkeypatch):
    from hyperspy_hrtemnn.jobs.reports import segmented

    drawn = []
    draw = segmented.draw_outlines

    def note(image, *arguments, **options):
        drawn.append(image)
        return draw(image, *arguments, **options)

    monkeypatch.setattr(segmented, "draw_outlines", note)
    wide = tiny_networks.RANGES.model_copy(update={"sampling": (0.07, 2)})
    network = tiny_networks.convolution(
        tmp_path / "three.onnx", channels=3, sampling=1.0, ranges=wide
    )
    series = HRTEM(rng.normal(100, 10, (3, Y, X)).astype(np.float32))
    for axis in series.axes_manager.signal_axes:
        axis.scale, axis.units = SIDE, "nm"
    axis = series.axes_manager.navigation_axes[0]
    axis.name, axis.scale, axis.units = "defocus", 5, "nm"
    series.save(tmp_path / "series.hspy")
    out = tmp_path / "seg.hspy"
    run("segment", tmp_path / "series.hspy", "--model", network, "--out", out)
    (image,) = drawn
    np.testing.assert_array_equal(image, series.data[1])


def test_frames_that_show_nothing_new_are_not_drawn():
    assert list(shown_frames(pd.Series([2, 2, 2, 2, 2.0]))) == [0, 2, 4]
    # Of those that are equally full the earlier, and no more than two.
    assert list(shown_frames(pd.Series([2, 9, 2, 2, 8, 9.0, 3]))) == [0, 1, 3, 5, 6]
    assert shown_frames(pd.Series([np.nan, np.nan])) == {}
    assert list(shown_frames(pd.Series([0.0]))) == [0]
