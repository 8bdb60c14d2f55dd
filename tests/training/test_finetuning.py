# SPDX-License-Identifier: GPL-3.0-or-later
"""A network that learns from a few labeled images."""

from __future__ import annotations

import json
import shutil

import keras
import numpy as np
import pandas as pd
import pytest
import tifffile
import tiny_networks
from click.testing import CliRunner

from hrtemnn_training.export.cards import change_card
from hrtemnn_training.export.onnx_file import export
from hrtemnn_training.finetuning import command as command_module
from hrtemnn_training.finetuning.command import finetune as command
from hrtemnn_training.finetuning.frames import Frame, Part, make_frames
from hrtemnn_training.finetuning.mixed_batches import MixedEpoch
from hrtemnn_training.finetuning.mixed_lessons import MixedLessons
from hrtemnn_training.finetuning.own_recipe import (
    recipe_of,
    shipped_recipe,
    tuning_recipe,
)
from hrtemnn_training.finetuning.settings import TuningSettings
from hrtemnn_training.finetuning.tune import finetune
from hrtemnn_training.generation import PURPOSES, make_structures, make_waves
from hrtemnn_training.recipe import Recipe
from hrtemnn_training.store import DataSet
from hrtemnn_training.train import loop
from hrtemnn_training.train.batches import ImageEpoch
from hrtemnn_training.train.files import TrainingError
from hrtemnn_training.train.lessons import Lessons
from hyperspy_hrtemnn.jobs.labeled_images import LabeledImage, Points
from hyperspy_hrtemnn.networks import Limits, available, load

# Of the tiny recipe, whose images are 88 x 72 pixels of 0.4 Å.
SIZE = 72, 88
# With rates of a network that has hardly learned anything.
FEW = TuningSettings(epochs=3, train=6, validation=2, learning_rate=(3e-2, 2e-2))


@pytest.fixture(autouse=True)
def _single_precision():
    keras.mixed_precision.set_global_policy("float32")


def drawn(rng, path, *, y=110, x=130, sampling=0.4, place=0.5):
    """Return an image with a bright particle, and its mask."""
    rows, columns = np.mgrid[:y, :x]
    mask = np.hypot(rows - place * y, columns - place * x) < 0.24 * x
    counts = rng.normal(100, 10, (1, y, x)) + 15 * mask
    return LabeledImage(path, path, counts.astype(np.float32), sampling, mask)


@pytest.fixture
def card(recipe):
    return tiny_networks.card(
        sampling=recipe.sampling,
        standardization_width=recipe.images.normalizedistance,
        classes=recipe.classes,
    )


def test_a_part_of_an_image_is_left_out_and_never_trained_on(
    recipe, card, rng, tmp_path
) -> None:
    image = drawn(rng, tmp_path, place=0.3)
    (frame,) = make_frames([image], recipe.label, card, FEW)
    assert frame.shape == (110, 130)
    rows, columns = frame.left_out.pixels(frame.shape)
    region = np.zeros(frame.shape, bool)
    region[rows, columns] = True
    assert region.mean() == pytest.approx(0.25, abs=0.01)
    # Where nothing is drawn says nothing: the strip is one with a part of the particle.
    assert image.mask[rows, columns].any()
    marked = Frame(
        frame.image,
        region[..., np.newaxis].astype(np.float32),
        region[..., np.newaxis],
        frame.trained,
        frame.left_out,
    )
    for _ in range(50):
        crop, label = marked.crop((40, 60), rng)
        assert crop.shape == (40, 60, 1)
        assert not label.any()


@pytest.mark.parametrize(
    "part",
    [Part(0, 1, 0.75, 1), Part(0.75, 1, 0, 1), Part(0, 1, 0, 1), Part(0, 0, 0, 0)],
)
def test_windows_count_each_pixel_that_was_left_out_once(part, rng) -> None:
    place = np.arange(110 * 130).reshape(110, 130, 1)
    image = drawn(rng, None)
    frame = Frame(image, place.astype(np.float32), place, left_out=part)
    counted = []
    for (image, label), counts in frame.windows(SIZE):
        assert image.shape == label.shape == (*SIZE, 1)
        counted += list(label[..., 0][counts])
    rows, columns = part.pixels(frame.shape)
    assert sorted(counted) == sorted(place[rows, columns].ravel())


def test_of_many_images_whole_ones_are_left_out(recipe, card, rng, tmp_path) -> None:
    images = [drawn(rng, tmp_path) for _ in range(9)]
    frames = make_frames(images, recipe.label, card, FEW)
    left_out = [number for number, frame in enumerate(frames) if frame.trained.is_empty]
    assert left_out == [3, 7]
    assert all(frame.left_out.is_empty != frame.trained.is_empty for frame in frames)


def test_images_are_taken_to_the_pixels_of_the_network(
    recipe, card, rng, tmp_path
) -> None:
    image = drawn(rng, tmp_path, y=220, x=260, sampling=0.2)
    (frame,) = make_frames([image], recipe.label, card, FEW)
    assert frame.shape == (110, 130)
    assert abs(frame.label.mean() - image.mask.mean()) < 0.005
    assert frame.standardized.std() == pytest.approx(1, abs=0.1)
    rows, columns = frame.region
    assert rows.stop - rows.start in {55, 220}
    assert columns.stop - columns.start in {65, 260}


def test_what_cannot_be_learned_from_is_refused(recipe, card, rng, tmp_path) -> None:
    image = drawn(rng, tmp_path / "a.tif")
    empty = LabeledImage(
        image.path, image.path, image.counts, 0.4, np.zeros_like(image.mask)
    )
    with pytest.raises(ValueError, match="labels of all 2 images are empty"):
        make_frames([empty, empty], recipe.label, card, FEW)
    points = LabeledImage(
        image.path, image.path, image.counts, 0.4, None, Points(np.zeros((1, 2)), None)
    )
    with pytest.raises(ValueError, match="needs masks or outlines"):
        make_frames([points], recipe.label, card, FEW)
    barred = image.counts.copy()
    barred[..., -9:] = 0
    with pytest.raises(ValueError, match=r"a\.tif has .* pixels without data, such as"):
        make_frames(
            [LabeledImage(image.path, image.path, barred, 0.4, image.mask)],
            recipe.label,
            card,
            FEW,
        )
    small = drawn(rng, tmp_path / "a.tif", y=80, x=100)
    with pytest.raises(
        ValueError, match=r"a\.tif has too few pixels: of 80 x 100 at the 0\.4 Å"
    ):
        make_frames([small], recipe.label, card, FEW)


@pytest.fixture
def columns(recipe_values) -> Recipe:
    recipe_values["images"] |= {"label": "Disk", "num_classes": 3, "spotsize": 1.2}
    recipe_values["classes"] = ["Mo", "S", "background"]
    return Recipe.model_validate(recipe_values)


def marked(rng, classes):
    places = np.array([[20.0, 30.0], [20.5, 60.0], [80.0, 100.0]])
    counts = rng.normal(100, 10, (1, 110, 130)).astype(np.float32)
    return LabeledImage(
        "a.tif", "a.csv", counts, 0.4, None, Points(places, tuple(classes))
    )


def test_points_become_discs_of_their_class(columns, card, rng) -> None:
    image = marked(rng, ["Mo", "S", "Mo"])
    (frame,) = make_frames([image], columns.label, card, FEW)
    assert frame.label.shape == (110, 130, 3)
    assert frame.label.sum(axis=-1).min() == 1
    for (row, column), name in zip([(20, 30), (80, 100)], "MM", strict=True):
        assert list(frame.label[row, column]) == [name == "M", False, False]
    assert list(frame.label[20, 60]) == [False, True, False]
    area = np.pi * (0.6 / 0.4) ** 2
    assert frame.label[..., :2].sum() == pytest.approx(3 * area, rel=0.3)
    for classes, message in (
        (["Mo", "Se", "Mo"], "class 'Se', .* it knows Mo, S"),
        (None, "no column class, and the network tells Mo, S apart"),
    ):
        points = Points(image.points.positions, classes and tuple(classes))
        wrong = LabeledImage("a.tif", "a.csv", image.counts, 0.4, None, points)
        with pytest.raises(ValueError, match=message):
            make_frames([wrong], columns.label, card, FEW)
    area = drawn(rng, "a.tif")
    with pytest.raises(ValueError, match="needs points"):
        make_frames([area], columns.label, card, FEW)


def test_columns_are_scored_where_they_were_left_out(columns, card, rng) -> None:
    image = marked(rng, ["Mo", "S", "Mo"])
    (frame,) = make_frames([image], columns.label, card, FEW)
    answer = np.moveaxis(frame.label, -1, 0).astype(float)
    everywhere = slice(0, 110), slice(0, 130)
    perfect = columns.label.score_by_hand(answer, image, everywhere, 0.5)
    assert perfect == {"atomic_f1": 1, "precision": 1, "recall": 1}
    answer[:, 60:] = 0
    half = columns.label.score_by_hand(answer, image, everywhere, 0.5)
    assert half["recall"] == pytest.approx(2 / 3)
    above = columns.label.score_by_hand(answer, image, (slice(0, 60), slice(0, 130)), 0)
    assert above["recall"] == 1


def test_every_batch_has_both_kinds(recipe, card, rng, run_folder, tmp_path) -> None:
    frames = make_frames([drawn(rng, tmp_path)], recipe.label, card, FEW)
    data = DataSet(run_folder / "train.zarr")
    options = {"sampling": recipe.sampling, "epoch": 1}
    batches = MixedEpoch(
        data, recipe.images, frames=frames, crops=2, batch_size=3, **options
    )
    assert len(batches) == 6
    images, labels = batches[2]
    assert images.shape == (3, *SIZE, 1)
    assert labels.dtype == np.float32
    alone, _ = ImageEpoch(data, recipe.images, batch_size=1, **options)[2]
    np.testing.assert_array_equal(images[:1], alone)
    # The same again, another in the next step and the next epoch.
    np.testing.assert_array_equal(batches[2][0], images)
    assert not np.array_equal(batches[3][0][1], images[1])


def test_every_shipped_network_that_can_be_tuned_has_its_recipe() -> None:
    cards = [load(name, "cpu") for name in available()]
    names = [one.name for one in cards if one.card.task == "segmentation"]
    assert len(names) > 2
    for one in cards:
        if one.name in names:
            recipe = recipe_of(one)
            assert recipe.classes == one.card.classes
            tuned = tuning_recipe(recipe, FEW, {"train": 6, "validation": 2})
            assert tuned.training.epochs == 3
            assert tuned.training.at(0)[0].object_weight == 1
    assert shipped_recipe("../recipes/au-ceo2-mask") is None


def run(*arguments: object):
    return CliRunner().invoke(command, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def tiny(trained_as) -> Recipe:
    values = trained_as.model_dump(mode="json", exclude_unset=True)
    stage = {"epochs": 3, "learning_rate": [0.01, 0.003], "object_weight": 9}
    values["training"] = {"batch_size": 2, "validation_images": 2, "stages": [stage]}
    return Recipe.model_validate(values)


@pytest.fixture(scope="module")
def simulations(tiny, tmp_path_factory):
    """Give a folder with the structures and exit waves that a fine-tuning asks for."""
    folder = tmp_path_factory.mktemp("simulations")
    for make in (make_structures, make_waves):
        make(tiny, folder, purposes=PURPOSES[:2], processes=1, progress=False)
    return folder


@pytest.fixture(scope="module")
def network(tiny, simulations, tmp_path_factory):
    """Give a trained network with the recipe of its run beside it."""
    keras.mixed_precision.set_global_policy("float32")
    folder = tmp_path_factory.mktemp("network")
    loop.train(tiny, folder, lessons=Lessons(tiny, folder, simulations), progress=False)
    path = export(tiny, folder)
    limits = Limits(swept=(0.1, 9), less_by_5=(0.2, 5), less_by_20=(None, 7))
    change_card(path, lambda card: card.model_copy(update={"limits": {"Cs": limits}}))
    return path


def write_images(folder):
    """Write two images and their masks, and return the two folders."""
    rng = np.random.default_rng(5)
    images, labels = folder / "images", folder / "labels"
    images.mkdir()
    labels.mkdir()
    for name, place in (("a", 0.45), ("b", 0.55)):
        image = drawn(rng, folder, place=place)
        tifffile.imwrite(images / f"{name}.tif", image.counts[0])
        tifffile.imwrite(labels / f"{name}.tif", 255 * image.mask.astype(np.uint8))
    return images, labels


@pytest.fixture
def folders(tmp_path):
    return write_images(tmp_path)


@pytest.fixture(scope="module")
def tuned(network, simulations, tmp_path_factory):
    """Give the folder in which the command has tuned a network, and what it printed."""
    folder = tmp_path_factory.mktemp("tuned")
    images, labels = write_images(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command_module, "TuningSettings", lambda **_: FEW)
        result = run(
            *(network, "--images", images, "--labels", labels),
            *("--out", folder / "mine.onnx", "--sampling", "0.038 nm"),
            *("--simulations", simulations, "-n", 1),
        )
    assert result.exit_code == 0, result.output
    return folder, result.output


@pytest.fixture
def options(simulations):
    return {
        "sampling": "0.038 nm",
        "simulations": simulations,
        "settings": FEW,
        "processes": 1,
        "progress": False,
    }


def test_a_fine_tuned_network_says_what_it_is(tuned, network) -> None:
    folder, output = tuned
    before, card = load(network), load(folder / "mine.onnx").card
    assert card.name == "mine"
    assert card.description == (
        "As small as it gets; tiny fine-tuned on 2 labeled images"
    )
    assert card.ranges.sampling == pytest.approx((0.15, 0.38))
    assert card.ranges.dose == before.card.ranges.dose
    assert (card.object_weight, card.recipe) == (1, "tiny")
    assert before.card.limits
    assert not card.limits
    assert card.recipe_sha256 != before.card.recipe_sha256
    assert 0 < card.threshold < 1
    scores = card.scores
    json.dumps(scores, allow_nan=False)
    assert scores["its SHA-256"] == before.sha256
    assert scores["labeled images"] == 2
    assert scores["left out"] == "a quarter of each image"
    assert scores["after"]["loss"] < scores["before"]["loss"]
    assert scores["after"]["f1"] > scores["before"]["f1"] + 0.5
    # The same network does better where its threshold is that of the images.
    other = scores["before, at the probability for these images"]
    assert other.keys() == {"probability", "f1", "precision", "recall"}
    assert other["f1"] > scores["before"]["f1"]
    for when in ("before", "after"):
        assert f"{when}: loss {scores[when]['loss']}" in output
    assert str(folder / "mine.onnx") in output.splitlines()
    history = pd.read_csv(folder / "mine_finetuning" / "history.csv")
    best = history["validation_loss"].argmin()
    assert scores["epochs"] == best + 1
    assert scores["after"]["loss"] == round(history["left_out_loss"][best], 4)
    left = {path.name for path in (folder / "mine_finetuning").iterdir()}
    assert {"left_out.png", "history.png", "best.keras"} <= left


def test_nothing_of_another_fine_tuning_is_gone_on_with(
    tuned, network, options, tmp_path
) -> None:
    folder, _ = tuned
    for name in ("mine_finetuning", "images", "labels"):
        shutil.copytree(folder / name, tmp_path / name)
    out, of = tmp_path / "mine.onnx", (tmp_path / "images", tmp_path / "labels")
    (of[0] / "a.tif").unlink()
    with pytest.raises(ValueError, match="holds another fine-tuning: images and"):
        finetune(network, *of, out, **options)
    out.touch()
    with pytest.raises(ValueError, match=r"mine\.onnx exists; --force replaces it"):
        finetune(network, *of, out, **options)


def test_a_stopped_fine_tuning_goes_on(
    tuned, network, folders, options, tmp_path, monkeypatch
) -> None:
    form = MixedEpoch.__getitem__

    def stop_in_the_second_epoch(self, index):
        if self._epoch == 1 and index == 2:
            raise KeyboardInterrupt
        return form(self, index)

    out = tmp_path / "mine.onnx"
    with monkeypatch.context() as patch:
        patch.setattr(MixedEpoch, "__getitem__", stop_in_the_second_epoch)
        with pytest.raises(KeyboardInterrupt):
            finetune(network, *folders, out, **options)
    assert not out.exists()
    assert len(pd.read_csv(tmp_path / "mine_finetuning" / "history.csv")) == 1
    stopped = finetune(network, *folders, out, **options)
    assert stopped.scores == load(tuned[0] / "mine.onnx").card.scores


def test_a_training_that_helps_nothing_is_no_network(
    network, folders, options, tmp_path, monkeypatch
) -> None:
    scores = {
        f"{name}_loss": 0.25 for name in ("validation", "left_out", "simulated")
    } | {"validation_f1": 0.5, "simulated_f1": 0.5, "seconds": 1.0}
    monkeypatch.setattr(MixedLessons, "validate", lambda *_: scores)
    with pytest.raises(TrainingError, match="None of 3 epochs made the network better"):
        finetune(network, *folders, tmp_path / "mine.onnx", **options)
    assert not (tmp_path / "mine.onnx").exists()


def test_images_without_a_size_of_pixels_are_refused(
    network, folders, tmp_path
) -> None:
    images, labels = folders
    out = tmp_path / "mine.onnx"
    result = run(network, "--images", images, "--labels", labels, "--out", out)
    assert result.exit_code == 1
    assert "a.tif is not calibrated: axis width has no unit" in result.output
    assert "--sampling" in result.output


def test_batches_have_a_place_for_both_kinds() -> None:
    settings = TuningSettings()
    assert [settings.images_in_batch(size) for size in (2, 3, 8)] == [1, 2, 4]
    with pytest.raises(ValueError, match="batch_size of the recipe is 1"):
        settings.images_in_batch(1)
    with pytest.raises(ValueError, match="--minutes is nan; it has to be a positive"):
        TuningSettings(minutes=float("nan"))


def history(losses, seconds):
    return pd.DataFrame({"validation_loss": losses, "seconds": seconds})


def test_it_ends_when_time_is_up_or_nothing_becomes_better(
    recipe, run_folder, tmp_path
) -> None:
    lessons = MixedLessons(
        recipe,
        tmp_path,
        run_folder,
        network=None,
        frames=(),
        settings=TuningSettings(patience=3, minutes=2),
    )
    assert not lessons.is_over(history([], []))
    assert not lessons.is_over(history([3, 1, 2, 2], [1, 1, 1, 1]))
    assert lessons.is_over(history([3, 1, 2, 2, 2], [1, 1, 1, 1, 1]))
    # The next epoch would end after the time.
    assert not lessons.is_over(history([3, 2], [60, 30]))
    assert lessons.is_over(history([3, 2], [60, 31]))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mos2-exitwave", "'mos2-exitwave' is for the task exit wave, and nobody can"),
        ("au-zone-axis", "is for the task zone axis"),
        ("no-such", "There is no network 'no-such'"),
    ],
)
def test_networks_that_cannot_be_tuned_are_refused(
    name, message, folders, tmp_path
) -> None:
    images, labels = folders
    out = tmp_path / "mine.onnx"
    result = run(name, "--images", images, "--labels", labels, "--out", out)
    assert result.exit_code == 1
    assert message in result.output


def test_other_networks_and_outputs_are_refused(folders, tmp_path) -> None:
    images, labels = folders
    path = tiny_networks.convolution(tmp_path / "theirs.onnx", recipe=None)
    arguments = ["--images", images, "--labels", labels, "--out"]
    result = run(path, *arguments, tmp_path / "mine.onnx")
    assert "was trained without a recipe of this package" in result.output
    result = run(path, *arguments, tmp_path / "mine.keras")
    assert "its name must end with .onnx" in result.output
    (tmp_path / "mine_finetuning").mkdir()
    (tmp_path / "mine_finetuning" / "notes.txt").touch()
    result = run(
        "graphene-atoms", *arguments, tmp_path / "mine.onnx", "--sampling", 0.4
    )
    assert "needs points" in result.output
