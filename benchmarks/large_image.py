# SPDX-License-Identifier: GPL-3.0-or-later
"""A 4096 x 4096 image through `segment`, against the time its bare tiles take.

    python benchmarks/large_image.py

Once with pixels of the network's own sampling, so that all 4096 x 4096 go through it,
and once with pixels of 0.1 Å, as a microscope takes them, which are resampled first.
"""

from __future__ import annotations

import argparse
import os
import resource
import time

import hyperspy.api as hs
import numpy as np

from hyperspy_hrtemnn.networks import Network, load
from hyperspy_hrtemnn.networks._inference import working_shape
from hyperspy_hrtemnn.networks._tiling import spans


def bare_tiles(network: Network, shape: tuple[int, int]) -> float:
    """Return the seconds the tiles of an image take, one after the other."""
    card = network.card
    sides = [
        spans(n, receptive_field=card.receptive_field, stride=card.stride)
        for n in shape
    ]
    seconds = 0.0
    rng = np.random.default_rng(0)
    # The first inference of a size takes the memory that later ones find.
    network.predict(
        np.zeros((1, 1, *(max(s.stop - s.start for s in side) for side in sides)), "f4")
    )
    for rows in sides[0]:
        for columns in sides[1]:
            size = (1, 1, rows.stop - rows.start, columns.stop - columns.start)
            tile = rng.standard_normal(size, np.float32)
            start = time.perf_counter()
            network.predict(tile)
            seconds += time.perf_counter() - start
    return seconds


def main() -> None:
    """Print times, the overhead and the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=4096)
    side = parser.parse_args().side
    network = load("au-ceo2-mask")
    counts = np.random.default_rng(1).poisson(20, (side, side)).astype(np.uint16)
    print(f"{side} x {side} pixels, {os.cpu_count()} cores")
    for sampling in (network.card.sampling, 0.1):
        image = hs.signals.Signal2D(counts)
        image.set_signal_type("HRTEM")
        for axis in image.axes_manager.signal_axes:
            axis.scale, axis.units = sampling, "angstrom"
        shape = working_shape(network.card, counts.shape, sampling)
        tiles = bare_tiles(network, shape)
        start = time.perf_counter()
        image.segment(network, show_progressbar=False)
        whole = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"pixels of {sampling} Å, {shape[0]} x {shape[1]} in the network: "
            f"segment {whole:.2f} s, bare tiles {tiles:.2f} s, "
            f"overhead {whole / tiles - 1:+.1%}, "
            f"peak memory of the process {peak:.2f} GiB"
        )


if __name__ == "__main__":
    main()
