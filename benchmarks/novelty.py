# SPDX-License-Identifier: GPL-3.0-or-later
"""How much longer `segment` takes with the guard of a network than without it.

    python benchmarks/novelty.py NETWORK WITHOUT [--side 1024] [--repeats 5]

Both run in turn on the same image of noise, on one thread, so that whatever else the
machine does is the same for both. Prints the processor time of each, the median of the
repeats, and the ratio; the same for the mean over eight orientations, and for the
network alone.
"""

from __future__ import annotations

import argparse
import time
from statistics import median
from typing import TYPE_CHECKING

import hyperspy.api as hs
import numpy as np

from hyperspy_hrtemnn.networks import load, predict

if TYPE_CHECKING:
    from collections.abc import Callable


def measured(work: Callable[[], object]) -> float:
    """Return the processor time that something takes [s]."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", help="path of a network with a guard")
    parser.add_argument("without", help="path of the network without it, or its name")
    parser.add_argument("--side", type=int, default=1024, help="pixels of the network")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    network = load(arguments.without, "cpu").limited(1)
    guarded = load(arguments.network, "cpu").limited(1).with_novelty()
    sampling = network.card.sampling
    rng = np.random.default_rng(0)
    image = rng.poisson(40, (arguments.side, arguments.side)).astype(np.float32)
    works = {
        "predict": (
            lambda: predict(network, image, sampling),
            lambda: predict(guarded, image, sampling),
        ),
        "averaged": (
            lambda: predict(network.averaged(), image, sampling),
            lambda: predict(guarded.averaged(), image, sampling),
        ),
    }
    signal = hs.signals.Signal2D(image)
    signal.set_signal_type("HRTEM")
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = sampling, "Å"
    began = time.process_time()
    segmentation = signal.segment(guarded, show_progressbar=False)
    print(f"segment: {time.process_time() - began:.2f} s, {segmentation.novelty}")
    for name, (without, with_guard) in works.items():
        repeats = 1 if name == "averaged" else arguments.repeats
        pairs = [(measured(without), measured(with_guard)) for _ in range(repeats)]
        bare, more = (median(times) for times in zip(*pairs, strict=True))
        print(f"{name}: {bare:.2f} s without, {more:.2f} s with: {more / bare:.3f}")


if __name__ == "__main__":
    main()
