# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the pictures of ``docs/dragonfly.md`` and write its table.

    python studies/dragonfly_page.py

The menu items are installed, selected and clicked in the stand-in for Dragonfly as they
are in Dragonfly, one after the other, on the simulated movie of the package. Takes
twenty seconds.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap, PowerNorm
from matplotlib.figure import Figure
from skimage.segmentation import find_boundaries

from dragonfly_macros.install import install_items
from hyperspy_hrtemnn.data import au_ceo2_movie
from pages import DOCS, PICTURES, ROOT, replace_part, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

sys.path.append(str(ROOT / "tests" / "dragonfly"))

import dragonfly_stand_in
from dragonfly_stand_in import interface, model
from dragonfly_stand_in.session import Session, frames_of, open_grid

PAGE = DOCS / "dragonfly.md"
FOLDER = PICTURES / "dragonfly"
SHOWN = (0, 9, 19)  # frames
NETWORK = "au-ceo2-mask"
COLORS = ("#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#d55e00")


def main() -> None:
    """Click all items, in the order of a user."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    movie = au_ceo2_movie()
    pixel = movie.axes_manager.signal_axes[0].scale  # nm
    time = movie.axes_manager.navigation_axes[0].scale  # s
    dragonfly_stand_in.install()
    sys.modules.update(interface.qt("PyQt6"))
    with tempfile.TemporaryDirectory() as folder:
        install_items(Path(folder))
        dragonfly = Session(Path(folder))
        channel = open_grid(model.Channel, movie.data, "Z", "movie", pixel * 1e-9)
        (roi,) = dragonfly.click("Segment with network", [channel], NETWORK, ...)
        (labels,) = dragonfly.click("Label by 2+1D Connectivity", [roi], ...)
        particle = open_grid(
            model.ROI,
            (frames_of(labels) == 1).astype(np.uint8),
            "Z",
            "Particle 1",
            pixel * 1e-9,
        )
        (fft,) = dragonfly.click("Get FFT along time axis", [particle, channel], ...)
        areas = Path(folder, "areas.csv")
        with patch.object(plt, "show", _save_areas):
            dragonfly.click("Get ROI properties", [labels], f"{time:g}", str(areas))
        properties = pd.read_csv(areas)
    images = movie.data
    _draw_masks(images, frames_of(roi))
    _draw_labels(images, frames_of(labels))
    _draw_spectra(images, frames_of(particle), frames_of(fft), fft)
    replace_part(PAGE, "table", _first_rows(properties))


def _save_areas() -> None:
    plt.gcf().savefig(FOLDER / "areas.png", dpi=100)


def _panels(rows: int = 1) -> tuple[Figure, Any]:
    figure = Figure(figsize=(9, 3.2 * rows), layout="constrained")
    axes = figure.subplots(rows, len(SHOWN), squeeze=False)
    for panel in axes.flat:
        panel.set_xticks([])
        panel.set_yticks([])
    for panel, number in zip(axes[0], SHOWN, strict=True):
        panel.set_title(f"frame {number}", fontsize=10)
    return figure, axes


def _draw_masks(images: Any, masks: Any) -> None:
    figure, axes = _panels()
    for panel, number in zip(axes[0], SHOWN, strict=True):
        panel.imshow(images[number], cmap="gray")
        _outline(panel, masks[number])
    figure.savefig(FOLDER / "segment.png", dpi=100)


def _outline(panel: Axes, mask: Any) -> None:
    edge = np.ma.masked_equal(find_boundaries(mask != 0), 0)
    panel.imshow(edge, cmap=ListedColormap(["#ffd700"]), vmin=0)


def _draw_labels(images: Any, labels: Any) -> None:
    figure, axes = _panels()
    for panel, number in zip(axes[0], SHOWN, strict=True):
        panel.imshow(images[number], cmap="gray")
        panel.imshow(
            np.ma.masked_equal(labels[number], 0),
            cmap=ListedColormap(COLORS),
            vmin=0.5,
            vmax=len(COLORS) + 0.5,
            alpha=0.45,
            interpolation="nearest",
        )
        for i in np.unique(labels[number])[1:]:
            y, x = np.argwhere(labels[number] == i).mean(axis=0)
            panel.text(x, y, f"{i}", color="white", ha="center", va="center")
    figure.savefig(FOLDER / "labels.png", dpi=100)


def _draw_spectra(images: Any, masks: Any, spectra: Any, fft: Any) -> None:
    figure, axes = _panels(rows=2)
    side = spectra.shape[-1]
    step = fft.getXSpacing() * 1e9  # 1/nm
    # Zero is the middle of the pixel side // 2.
    low, high = (step * (edge - side // 2 - 0.5) for edge in (0, side))
    for (above, below), number in zip(axes.T, SHOWN, strict=True):
        y, x = np.argwhere(masks[number]).mean(axis=0).round().astype(int)
        above.imshow(images[number], cmap="gray")
        _outline(above, masks[number])
        above.set_xlim(x - side // 2, x + side // 2)
        above.set_ylim(y + side // 2, y - side // 2)
        below.imshow(
            spectra[number],
            cmap="magma",
            extent=(low, high, high, low),
            norm=PowerNorm(0.5, vmin=0, vmax=spectra.max()),
        )
        below.set_xlim(-7, 7)
        below.set_ylim(7, -7)
        below.set_xticks([-5, 0, 5])
        below.set_xlabel("1/nm")
    figure.savefig(FOLDER / "fft.png", dpi=100)


def _first_rows(properties: pd.DataFrame) -> str:
    shown = properties.iloc[:3, :8]
    rows = [
        [f"{value:.4g}" if isinstance(value, float) else f"{value}" for value in row]
        for row in shown.to_numpy().tolist()
    ]
    return table(list(map(str, shown)), rows)


if __name__ == "__main__":
    main()
