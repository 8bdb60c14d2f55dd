# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies on disk in chunks of parts of many frames: what is read for a few frames."""

from __future__ import annotations

import struct
import tracemalloc
import warnings

import dask
import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
import tiny_networks
from own_warnings import of_ours

from hyperspy_hrtemnn.io.whole_frames import load_images
from hyperspy_hrtemnn.signals import HRTEM
from hyperspy_hrtemnn.signals._shared import deferred
from hyperspy_hrtemnn.signals._shared.chunks import warn_if_read_often
from hyperspy_hrtemnn.signals._shared.deferred import deferred_blocks, whole_frames
from hyperspy_hrtemnn.signals._shared.frames import frames

N, Y, X = 50, 200, 240
FRAME_BYTES = Y * X * 2


@pytest.fixture(autouse=True)
def blocks_of_two_frames(monkeypatch):
    """What 4096 x 4096 pixels give, with chunks as small in proportion."""
    monkeypatch.setattr(deferred, "_BLOCK_BYTES", 2 * FRAME_BYTES)
    with dask.config.set({"array.chunk-size": 8 * FRAME_BYTES}):
        yield


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(3).integers(0, 4000, (N, Y, X), np.uint16)


@pytest.fixture(scope="module")
def mrc(tmp_path_factory, pixels):
    """A file of the MRC format, mode 6."""
    header = bytearray(1024)
    struct.pack_into("<4i", header, 0, X, Y, N, 6)
    struct.pack_into("<3i3f", header, 28, X, Y, N, X / 10, Y / 10, N)
    struct.pack_into("<3f3i", header, 52, 90, 90, 90, 1, 2, 3)
    header[208:214] = b"MAP \x44\x44"
    path = tmp_path_factory.mktemp("movie") / "movie.mrc"
    path.write_bytes(bytes(header) + pixels.tobytes())
    return path


def peak(function):
    """Return the result of a function, and the most memory it took, in frames."""
    tracemalloc.start()
    try:
        return function(), tracemalloc.get_traced_memory()[1] / FRAME_BYTES
    finally:
        tracemalloc.stop()


def test_a_block_is_cut_out_of_chunks_that_span_time(mrc, pixels):
    movie = hs.load(mrc, lazy=True)
    in_time, *in_space = movie.data.numblocks
    assert in_time == 1
    assert min(in_space) > 1
    blocks = deferred_blocks(whole_frames(movie))
    assert len(blocks) == N // 2
    loaded, memory = peak(blocks[7].load)
    np.testing.assert_array_equal(loaded, pixels[14:16])
    assert memory < 5
    one = frames(movie)[9]
    loaded, memory = peak(lambda: one.compute(scheduler="sync"))
    np.testing.assert_array_equal(loaded, pixels[9:10])
    assert memory < 5


def test_a_block_reads_each_chunk_once(pixels):
    read = []

    def chunk(block_info=None):
        place = block_info[None]["array-location"]
        read.append(tuple(place))
        return pixels[tuple(slice(*side) for side in place)]

    chunks = da.core.normalize_chunks((5, 90, 110), pixels.shape)
    movie = HRTEM(np.zeros((1, 1))).as_lazy()
    movie.data = da.map_blocks(
        chunk, chunks=chunks, dtype=np.uint16, meta=np.empty((0, 0, 0), np.uint16)
    )
    block = deferred_blocks(whole_frames(movie))[3]
    assert read == []
    np.testing.assert_array_equal(block.load(), pixels[6:8])
    assert len(read) == len(set(read)) == 3 * 3


@pytest.mark.parametrize("size", [1, 2])
def test_blocks_of_whole_frames_are_kept(pixels, size):
    chunks = da.core.normalize_chunks((size, -1, -1), pixels.shape)
    movie = hs.signals.Signal2D(da.from_array(pixels, chunks=chunks)).as_lazy()
    assert whole_frames(movie).chunks == chunks


def test_the_commands_load_whole_frames(mrc, pixels, tmp_path):
    movie = load_images(mrc)
    assert movie.data.chunksize == (1, Y, X)
    np.testing.assert_array_equal(movie.data, pixels)
    hs.load(mrc).save(tmp_path / "part.hspy", chunks=(N, 50, 60))
    # This reader takes no chunks.
    assert load_images(tmp_path / "part.hspy").data.chunksize == (N, 50, 60)


def test_segment_warns_where_frames_are_read_many_times(mrc, tmp_path):
    network = tiny_networks.brightness(tmp_path / "bright.onnx")
    # What is computed from a mapped file is computed in its chunks.
    movie = hs.load(mrc, lazy=True) * 2
    movie.set_signal_type("HRTEM")
    with pytest.warns(UserWarning, match="hold 50 frames, .* up to 25 times") as caught:
        movie.segment(network, lazy_output=True)
    (warning,) = of_ours(caught)
    assert warning.filename == __file__
    assert "hs.load(..., lazy=True, chunks=(1, -1, -1))" in str(warning.message)


def test_no_warning_where_the_advice_was_taken(mrc, tmp_path):
    hs.load(mrc).save(tmp_path / "part.hspy", chunks=(N, 50, 60))
    movie = hs.load(tmp_path / "part.hspy", lazy=True)
    with pytest.warns(UserWarning, match=r'"movie.hspy", chunks=\(1, 200, 240\)\)'):
        warn_if_read_often(movie)
    movie.save(tmp_path / "movie.hspy", chunks=(1, Y, X), show_progressbar=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for good in (
            hs.load(tmp_path / "movie.hspy", lazy=True),
            hs.load(mrc, lazy=True, chunks=(1, -1, -1)) * 2,
            hs.load(mrc, lazy=True).inav[1:],  # parts are views of the file
            movie.inav[:8],
        ):
            warn_if_read_often(good)
