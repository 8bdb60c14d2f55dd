# SPDX-License-Identifier: GPL-3.0-or-later
"""What `au-ceo2-mask` does on experimental images of another material.

    python docs/real_images.py FOLDER_WITH_nanoparticles_on_membrane

The images are those of msa-em/microscopy-seg-track (CC-BY-4.0): metal particles on a
thin membrane, 512 x 512 pixels, taken for 0.027 nm each. Writes F1 against the masks
drawn by hand into the page of the network, and draws four of them, with the particles
that `track_instances` finds in the masks.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
from network_page import replace_part

SAMPLING = 0.027  # nm; from the fringes, if they are Au {111}
SHOWN = (1, 6, 11, 16)


def calibrated(data: np.ndarray, signal_type: str) -> hs.signals.Signal2D:
    """Return an image with its pixel size."""
    signal = hs.signals.Signal2D(data)
    signal.set_signal_type(signal_type)
    for axis, name in zip(signal.axes_manager.signal_axes, "xy", strict=True):
        axis.name, axis.scale, axis.units = name, SAMPLING, "nm"
    return signal


def main() -> None:
    """Write the scores and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder / "nanoparticles_on_membrane"
    paths = sorted(folder.glob("images/*.png"), key=lambda p: int(p.stem.split("_")[1]))
    scores = []
    figure, rows = plt.subplots(2, len(SHOWN), figsize=(14, 7.2), layout="constrained")
    for path in paths:
        number = int(path.stem.split("_")[1])
        image = calibrated(plt.imread(path)[..., 0], "HRTEM")
        drawn = plt.imread(folder / "labels" / f"label_{number}.png")[..., 0] > 0.5
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # 0.27 Å is outside the trained range
            segmentation = image.segment("au-ceo2-mask", show_progressbar=False)
        found = segmentation.data > 0.9
        total = found.sum() + drawn.sum()
        scores.append(2 * (found & drawn).sum() / total if total else np.nan)
        if number in SHOWN:
            ax = rows[0, SHOWN.index(number)]
            ax.imshow(image.data, cmap="gray")
            ax.contour(drawn, [0.5], colors="tab:green", linewidths=1)
            if found.any():
                ax.contour(found, [0.5], colors="tab:red", linewidths=1)
            ax.set(title=f"image {number}, F1 {scores[-1]:.2f}", xticks=[], yticks=[])
            mask = calibrated(drawn.astype(np.float32), "HRTEM_segmentation")
            particles = mask.track_instances(
                "1.5 nm", min_area="0.5 nm^2", show_progressbar=False
            )
            particles.plot_overlay(image, ax=rows[1, SHOWN.index(number)])
    rows[0, 0].set_ylabel("green by hand, red by network")
    rows[1, 0].set_title("particles of the hand masks")
    figure.savefig(Path(__file__).parent / "pictures" / "real_images.png", dpi=80)
    result = (
        f"F1 against the {len(scores)} hand-drawn masks at probability 0.9: mean "
        f"{np.mean(scores):.3f}, from {min(scores):.3f} to {max(scores):.3f}."
    )
    replace_part(Path(__file__).parent / "au-ceo2-mask.md", "real images", result)
    print(result)


if __name__ == "__main__":
    main()
