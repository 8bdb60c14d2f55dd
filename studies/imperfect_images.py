# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw an image with hot pixels, a turned border and a scale bar, and the clean one.

    python studies/imperfect_images.py

Draws what `au-ceo2-mask` finds in both, and what counts as data, for the page
``docs/imperfect_images.md``, and writes the areas into it. Takes five seconds.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
from scipy import ndimage

from hyperspy_hrtemnn.data import au_ceo2_movie
from hyperspy_hrtemnn.image_data import image_data
from pages import DOCS, PICTURES, replace_part

if TYPE_CHECKING:
    import pandas as pd

FRAME = 3
TURN = 6  # degrees
HOT = 12  # pixels

TEXT = (
    " ###                     ",
    "#   #                    ",
    "    #     # ##   ## #    ",
    "   #      ##  #  # # #   ",
    "  #       #   #  # # #   ",
    " #        #   #  # # #   ",
    "#####     #   #  # # #   ",
)


def spoiled(image: np.ndarray) -> np.ndarray:
    """Return an image turned, with hot pixels and a burnt-in bar of 2 nm."""
    generator = np.random.default_rng(0)
    image = image.astype(float)
    rows, columns = (generator.integers(n, size=HOT) for n in image.shape)
    image[rows, columns] = 5000
    image = ndimage.rotate(image, TURN, reshape=False, order=0, cval=0)
    image[440:476, 350:490] = 0
    image[464:469, 370:470] = 255
    letters = np.array([list(line) for line in TEXT]) == "#"
    written = np.kron(letters, np.ones((2, 2), bool))
    place = image[446 : 446 + written.shape[0], 395 : 395 + written.shape[1]]
    place[written] = 255
    return image


def main() -> None:
    """Draw the picture and write the areas."""
    hs.preferences.General.show_progressbar = False
    clean = au_ceo2_movie().inav[FRAME]
    turned = ndimage.rotate(clean.data, TURN, reshape=False, order=0, mode="mirror")
    figure, axes = plt.subplots(1, 3, figsize=(13, 5), layout="constrained")
    areas: list[str] = []
    titles = "As it was recorded", "As it arrives, and its particles"
    images = turned, spoiled(clean.data)
    for ax, data, title in zip(axes[:2], images, titles, strict=True):
        image = clean.deepcopy()
        image.data = data
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            segmentation = image.segment("au-ceo2-mask")
        particles = segmentation.track_instances("1.2 nm", min_area="1 nm^2")
        areas.append(_listed(particles.properties()["area"]))
        image.data = np.clip(data, 0, 60)
        particles.plot_overlay(image, ax=ax, show_ids=False)
        ax.set_title(title)
    data = images[1]
    found = image_data(data)
    axes[2].imshow(found.valid, cmap="gray", vmin=-0.5, vmax=1.2)
    axes[2].set_title(f"Data, and {found.bad_pixels} pixels that were replaced")
    rows, columns = np.nonzero(data == 5000)
    axes[2].plot(columns, rows, "o", mfc="none", mec="tab:red")
    axes[2].set_axis_off()
    figure.savefig(PICTURES / "imperfect_images.png", dpi=80)
    text = (
        f"The areas of these three particles are {areas[0]} nm² in the clean image and "
        f"{areas[1]} nm² in the other one."
    )
    replace_part(DOCS / "imperfect_images.md", "areas", text)


def _listed(areas: pd.Series[float]) -> str:
    *others, last = (f"{area:.4f}" for area in areas)
    return f"{', '.join(others)} and {last}"


if __name__ == "__main__":
    main()
