# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network of particles does on 20 experimental images.

    python docs/membrane_images.py NETWORK FOLDER SAMPLING

The images in FOLDER/nanoparticles_on_membrane are those of
msa-em/microscopy-seg-track (CC-BY-4.0): metal particles on a thin membrane, 512 x 512
pixels. Their size is not in the files: SAMPLING, in nm, is what they are taken for.
Writes F1 against the masks drawn by hand into the page of the network, and draws four
of them, with the particles that `track_instances` finds in the network's masks.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
from network_page import DOCS, replace_part

from hrtemnn_training.scores import f1_score

SHOWN = (1, 6, 11, 16)
SEPARATION = 55  # pixels, about the width of a small particle


def calibrated(data: np.ndarray, sampling: float) -> hs.signals.Signal2D:
    """Return an image with its pixel size."""
    signal = hs.signals.Signal2D(data)
    signal.set_signal_type("HRTEM")
    for axis, name in zip(signal.axes_manager.signal_axes, "xy", strict=True):
        axis.name, axis.scale, axis.units = name, sampling, "nm"
    return signal


def main() -> None:
    """Write the scores and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network")
    parser.add_argument("folder", type=Path)
    parser.add_argument("sampling", type=float, help="size of a pixel [nm]")
    options = parser.parse_args()
    folder = options.folder / "nanoparticles_on_membrane"
    paths = sorted(folder.glob("images/*.png"), key=lambda p: int(p.stem.split("_")[1]))
    scores = []
    figure, rows = plt.subplots(2, len(SHOWN), figsize=(14, 7.2), layout="constrained")
    for path in paths:
        number = int(path.stem.split("_")[1])
        image = calibrated(plt.imread(path)[..., 0], options.sampling)
        drawn = plt.imread(folder / "labels" / f"label_{number}.png")[..., 0] > 0.5
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the page says what is out of range
            segmentation = image.segment(options.network, show_progressbar=False)
        found = segmentation.data > 0.9
        scores.append(f1_score(found, drawn))
        if number in SHOWN:
            ax = rows[0, SHOWN.index(number)]
            ax.imshow(image.data, cmap="gray")
            ax.contour(drawn, [0.5], colors="tab:green", linewidths=1)
            if found.any():
                ax.contour(found, [0.5], colors="tab:red", linewidths=1)
            ax.set(title=f"image {number}, F1 {scores[-1]:.2f}", xticks=[], yticks=[])
            particles = segmentation.track_instances(
                SEPARATION * options.sampling,
                min_area=SEPARATION * options.sampling**2,
                show_progressbar=False,
            )
            particles.plot_overlay(image, ax=rows[1, SHOWN.index(number)])
    rows[0, 0].set_ylabel("green by hand, red by network")
    rows[1, 0].set_title("particles of the network")
    figure.savefig(DOCS / "pictures" / options.network / "real_images.png", dpi=80)
    result = (
        f"F1 against the {len(scores)} hand-drawn masks at probability 0.9, pixels "
        f"taken for {options.sampling:g} nm: mean {np.mean(scores):.3f}, from "
        f"{min(scores):.3f} to {max(scores):.3f}."
    )
    replace_part(DOCS / f"{options.network}.md", "real images", result)
    print(result)


if __name__ == "__main__":
    main()
