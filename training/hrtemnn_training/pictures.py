# SPDX-License-Identifier: GPL-3.0-or-later
"""Training images with their labels, drawn for a person to check them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .batches import ImageEpoch
from .generation import data_path
from .store import DataSet
from .whole_files import written_whole

if TYPE_CHECKING:
    from pathlib import Path

    from .recipe import Recipe


def draw_images(recipe: Recipe, folder: Path, count: int) -> Path:
    """Draw standardized training images with their labels outlined.

    Parameters
    ----------
    recipe
        What the images are drawn from.
    folder
        Of the run, with the exit waves; gets ``images.png``.
    count
        How many images.

    Returns
    -------
    The path of the picture.

    Raises
    ------
    StoreError
        If there are no exit waves.
    ValueError
        If there are fewer structures than images asked for.
    """
    from matplotlib.figure import Figure

    data = DataSet(data_path(folder, "train"))
    if count > len(data):
        raise ValueError(f"{count} images asked for, of only {len(data)} structures.")
    epoch = ImageEpoch(
        data,
        recipe.images,
        energy=recipe.waves.energy,
        sampling=recipe.sampling,
        epoch=0,
        batch_size=count,
    )
    images, labels = epoch[0]
    columns = min(count, 4)
    rows = -(-count // columns)
    figure = Figure(figsize=(3 * columns, 3 * rows), layout="constrained")
    for axes, image, label in zip(
        figure.subplots(rows, columns, squeeze=False).flat, images, labels, strict=False
    ):
        axes.imshow(image[..., 0], cmap="gray", vmin=-3, vmax=3)
        if label.any():
            axes.contour(label[..., 0], [0.5], colors="tab:red", linewidths=1)
    for axes in figure.axes:
        axes.set_axis_off()
    path = folder / "images.png"
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=150)
    return path
