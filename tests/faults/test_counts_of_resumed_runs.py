# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers of replaced pixels in a result that was made in several runs."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest
import tiny_networks

from hyperspy_hrtemnn.jobs.segmenting import segment_file
from hyperspy_hrtemnn.options import PredictionOptions
from hyperspy_hrtemnn.signals import HRTEM

FRAMES = 3


@pytest.fixture
def segment(tmp_path):
    """Segment a movie with one hot pixel a frame into a file of this name."""
    data = np.random.default_rng(4).normal(5, 0.1, (FRAMES, 31, 43)).astype(np.float32)
    for number in range(FRAMES):
        data[number, 10 + number, 20] = 1e4
    movie = HRTEM(data)
    for axis in movie.axes_manager.signal_axes:
        axis.scale, axis.units = 0.02, "nm"
    movie.save(tmp_path / "movie.hspy", chunks=(1, 31, 43))
    network = tiny_networks.brightness(tmp_path / "n.onnx", standardization_width=4.0)

    def run(name):
        out = tmp_path / name
        movie = tmp_path / "movie.hspy"
        segment_file(movie, str(network), out, options=PredictionOptions())
        return hs.load(out)

    return run


def stopped(segment, name):
    """Finish all frames, and nothing else."""

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hyperspy_hrtemnn.jobs.segmenting.finish", stop)
        with pytest.raises(KeyboardInterrupt):
            segment(name)


@pytest.mark.filterwarnings("ignore:.*these finished frames are damaged")
@pytest.mark.parametrize("lost", ["none", "000001.npy", "replaced/000001.npy"])
def test_a_run_that_goes_on_counts_what_was_replaced_in_all_frames(
    segment, tmp_path, lost
):
    whole = segment("whole.hspy").metadata.HRTEMNN.Images.as_dictionary()
    assert whole["frames_with_bad_pixels"] == FRAMES
    stopped(segment, "out.hspy")
    if lost != "none":
        (tmp_path / "out.hspy.frames" / lost).write_bytes(b"")
    resumed = segment("out.hspy").metadata.HRTEMNN.Images.as_dictionary()
    assert resumed == whole
