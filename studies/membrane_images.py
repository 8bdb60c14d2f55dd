# SPDX-License-Identifier: GPL-3.0-or-later
"""Score a network of particles on 20 experimental images.

    python studies/membrane_images.py NETWORK FOLDER SAMPLING

The images in FOLDER/nanoparticles_on_membrane are those of
msa-em/microscopy-seg-track (CC-BY-4.0): metal particles on a thin membrane, 512 x 512
pixels. Their size is not in the files: SAMPLING is the size of a pixel, in nm, that is
assumed. Writes F1 against the masks drawn by hand into the page of the network, with
the reliability of its probabilities there, now and as it was trained; and draws four of
them, with the particles that `track_instances` finds in the network's masks. Takes one
minute on two cores. Needs the extra `training`.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np

from as_trained import as_trained
from hrtemnn_training.metrics.pixels import f1_score
from hrtemnn_training.metrics.reliability import Reliability
from hrtemnn_training.metrics.unbiased_area import UnbiasedArea
from hyperspy_hrtemnn.networks import load
from hyperspy_hrtemnn.signals import HRTEM
from pages import DOCS, PICTURES, replace_part, table
from reliability_page import draw_curves

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

    from hyperspy_hrtemnn.networks import Network
    from hyperspy_hrtemnn.signals import Segmentation

SHOWN = (1, 6, 11, 16)
SEPARATION = 55  # pixels, about the width of a small particle


def calibrated(data: np.ndarray, sampling: float) -> HRTEM:
    """Return an image with its pixel size."""
    signal = HRTEM(data)
    for axis, name in zip(signal.axes_manager.signal_axes, "xy", strict=True):
        axis.name, axis.scale, axis.units = name, sampling, "nm"
    return signal


class Scored:
    """F1 against the masks drawn by hand, and how often the network is right.

    Parameters
    ----------
    network
        The network.
    threshold
        Smallest probability of a particle; that of its card if None.
    """

    def __init__(self, network: Network, threshold: float | None = None) -> None:
        self.network = network
        self.threshold = threshold or network.card.unbiased_threshold
        self.f1: list[float] = []
        self.f1_half: list[float] = []
        self._reliability = Reliability()
        self._areas = UnbiasedArea()

    def segment(self, image: HRTEM, drawn: np.ndarray) -> Segmentation:
        """Segment an image, and score what is found."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the page says what is out of range
            segmentation = image.segment(self.network, show_progressbar=False)
        probability = segmentation.data
        self.f1.append(f1_score(probability >= self.threshold, drawn))
        self.f1_half.append(f1_score(probability >= 0.5, drawn))
        self._reliability.add(probability, drawn)
        self._areas.add(probability, drawn)
        return segmentation

    def curve(self) -> dict[str, Any]:
        """Return the reliability curve; see `Reliability.summary`."""
        return self._reliability.summary()

    def unbiased(self) -> float | None:
        """Return the threshold at which the drawn area is found."""
        return self._areas.threshold()


def read_images(folder: Path) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield number, image and drawn mask."""
    paths = folder.glob("images/*.png")
    for path in sorted(paths, key=lambda p: int(p.stem.split("_")[1])):
        number = int(path.stem.split("_")[1])
        label = plt.imread(folder / "labels" / f"label_{number}.png")
        yield number, plt.imread(path)[..., 0], label[..., 0] > 0.5


def draw(
    image: HRTEM, segmentation: Segmentation, drawn: np.ndarray, column: list[Axes]
) -> None:
    """Draw both outlines over an image, and the particles below."""
    above, below = column
    above.imshow(image.data, cmap="gray")
    above.contour(drawn, [0.5], colors="tab:green", linewidths=1)
    found = segmentation.threshold().data
    if found.any():
        above.contour(found, [0.5], colors="tab:red", linewidths=1)
    above.set(xticks=[], yticks=[])
    sampling = image.axes_manager[0].scale
    particles = segmentation.track_instances(
        SEPARATION * sampling,
        min_area=SEPARATION * sampling**2,
        show_progressbar=False,
    )
    particles.plot_overlay(image, ax=below)


def summary(now: Scored, trained: Scored, sampling: float) -> str:
    """Return the scores as text and a table."""
    columns = (trained, now)
    scores = {
        "F1 at the threshold of the network": [
            f"{np.mean(s.f1):.3f} (at {s.threshold:g})" for s in columns
        ],
        "F1 at 0.5": [f"{np.mean(s.f1_half):.3f}" for s in columns],
        "threshold at which the drawn area is found": [
            f"{s.unbiased():g}" for s in columns
        ],
        "expected calibration error": [
            f"{s.curve()['expected_calibration_error']:.3f}" for s in columns
        ],
    }
    rows = [[name, *cells] for name, cells in scores.items()]
    return (
        f"F1 against the {len(now.f1)} hand-drawn masks at probability "
        f"{now.threshold:g}, pixels taken for {sampling:g} nm: mean "
        f"{np.mean(now.f1):.3f}, from {min(now.f1):.3f} to {max(now.f1):.3f}.\n\n"
        + table(["", "as trained", "as it is"], rows)
    )


def main() -> None:
    """Write the scores and draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network")
    parser.add_argument("folder", type=Path)
    parser.add_argument("sampling", type=float, help="size of a pixel [nm]")
    options = parser.parse_args()
    pictures = PICTURES / options.network
    now = Scored(load(options.network))
    figure, rows = plt.subplots(2, len(SHOWN), figsize=(14, 7.2), layout="constrained")
    with TemporaryDirectory() as temporary:
        trained = Scored(as_trained(now.network, Path(temporary)))
        folder = options.folder / "nanoparticles_on_membrane"
        for number, data, drawn in read_images(folder):
            image = calibrated(data, options.sampling)
            trained.segment(image, drawn)
            segmentation = now.segment(image, drawn)
            if number in SHOWN:
                column = rows[:, SHOWN.index(number)]
                draw(image, segmentation, drawn, column)
                column[0].set_title(f"image {number}, F1 {now.f1[-1]:.2f}")
    rows[0, 0].set_ylabel("green by hand, red by network")
    rows[1, 0].set_title("particles of the network")
    figure.savefig(pictures / "real_images.png", dpi=80)
    curves = {"as trained": trained.curve(), "as it is": now.curve()}
    draw_curves(curves, pictures / "real_reliability.png")
    result = summary(now, trained, options.sampling)
    replace_part(DOCS / f"{options.network}.md", "real images", result)
    print(result)


if __name__ == "__main__":
    main()
