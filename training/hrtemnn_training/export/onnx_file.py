# SPDX-License-Identifier: GPL-3.0-or-later
"""ONNX file of the best epoch of a training, with its card, as users get it."""

from __future__ import annotations

import math
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import keras
import onnx

from hrtemnn_training.generation import data_path
from hrtemnn_training.store import DataSet
from hrtemnn_training.train.files import best_stage
from hrtemnn_training.train.new_network import network_of
from hrtemnn_training.train.validation import validation_set
from hyperspy_hrtemnn.atomic import written_whole
from hyperspy_hrtemnn.networks import Card, Network, TrainedRanges

from .agreement import largest_difference, random_images
from .cards import add_test, read_card, write_card
from .graph import to_onnx
from .half_weights import halve_weights
from .msdnet_graph import msdnet_to_onnx
from .nodes import ExportError
from .object_weight import remove_weight, without_weight

if TYPE_CHECKING:
    from pathlib import Path

    from hrtemnn_training.recipe import Recipe

# Largest difference between Keras and ONNX: of a probability, or of the largest value.
_TOLERANCE = 1e-4
# The same between weights in single and in half precision: 0.001 in shipped networks.
_ROUNDING = 5e-3
_PACKAGES = ("keras", "abtem", "ase", "onnx", "numpy", "hyperspy-hrtemnn")


def export(recipe: Recipe, folder: Path) -> Path:
    """Write the best epoch of a training as an ONNX file.

    Where objects' pixels counted more than others in the training, their weight is
    taken out of the prediction, which is a probability then. The file has its weights
    in half precision, see `halve_weights`.

    Parameters
    ----------
    recipe
        Recipe that the network was trained by; goes into the card.
    folder
        Folder of the run, with ``best.keras``.

    Returns
    -------
    The path, ``NAME.onnx`` in the folder.

    Raises
    ------
    ExportError
        If there is no trained network, or the graph does not give what Keras gives.
    """
    model = trained_model(recipe, folder)
    proto = graph_of(model)
    stage = best_stage(recipe, folder)
    weight = recipe.label.removable_weight(stage.object_weight)
    if weight is not None:
        remove_weight(proto, weight, recipe.label.objects)
    write_card(proto, make_card(recipe, {}, weight))
    path = folder / f"{recipe.name}.onnx"
    images = random_images(model, recipe)
    expected = without_weight(
        model.predict(images, verbose=0), weight or 1.0, recipe.label.objects
    )
    for tolerance in (_TOLERANCE, _ROUNDING):
        _save(proto, path)
        difference = largest_difference(expected, Network(path, device="cpu"), images)
        if not difference < tolerance:
            path.unlink()
            raise ExportError(
                f"The ONNX graph and Keras differ by {difference:.1g}, more than "
                f"{tolerance:.0g}; the network was not exported."
            )
        halve_weights(proto)
    add_test(path)
    return path


def graph_of(model: keras.Model) -> onnx.ModelProto:
    """Return the graph of a network of any architecture.

    Parameters
    ----------
    model
        Network from `make_network`.
    """
    return msdnet_to_onnx(model) if model.name == "msd_net" else to_onnx(model)


def trained_model(recipe: Recipe, folder: Path) -> keras.Model:
    """Return the best epoch of a training, in single precision.

    Errors that it gives are calibrated on the validation set, see
    `LabelKind.calibration`.

    Raises
    ------
    ExportError
        If nothing was trained in `folder`.
    """
    path = folder / "best.keras"
    if not path.exists():
        raise ExportError(f"There is no trained network in {folder}; train it first.")
    # Layers are numbered from the first again: the same weights make the same file.
    keras.utils.clear_session()
    keras.mixed_precision.set_global_policy("float32")
    model = network_of(recipe)
    model.set_weights(keras.saving.load_model(path, compile=False).get_weights())
    if recipe.label.is_calibrated:
        _calibrate(model, recipe, folder)
    return model


def _calibrate(model: keras.Model, recipe: Recipe, folder: Path) -> None:
    """Change the last bias so that the errors given for the validation set hold."""
    data = DataSet(data_path(folder, "validation"))
    images, truth = validation_set(recipe, data)
    predicted = model.predict(images, batch_size=8, verbose=0)
    bias = model.get_layer("head").bias
    bias.assign_add(recipe.label.calibration(predicted, truth))


def make_card(
    recipe: Recipe, scores: dict[str, Any], object_weight: float | None = None
) -> Card:
    """Return the card of a recipe's network."""
    images, label = recipe.images, recipe.label
    of_stages = [recipe.images_of(stage) for stage in recipe.training.stages]

    def widest(key: str) -> tuple[float, float]:
        bounds = [parameters.widest(key) for parameters in of_stages]
        return min(b[0] for b in bounds), max(b[1] for b in bounds)

    low, high = widest("log_dose")
    (sharpest, bluntest), (calmest, shakiest) = map(widest, ("blur", "vibration_blur"))
    ranges = TrainedRanges(
        sampling=widest("sampling"),
        energy=recipe.waves.energy,
        dose=(10**low, 10**high),
        defocus=widest("defocus"),
        Cs=widest("ctf_c30"),
        focal_spread=widest("focal_spread"),
        blur=(_added(sharpest, calmest), _added(bluntest, shakiest)),
        mtf_c0=widest("mtf_c1"),
        mtf_c3=widest("mtf_c3"),
        readout=widest("readout"),
    )
    return Card(
        name=recipe.name,
        # In a card there are no breaks of lines.
        description=" ".join(recipe.description.split()),
        task=label.task,
        material=recipe.material,
        channels=images.channels,
        defocus_step=images.multifocus and images.multifocus[1],
        classes=recipe.classes,
        sampling=recipe.sampling,
        standardization_width=None
        if label.sees_spectra or label.sees_rings or label.sees_particles
        else recipe.images.normalizedistance,
        spectrum_side=recipe.images.image_size[0] if label.sees_spectra else None,
        receptive_field=recipe.network.receptive_field,
        stride=recipe.network.stride,
        smallest_side=recipe.network.smallest_side,
        object_weight=object_weight,
        ranges=ranges,
        recipe=recipe.name,
        recipe_sha256=recipe.sha256,
        versions=_versions(),
        scores=scores,
        license="GPL-3.0-or-later",
        authors=recipe.authors,
        citation=recipe.citation,
        link=recipe.link,
    )


def _added(lens: float, motion: float) -> float:
    """Return the blur of both, whose variances add up, to 0.01 pm [Å]."""
    return round(math.hypot(lens, motion), 4)


def take_out_weight(path: Path, weight: float) -> None:
    """Make a network that was exported with its weight of objects one without.

    For files of which there is no training to export again. The threshold and the
    scores of the card were those of other predictions and are dropped: `hrtemnn
    evaluate` finds them anew.

    Parameters
    ----------
    path
        The file of a segmentation, which is replaced.
    weight
        Weight of the stage that the network is of.

    Raises
    ------
    ExportError
        If there is no weight left in its predictions, or the graph cannot be changed.
    """
    proto = onnx.load(path)
    card = read_card(proto)
    if card.task != "segmentation" or card.object_weight is not None:
        raise ExportError(
            f"No weight of objects is left in predictions of {card.name!r}: it is for "
            f"{card.task}, and the object_weight of its card is {card.object_weight}."
        )
    objects = len(card.classes) - (card.classes[-1] == "background")
    remove_weight(proto, weight, objects)
    fields: dict[str, Any] = {"object_weight": weight, "threshold": None, "scores": {}}
    write_card(proto, card.model_copy(update=fields | {"test": None}))
    _save(proto, path)
    add_test(path)


def _versions() -> dict[str, str]:
    # TensorFlow's module is in packages of several names.
    backend = keras.config.backend()
    versions = {package: version(package) for package in _PACKAGES}
    return versions | {backend: import_module(backend).__version__}


def _save(proto: onnx.ModelProto, path: Path) -> None:
    with written_whole(path) as temporary:
        onnx.save(proto, temporary)
