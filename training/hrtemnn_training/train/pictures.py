# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of training images with their labels, for a person to check them."""

from __future__ import annotations

from itertools import islice, product
from typing import TYPE_CHECKING, Any

from hrtemnn_training.generation import data_path
from hrtemnn_training.store import DataSet
from hyperspy_hrtemnn.atomic import written_whole

from .batches import ImageEpoch

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from matplotlib.figure import Figure

    from hrtemnn_training.recipe import Recipe


def draw_images(recipe: Recipe, folder: Path) -> Path:
    """Draw standardized training images with their labels, a picture each.

    Parameters
    ----------
    recipe
        Recipe of the images; its `images.debug` says how many. Structures
        first, then their next image epochs, as many as there are.
    folder
        Folder of the run, with the exit waves; gets ``debug/0000.png`` and so on.

    Returns
    -------
    The folder of the pictures.

    Raises
    ------
    StoreError
        If there are no exit waves.
    """
    data = DataSet(data_path(folder, "train"))
    debug = folder / "debug"
    debug.mkdir(exist_ok=True)
    wanted = recipe.images.debug
    jobs = product(range(recipe.images.image_epochs), range(len(data)))
    count = None if wanted is True else wanted or 0
    for number, (epoch, index) in enumerate(islice(jobs, count)):
        images = ImageEpoch(
            data,
            recipe.images,
            sampling=recipe.sampling,
            epoch=epoch,
            batch_size=1,
        )
        with written_whole(debug / f"{number:04d}.png") as temporary:
            draw_pair(*images.pair(index), recipe).savefig(temporary, dpi=100)
    return debug


def draw_pair(image: np.ndarray, label: np.ndarray, recipe: Recipe) -> Figure:
    """Draw the images of one input, and its label on the first or beside them.

    Parameters
    ----------
    image
        Standardized images, shape (y, x, image).
    label
        Shape (y, x, class), or (class,).
    recipe
        Kind of label, names of the classes.
    """
    from matplotlib.figure import Figure

    kind = recipe.label
    panels = [] if kind.per_image else list(recipe.classes)
    count = image.shape[-1] + len(panels)
    figure = Figure(figsize=(3.6 * count, 3.9), layout="constrained")
    axes = list(figure.subplots(1, count, squeeze=False).flat)
    for i in range(image.shape[-1]):
        axes[i].imshow(image[..., i], cmap="gray", vmin=-3, vmax=3)
        axes[i].set_title(f"image {i + 1}" if image.shape[-1] > 1 else "image")
    if not panels:
        # An answer may have uncertainties behind the values of the label.
        pairs = zip(recipe.classes, label, strict=False)
        axes[0].set_title(", ".join(f"{name}: {value:.4g}" for name, value in pairs))
    for i, name in enumerate(panels):
        panel = axes[image.shape[-1] + i]
        shown: dict[str, Any] = {"cmap": "gray"}
        if kind.limits:
            shown |= dict(zip(("vmin", "vmax"), kind.limits, strict=True))
        drawn = panel.imshow(label[..., i], **shown)
        panel.set_title(name)
        if not kind.limits:
            figure.colorbar(drawn, ax=panel, shrink=0.8)
        elif i < kind.objects and label[..., i].any():
            axes[0].contour(label[..., i], [0.5], colors=f"C{i + 1}", linewidths=0.7)
    for a in axes:
        a.set_axis_off()
    return figure
