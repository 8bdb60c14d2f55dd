# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of others run nothing, open nothing else, and claim no more than they hold."""

from __future__ import annotations

import json
import os
import pickle
import sys
from pathlib import Path

import h5py
import hyperspy.api as hs
import numpy as np
import pytest
import tifffile
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_hrtemnn import load_in_situ
from hyperspy_hrtemnn.cli import main
from hyperspy_hrtemnn.io.containers import ALLOW_EXTERNAL
from hyperspy_hrtemnn.io.expressions import is_plain
from hyperspy_hrtemnn.io.whole_frames import load_images

SHAPE = 5, 32, 48
GROUP = "Experiments/__unnamed__"
COMMANDS = {
    "segment": ["--model", "au-ceo2-mask", "--out", "out.hspy"],
    "track": ["--min-separation", "2 nm", "--out", "out.hspy"],
    "follow": ["--model", "au-ceo2-mask", "--min-separation", "2 nm", "--out", "out"],
    "atoms": ["--model", "mos2-columns", "--out", "out", "--mtf", "inf", "1"],
    "detector": ["--out", "out.json"],
}


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Return the path of a movie in .hspy, in the current folder."""
    monkeypatch.chdir(tmp_path)
    signal = hs.signals.Signal2D(np.random.default_rng(0).random(SHAPE, "float32"))
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.02, "nm"
    signal.save(tmp_path / "movie.hspy")
    return tmp_path / "movie.hspy"


def in_axis(group, expression, **values):
    attributes = group["axis-0"].attrs
    for name in list(attributes):
        del attributes[name]
    attributes["_type"] = "FunctionalDataAxis"
    attributes["expression"], attributes["navigate"] = expression, True
    attributes["size"] = SHAPE[0]
    attributes.update(values)


def in_axis_of_axis(group, expression):
    in_axis(group, "x + 1")
    x = group["axis-0"].create_group("x").attrs
    x["expression"], x["size"] = expression, SHAPE[0]


def below(part, key):
    def write(group, expression):
        axis = group[part].create_group(f"{key}/axes/0").attrs
        axis["expression"], axis["size"], axis["navigate"] = expression, 3, True

    return write


def signal_in(part):
    def write(group, expression):
        group.file.copy(group, group[part], "_sig_q")
        in_axis(group[f"{part}/_sig_q"], expression)

    return write


PLACES = {
    "axis": in_axis,
    "axis of an axis": in_axis_of_axis,
    "axes in metadata": below("metadata/General", "_hspy_AxesManager_q"),
    "axis in metadata": below("metadata", "_hspy_Axis_q"),
    "signal in metadata": signal_in("metadata"),
    "signal in original metadata": signal_in("original_metadata"),
}


@pytest.mark.parametrize("place", PLACES)
def test_no_expression_of_a_file_runs_a_program(file, place):
    evil = "__import__('pathlib').Path('marker').touch() or x"
    with h5py.File(file, "a") as h5:
        PLACES[place](h5[GROUP], evil)
    with pytest.raises(ValueError, match="run as a program"):
        load_images(file)
    assert not Path("marker").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_refuses_a_file_that_runs_a_program_in_one_line(file, command):
    with h5py.File(file, "a") as h5:
        in_axis(h5[GROUP], "__import__('pathlib').Path('marker').touch() or x")
    result = CliRunner().invoke(main, [command, file.name, *COMMANDS[command]])
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "run as a program" in result.output
    assert list(Path().iterdir()) == [Path("movie.hspy")]


def test_a_frame_of_an_in_situ_folder_runs_no_program(file):
    with h5py.File(file, "a") as h5:
        signal_in("metadata")(h5[GROUP], "__import__('os').mkdir('marker') or x")
    file.rename("m_Hour_00_Minute_00_Second_00_Frame_0000.hspy")
    with pytest.raises(ValueError, match="run as a program"):
        load_in_situ(file.parent)
    assert not Path("marker").exists()


def test_a_plain_formula_still_makes_an_axis(file):
    with h5py.File(file, "a") as h5:
        in_axis(h5[GROUP], "a * x**2 + sqrt(b + x)", a=2.0, b=4.0)
    movie = load_images(file)
    assert movie.axes_manager[0].axis[0] == 2
    assert movie.data.compute().shape == SHAPE


@pytest.mark.parametrize("text", ["a*log10(x+1)", "abs(x)", "a*tanh(x/b)", "sinh(x)"])
def test_formulas_of_calibrations_are_plain(text):
    assert is_plain(text)


@settings(deadline=None)
@given(st.text("x9*().,;_[]'\"a =:+-/lambdexp", max_size=40))
def test_a_plain_formula_has_no_attribute_text_or_other_call(text):
    if is_plain(text):
        assert not set(text) & set("[]'\";:=,")


@pytest.mark.parametrize(
    "text",
    [
        *("x.func", "x[0]", "'x'", "_", "9**99", "x**x**x", "exp(exp(9))", "print(x)"),
        *("(lambda: 1)()", "x; a = 1", "x if x else 1", "f'{x}'", "\0", "("),
        *("(" * 300, "x" * 300),
    ],
)
def test_what_is_not_a_plain_formula(text):
    assert not is_plain(text)


def test_no_module_is_imported_because_a_file_names_it(file):
    (file.parent / "marker_module.py").write_text("open('marker', 'w')")
    with h5py.File(file, "a") as h5:
        h5[GROUP].attrs["package"] = "marker_module"
    sys.path.insert(0, str(file.parent))
    try:
        load_images(file)
    finally:
        sys.path.pop(0)
    assert "marker_module" not in sys.modules


def externals():
    """Return functions that put the data of a file elsewhere, by name."""

    def link(group):
        del group["data"]
        group["data"] = h5py.ExternalLink("secret.h5", "/data")

    def link_in_metadata(group):
        group["original_metadata/secret"] = h5py.ExternalLink("secret.h5", "/data")

    def raw(group):
        del group["data"]
        size = int(np.prod(SHAPE)) * 4
        group.create_dataset("data", SHAPE, "f4", external=[("secret.raw", 0, size)])

    def virtual(group):
        del group["data"]
        layout = h5py.VirtualLayout(SHAPE, "f4")
        layout[:] = h5py.VirtualSource("secret.h5", "data", SHAPE)
        group.create_virtual_dataset("data", layout)

    return {each.__name__: each for each in (link, link_in_metadata, raw, virtual)}


@pytest.mark.parametrize("kind", externals())
def test_a_file_that_opens_others_is_refused_unless_allowed(file, kind, monkeypatch):
    data = np.ones(SHAPE, "f4")
    data.tofile("secret.raw")
    with h5py.File("secret.h5", "w") as h5:
        h5.create_dataset("data", data=data, chunks=(1, *SHAPE[1:]))
    with h5py.File(file, "a") as h5:
        externals()[kind](h5[GROUP])
    with pytest.raises(ValueError, match=rf"secret.*{ALLOW_EXTERNAL}=1"):
        load_images(file)
    monkeypatch.setenv(ALLOW_EXTERNAL, "1")
    if kind == "link":
        assert load_images(file).data.sum().compute() == data.size


def test_a_circle_of_groups_ends(file):
    with h5py.File(file, "a") as h5:
        h5[GROUP]["original_metadata"]["round"] = h5["/"]
        h5["also"] = h5py.SoftLink("/nowhere")
    with h5py.File(file, "a") as h5:
        del h5[GROUP]["original_metadata"]["round"]
        h5["round"] = h5["/"]
    assert load_images(file).data.shape == SHAPE


@pytest.mark.parametrize("name", [".zarray", "zarr.json"])
def test_a_pickled_zarr_is_refused(tmp_path, name):
    array = tmp_path / "movie.zspy" / "Experiments" / "a" / "data"
    array.mkdir(parents=True)
    codec = {"filters": [{"id": "pickle"}], "codecs": [{"name": "numcodecs.pickle"}]}
    (array / name).write_text(json.dumps({"shape": [1], **codec}))
    (array / "0").write_bytes(pickle.dumps("nothing"))
    with pytest.raises(ValueError, match="pickled"):
        load_images(tmp_path / "movie.zspy")


def test_a_zarr_with_links_to_elsewhere_is_refused(tmp_path):
    folder = tmp_path / "movie.zspy"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    try:
        (folder / "0.0").symlink_to(tmp_path / "secret")
    except OSError:
        pytest.skip("links need a right here that this user does not have")
    with pytest.raises(ValueError, match="secret"):
        load_images(folder)


def more_pieces_than_bytes(group):
    del group["data"]
    group.create_dataset("data", (10**12, 32, 48), "f4", chunks=(1, 32, 48))


def petabytes(group):
    del group["data"]
    group.create_dataset("data", (10**5, 4096, 4096), "f4", chunks=(250, 1024, 1024))


def an_axis_of_a_terabyte(group):
    group["axis-0"].attrs["size"] = 10**12


@pytest.mark.parametrize(
    "claim", [more_pieces_than_bytes, petabytes, an_axis_of_a_terabyte]
)
def test_an_hspy_that_claims_too_much_is_refused_before_memory_is_asked_for(
    file, claim
):
    with h5py.File(file, "a") as h5:
        claim(h5[GROUP])
    with pytest.raises(ValueError, match=r"movie\.hspy .*damaged"):
        load_images(file)


def test_an_image_larger_than_the_memory_is_refused(file, monkeypatch):
    monkeypatch.setattr("hyperspy_hrtemnn.io.claims._memory", lambda: 5000)
    with pytest.raises(ValueError, match=r"\(32, 48\) pixels.*GiB of memory"):
        load_images(file)


def npy(path, shape):
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(b"\0" * 1000)


def mrc(path, shape):
    header = np.zeros(256, "<i4")
    header[:4] = *shape[::-1], 2
    header[52] = int.from_bytes(b"MAP ", "little")
    path.write_bytes(header.tobytes() + b"\0" * 1000)


@pytest.mark.parametrize("write", [npy, mrc], ids=["npy", "mrc"])
@pytest.mark.parametrize("shape", [(10, 64, 64), (2, 2**30, 2**30), (10**9, 64, 64)])
def test_a_header_that_claims_more_than_the_file_holds_is_refused(
    tmp_path, write, shape
):
    path = tmp_path / f"movie.{write.__name__}"
    write(path, shape)
    with pytest.raises(ValueError, match=r"is cut off or damaged: its header says"):
        load_images(path)


@pytest.mark.parametrize("shape", [(0, 32, 48), (3, 1, 48), (3, 32, 1), (3, 0, 48)])
def test_movies_without_frames_and_images_without_sides_are_refused(file, shape):
    with h5py.File(file, "a") as h5:
        group = h5[GROUP]
        del group["data"]
        group.create_dataset("data", shape, "f4", maxshape=(None,) * 3)
        for i, size in enumerate(shape):
            group[f"axis-{i}"].attrs["size"] = size
    with pytest.raises(ValueError, match=r"movie\.hspy (is a movie|has images|cannot)"):
        load_images(file)


def imagej(path, movie):
    tifffile.imwrite(path, movie, imagej=True)


def shaped(path, movie):
    tifffile.imwrite(path, movie)


def compressed(path, movie):
    tifffile.imwrite(path, movie, compression="zlib")


def ome(path, movie):
    tifffile.imwrite(path, movie, ome=True)


def page_by_page(path, movie):
    with tifffile.TiffWriter(path) as writer:
        for frame in movie:
            writer.write(frame, contiguous=False, metadata=None)


@pytest.mark.parametrize("write", [imagej, shaped, compressed, ome, page_by_page])
def test_a_tiff_that_is_cut_off_is_refused_not_read_in_part(tmp_path, write):
    movie = np.random.default_rng(0).integers(0, 60000, (6, 32, 48), "uint16")
    path = tmp_path / "movie.tif"
    write(path, movie)
    np.testing.assert_array_equal(load_images(path).data.compute(), movie)
    whole = path.read_bytes()
    for part in np.linspace(0, 1, 12)[1:-1]:
        path.write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(ValueError, match=r"cut off|cannot be read"):
            load_images(path)
    # One page that kept the text of six is whole.
    with tifffile.TiffWriter(path) as writer:
        writer.write(movie[0], description="ImageJ=1.53\nimages=6", metadata=None)
    assert load_images(path).data.shape == movie.shape[1:]


def test_a_pipe_is_not_waited_for(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no pipes in folders")
    os.mkfifo(tmp_path / "movie.tif")
    with pytest.raises(ValueError, match="not a file"):
        load_images(tmp_path / "movie.tif")


@pytest.mark.parametrize(
    ("hour", "number"), [("00", "9" * 12), ("9" * 12, "0000"), ("00", "9" * 50)]
)
def test_a_frame_that_no_camera_writes_is_refused_by_name(tmp_path, hour, number):
    name = f"m_Hour_{hour}_Minute_00_Second_00_Frame_{number}.dm4"
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ValueError, match=rf"{name} says.*take {name} out"):
        load_in_situ(tmp_path)


@pytest.mark.parametrize("command", ["segment", "follow", "detector"])
def test_a_frame_that_cannot_be_read_is_named_by_its_number(file, command):
    data = np.random.default_rng(0).random((5, 64, 80), "float32")
    signal = hs.signals.Signal2D(data)
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.02, "nm"
    signal.save(file, chunks=(1, 64, 80), overwrite=True)
    with h5py.File(file) as h5:
        chunk = h5[GROUP]["data"].id.get_chunk_info(3)
    whole = bytearray(file.read_bytes())
    start, end = chunk.byte_offset, chunk.byte_offset + chunk.size
    whole[start:end] = b"\xaa" * chunk.size
    file.write_bytes(whole)
    options = ["--on-bad-frame", "raise"]
    if command == "detector":
        options = ["--counts-per-electron", "1"]
    arguments = [command, file.name, *COMMANDS[command], *options]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "Frame 3: " in result.output.splitlines()[-1]


def test_an_ome_tiff_with_pages_in_another_folder_is_refused(tmp_path):
    path = tmp_path / "movie.ome.tif"
    ome(path, np.ones((6, 32, 48), "uint16"))
    with tifffile.TiffFile(path) as tiff:
        text = tiff.ome_metadata
    uuid = '<UUID FileName="../secret.tif">urn:uuid:0</UUID>'
    text = text.replace('PlaneCount="6"/>', f'PlaneCount="6">{uuid}</TiffData>')
    assert uuid in text
    tifffile.imwrite(path, np.ones((6, 32, 48), "uint16"), description=text)
    with pytest.raises(ValueError, match=r"another folder, '\.\./secret\.tif'"):
        load_images(path)
