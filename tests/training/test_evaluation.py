# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics follow from the label; the truth has the best, baselines are tuned."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tiny_networks
from known_specimens import columns, specimen, wave_of_discs

from hrtemnn_training.baselines.intensity_classes import tune_classes
from hrtemnn_training.baselines.surroundings import Surroundings
from hrtemnn_training.evaluation.comparison import evaluate
from hrtemnn_training.evaluation.report import report
from hrtemnn_training.evaluation.samples import draw_sample
from hrtemnn_training.images.outlines import masks
from hrtemnn_training.labels import LABELS
from hrtemnn_training.metrics.atom_counts import AtomCounts
from hrtemnn_training.metrics.columns import ColumnPrediction
from hrtemnn_training.metrics.masks import MaskPrediction
from hrtemnn_training.metrics.masks_by_camera import (
    camera_plan,
    dose_bins,
    summarize_masks,
)
from hrtemnn_training.metrics.summary import edges_of, summarize
from hrtemnn_training.parameters import ImageParameters
from hrtemnn_training.recipe import Recipe, RecipeError, change_images
from hyperspy_hrtemnn.analysis import count_atoms
from hyperspy_hrtemnn.analysis.waves.registration import shifted_wave
from hyperspy_hrtemnn.networks import Network, load, predict

KINDS = ("A", "B")
CLEAR = {
    "log_dose": [5.5, 6],
    "defocus": [60, 60],
    "ctf_c30": [0, 0],
    "blur": [0.016, 0.016],
    "focal_spread": [5, 5],
    "mtf_c1": [0.6, 0.6],
    "mtf_c3": [3, 3],
}


class Specimens:
    """A data set in memory."""

    def __init__(self, count, seed, *, particles=False):
        rng = np.random.default_rng(seed)
        make = self._particle if particles else self._make
        self.specimens = [make(rng) for _ in range(count)]

    def _particle(self, rng):
        return specimen((rng.uniform(15, 37), rng.uniform(15, 25), rng.uniform(7, 10)))

    def _make(self, rng):
        """Two round particles of other kinds over rows of columns, that are dark."""
        places = np.stack(np.mgrid[7:46:3.2, 7:34:2.9], axis=-1).reshape(-1, 2)
        places += rng.uniform(-0.4, 0.4, places.shape)
        classes = rng.integers(0, 2, len(places)).tolist()
        discs = [(*place, 0.45) for place in places]
        return specimen(
            *discs,
            kinds=KINDS * (len(discs) // 2) + KINDS[: len(discs) % 2],
            sites=columns(places, classes, [1 + 2 * c for c in classes], ("1X", "3X")),
            thickness=float(rng.uniform(1, 5)),
            structure=str(rng.choice(["fcc", "hcp"])),
        )

    def __len__(self):
        return len(self.specimens)

    def read_specimen(self, index):
        return self.specimens[index]


def recipe_for(values, classes, **images):
    values["images"] |= CLEAR | {"num_classes": len(classes)} | images
    values["classes"] = list(classes)
    values["sampling"] = 0.2
    if LABELS[images["label"]].per_image:
        values["network"] |= {"architecture": "encoder"}
    for stage in values["training"]["stages"]:
        stage["object_weight"] = 1
    return Recipe.model_validate(values)


def sample_of(recipe, index=0, seed=1):
    specimens = Specimens(2, seed, particles=recipe.classes == ("nanoparticle",))
    return draw_sample(recipe, specimens, index, np.random.default_rng(5))


def test_masks_by_kind(recipe_values) -> None:
    recipe = recipe_for(
        recipe_values, [*KINDS, "background"], label="Mask", categories=KINDS
    )
    sample = sample_of(recipe)
    truth = np.moveaxis(masks(sample.specimen, KINDS, sample.grid), -1, 0)
    drawn = recipe.label.draw(sample, sample.grid)[..., :2]
    np.testing.assert_array_equal(np.moveaxis(drawn, -1, 0), truth)
    metrics = recipe.label.metrics(MaskPrediction(truth.astype(np.float32)), sample)
    assert metrics["f1"] == metrics["recall A"] == metrics["found_over_true_area"] == 1
    exchanged = recipe.label.metrics(
        MaskPrediction(truth[::-1].astype(np.float32)), sample
    )
    assert exchanged["f1"] == 0
    weak = recipe.label.metrics(MaskPrediction(0.7 * truth, 0.71), sample)
    assert (weak["f1"], weak["f1_half"]) == (0, 1)
    assert recipe.label.metrics(MaskPrediction(0.7 * truth, 0.7), sample)["f1"] == 1


def test_the_threshold_of_a_mask_is_its_networks(recipe_values, tmp_path) -> None:
    recipe = recipe_for(recipe_values, ["nanoparticle"], label="Mask")
    sample = sample_of(recipe)
    cards = [
        ({}, 0.9),
        ({"object_weight": 1}, 0.5),
        ({"object_weight": 9, "threshold": 0.43}, 0.43),
    ]
    for i, (card, expected) in enumerate(cards):
        path = tiny_network(tmp_path / f"{i}.onnx", **card)
        prediction = recipe.label.predict(Network(path), sample)
        assert prediction.threshold == expected
        np.testing.assert_array_equal(
            prediction.found, prediction.probability >= expected
        )


def test_columns_of_two_classes(recipe_values) -> None:
    recipe = recipe_for(recipe_values, ["1X", "3X"], label="Gaussian", null_class=False)
    sample = sample_of(recipe)
    label = recipe.label.draw(sample, sample.grid)
    sites = sample.specimen.sites
    positions = sample.grid.indices(sites.positions)
    inside = np.all((positions >= 0) & (positions < sample.grid.shape), axis=1)
    truth = ColumnPrediction(
        positions[inside],
        sites.classes[inside].astype(int),
        np.moveaxis(label, -1, 0),
    )
    metrics = recipe.label.metrics(truth, sample)
    assert metrics["atomic_f1"] == metrics["pixel_f1"] == metrics["perfect"] == 1
    one_wrong = ColumnPrediction(
        truth.positions, np.append(1 - truth.classes[:1], truth.classes[1:])
    )
    assert recipe.label.metrics(one_wrong, sample)["perfect"] == 0
    assert metrics["position_error"] == pytest.approx(0, abs=1e-5)
    wrong = ColumnPrediction(truth.positions + 3.0, 1 - truth.classes)
    metrics = recipe.label.metrics(wrong, sample)
    assert metrics["atomic_f1"] == 0
    assert metrics["1X as 3X"] > 5
    assert metrics["position_error"] == pytest.approx(
        3 * np.hypot(*sample.grid.pixel), rel=1e-3
    )
    nothing = ColumnPrediction(np.zeros((0, 2)), np.zeros(0, int))
    metrics = recipe.label.metrics(nothing, sample)
    assert metrics["recall"] == 0
    assert np.isnan(metrics["precision"])


def test_atoms_that_are_exact_or_off_by_one(recipe_values) -> None:
    recipe = recipe_for(recipe_values, ["atoms"], label="Column height", spotsize=1.0)
    sample = sample_of(recipe)
    sites = sample.specimen.sites
    positions, heights = sample.grid.indices(sites.positions), sites.heights
    true = recipe.label.metrics(AtomCounts(positions, heights), sample)
    assert true == {
        "exact": 1,
        "within_one": 1,
        "found": 1,
        "precision": 1,
        "atoms_rmse": 0,
    }
    more = recipe.label.metrics(AtomCounts(positions, heights + 0.6), sample)
    assert (more["exact"], more["within_one"]) == (0, 1)
    assert more["atoms_rmse"] == pytest.approx(0.6)
    far = recipe.label.metrics(AtomCounts(positions, heights - 1.6), sample)
    assert (far["exact"], far["within_one"]) == (0, 0)
    half = AtomCounts(positions[::2], heights[::2])
    part = recipe.label.metrics(half, sample)
    assert part["exact"] == part["within_one"] == part["found"] < 0.8
    assert part["precision"] == 1
    twice = np.concatenate([positions, positions + 8])
    false = AtomCounts(twice, np.concatenate([heights, heights]))
    assert recipe.label.metrics(false, sample)["precision"] < 0.8
    nothing = AtomCounts(np.zeros((0, 2)), np.zeros(0))
    none = recipe.label.metrics(nothing, sample)
    assert none["exact"] == none["found"] == 0
    assert np.isnan(none["atoms_rmse"])


def test_a_network_that_gives_the_label_has_all_atoms_right(recipe_values) -> None:
    recipe = recipe_for(recipe_values, ["atoms"], label="Column height", spotsize=1.4)
    sample = sample_of(recipe)
    label = recipe.label.draw(sample, sample.grid)[..., 0]
    found = count_atoms(label)
    metrics = recipe.label.metrics(AtomCounts(found.positions, found.atoms), sample)
    assert metrics["exact"] == metrics["precision"] == 1


def test_atoms_are_scored_by_decades_of_the_dose() -> None:
    images = ImageParameters(label="Column height", log_dose=(2.5, 5.2))
    expected = (10**2.5, 1e3, 1e4, 1e5, 10**5.2)
    assert images.kind.dose_edges == pytest.approx(expected)
    between = ImageParameters(label="Column height", log_dose=(4, 5)).kind.dose_edges
    assert between == pytest.approx((1e4, 1e5))


BASELINES = [
    ("Mask", ["nanoparticle"], {}, "threshold", "f1", 0.4, 1),
    ("Disk", ["1X", "3X"], {"null_class": False}, "matched filter", "recall", 0.4, 1),
    ("Column height", ["atoms"], {}, "fitted brightness", "atoms_rmse", 0, 1.1),
    ("Exitwave", ["re", "im"], {}, "constant wave", "rmse", 0.01, 0.3),
    ("Exitwave", ["re", "im"], {}, "Y-scramble", "rmse", 0.01, 0.3),
    ("Clean image", ["clean"], {}, "Gaussian filter", "psnr", 15, 60),
    ("Unaberrated image", ["clean"], {}, "Gaussian filter", "psnr", 5, 60),
    ("Value", ["v"], {"value": "thickness"}, "mean", "absolute_error", 0, 4),
    (
        "Class",
        ["fcc", "hcp"],
        {"value": "structure", "categories": ["fcc", "hcp"]},
        "most common",
        "accuracy",
        0,
        1,
    ),
]


@pytest.mark.parametrize(
    ("label", "classes", "images", "baseline", "score", "low", "high"), BASELINES
)
def test_baselines(
    recipe_values, label, classes, images, baseline, score, low, high
) -> None:
    recipe = recipe_for(
        recipe_values, classes, label=label, **({"spotsize": 1.0} | images)
    )
    samples = [sample_of(recipe, index, seed=7) for index in range(2)]
    baselines = recipe.label.baselines(
        samples, Specimens(2, 1), np.random.default_rng(0)
    )
    assert set(baselines) == {row[3] for row in BASELINES if row[0] == label}
    sample = sample_of(recipe)
    value = recipe.label.metrics(baselines[baseline](sample), sample)[score]
    assert low <= value <= high
    assert recipe.label.plotted[0].name in recipe.label.metrics(
        baselines[baseline](sample), sample
    )


class ColumnsByDarkness(Specimens):
    """Columns whose class shows in how dark they are."""

    def _make(self, rng):
        made = super()._make(rng)
        clear = made.sites.positions[made.sites.classes == 0]
        weak = wave_of_discs(*((*place, 0.45) for place in clear))
        return replace(made, wave=np.where(weak == 1, made.wave, 0.8).astype("c8"))


@pytest.mark.parametrize("multifocus", [None, [3, 10, 0]])
def test_the_matched_filter_tells_classes_by_intensity(
    recipe_values, multifocus
) -> None:
    recipe = recipe_for(
        recipe_values,
        ["1X", "3X", "background"],
        label="Disk",
        spotsize=1.0,
        multifocus=multifocus,
    )
    specimens = ColumnsByDarkness(3, 4)
    samples = [
        draw_sample(recipe, specimens, i, np.random.default_rng(i)) for i in range(3)
    ]
    rng = np.random.default_rng(0)
    baseline = recipe.label.baselines(samples[:2], specimens, rng)
    metrics = recipe.label.metrics(baseline["matched filter"](samples[2]), samples[2])
    assert metrics["atomic_f1"] > 0.9
    assert min(metrics["recall 1X"], metrics["recall 3X"]) > 0.8
    assert metrics["position_error"] < 0.2


def test_without_a_column_to_learn_from_all_are_of_the_commonest_class(
    recipe_values,
) -> None:
    recipe = recipe_for(recipe_values, ["1X", "3X"], label="Disk", null_class=False)
    sample = sample_of(recipe)
    image = sample.standardized[0]
    nothing = (np.zeros((0, 2)), image)
    classify = tune_classes([sample], [nothing], Surroundings(3.0, 4))
    commonest = np.bincount(sample.specimen.sites.classes).argmax()
    found = np.array([(3.0, 4.0), (5.0, 1.0)])
    assert classify(found, image, 0.2).tolist() == [commonest] * 2


def test_the_constant_wave_is_as_far_as_known(recipe_values) -> None:
    recipe = recipe_for(recipe_values, ["re", "im"], label="Exitwave")
    sample = sample_of(recipe)
    baselines = recipe.label.baselines([], Specimens(2, 1), np.random.default_rng(0))
    truth = np.moveaxis(recipe.label.draw(sample, sample.grid), -1, 0)
    exact = recipe.label.metrics(truth, sample)
    assert exact["rmse"] == 0 == exact["rmse registered"]
    assert next(iter(exact)) == "rmse registered" == recipe.label.plotted[0].name
    # A lens that moves all columns alike is not the wave's error.
    moved = shifted_wave(truth[0] + 1j * truth[1], np.array([0.4, -0.3]))
    lens = recipe.label.metrics(np.stack([moved.real, moved.imag]), sample)
    assert lens["rmse registered"] < 0.1 * lens["rmse"]
    metrics = recipe.label.metrics(baselines["constant wave"](sample), sample)
    assert metrics["rmse real"] == pytest.approx(np.sqrt(np.mean((truth[0] - 1) ** 2)))
    assert metrics["rmse imaginary"] == pytest.approx(np.sqrt(np.mean(truth[1] ** 2)))
    other = Specimens(2, 1).read_specimen(1)
    another = recipe.label.draw(replace(sample, specimen=other), sample.grid)
    np.testing.assert_array_equal(
        baselines["Y-scramble"](sample), np.moveaxis(another, -1, 0)
    )


def tiny_network(path, **changes):
    return tiny_networks.brightness(
        path, **({"sampling": 0.4, "standardization_width": 12.0} | changes)
    )


def test_networks_side_by_side(run_folder, tmp_path, recipe) -> None:
    for name in ("validation", "test"):
        (tmp_path / f"{name}.zarr").symlink_to(run_folder / f"{name}.zarr")
    paths = [str(tiny_network(tmp_path / f"{n}.onnx", name="same")) for n in "ab"]
    paths.append(str(tiny_network(tmp_path / "c.onnx", name="third")))
    summary = report(
        recipe, tmp_path, paths, against=("dose", "sampling"), progress=False
    )
    assert list(summary) == [*paths[:2], "third", "threshold"]
    assert summary[paths[0]] == summary["third"]
    written = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))
    assert written == summary
    table = pd.read_csv(tmp_path / "comparison.csv")
    assert len(table) == 4 * 2 * 6
    assert {"by", "mtf", "structure", "dose", "defocus", "sampling", "mtf_c0"} <= set(
        table
    )
    same_images = table.groupby(["mtf", "structure"])[["dose", "true_share"]].nunique()
    assert (same_images == 1).all(axis=None)
    bins = summary["threshold"]["against"]["sampling"]
    assert len(bins) == 6
    assert sum(b["true_share"]["images"] for b in bins.values()) == 12
    assert summary["third"]["cameras"]["probability"] == 0.9
    shown = ["images", "MTF 3", "MTF 4"]
    assert list(summary["threshold"]["cameras"]) == shown
    assert "reliability" not in summary["threshold"]
    curve = summary["third"]["reliability"]
    assert sum(curve["share_of_pixels"]) == pytest.approx(1, abs=2e-3)
    assert (tmp_path / "comparison.png").stat().st_size > 10_000
    assert load(paths[0]).card.scores == {}


def test_networks_that_take_fewer_images_get_the_first_ones(
    run_folder, tmp_path, recipe_values
) -> None:
    recipe_values["images"] |= {"multifocus": [3, 50, 1]}
    recipe = Recipe.model_validate(recipe_values)
    networks = {
        str(n): Network(
            tiny_networks.convolution(
                tmp_path / f"{n}.onnx", channels=n, defocus_step=50, sampling=0.4
            )
        )
        for n in (1, 2, 3)
    }
    evaluation = evaluate(recipe, run_folder, networks, progress=False)
    assert evaluation.networks == ("1", "2", "3")
    same_images = evaluation.table.groupby("structure")[["dose", "defocus"]].nunique()
    assert (same_images == 1).all(axis=None)
    sample = draw_sample(
        recipe, Specimens(1, 1, particles=True), 0, np.random.default_rng(5)
    )
    assert len(sample.exposure.counts) == 3
    np.testing.assert_array_equal(
        recipe.label.predict(networks["2"], sample).probability,
        predict(networks["2"], sample.exposure.counts[:2], sample.pixel),
    )
    more = Network(tiny_networks.convolution(tmp_path / "4.onnx", channels=4))
    with pytest.raises(ValueError, match=r"1 classes of 4 images; .* asks for 1 of 3"):
        evaluate(recipe, run_folder, {"4": more})


def test_other_conditions_are_compared_and_leave_the_card(
    run_folder, tmp_path, recipe
) -> None:
    for name in ("validation", "test"):
        (tmp_path / f"{name}.zarr").symlink_to(run_folder / f"{name}.zarr")
    own = tiny_network(tmp_path / "tiny.onnx")
    images = change_images(recipe, {"defocus": [300, 500], "log_dose": [2, 2.5]})
    summary = report(
        recipe,
        tmp_path,
        images=images,
        against=["defocus"],
        averaged=True,
        progress=False,
    )
    assert list(summary) == ["tiny", "tiny, averaged", "threshold"]
    # This network sees single pixels.
    assert summary["tiny, averaged"]["scores"] == summary["tiny"]["scores"]
    assert not list(tmp_path.glob("evaluation.*"))
    assert load(own).card.scores == {}
    table = pd.read_csv(tmp_path / "comparison.csv")
    assert len(table) == 3 * 6
    assert table["defocus"].between(300, 500).all()
    assert table["dose"].between(100, 10**2.5).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"defocuss": [1, 2]}, "defocuss"),
        ({"defocus": [2, 1]}, "defocus: .*reversed"),
        ({"label": "Exitwave", "spotsize": 3}, "label, spotsize would change what is"),
        ({"multifocus": [3, 50, 1]}, "multifocus would change their number"),
    ],
)
def test_conditions_that_cannot_be(recipe, changes, message) -> None:
    with pytest.raises(RecipeError, match=message):
        change_images(recipe, changes)


def test_what_cannot_be_evaluated_is_refused_before_the_work(
    run_folder, tmp_path, recipe
) -> None:
    network = Network(tiny_network(tmp_path / "n.onnx"))
    with pytest.raises(ValueError, match=r"no condition 'weather', only .*dose"):
        evaluate(recipe, run_folder, {"n": network}, against=["weather"])
    for name in ("validation", "test"):
        (tmp_path / f"{name}.zarr").symlink_to(run_folder / f"{name}.zarr")
    own = tiny_network(tmp_path / "tiny.onnx")
    with pytest.raises(ValueError, match="no condition 'weather'"):
        report(recipe, tmp_path, against=["weather"], progress=False)
    assert load(own).card.threshold is None
    two = Network(tiny_networks.convolution(tmp_path / "two.onnx", classes=2, stride=1))
    with pytest.raises(ValueError, match="two makes 2 classes of 1 images"):
        evaluate(recipe, run_folder, {"two": two})


def test_summary_of_known_metrics_in_bins() -> None:
    rows = pd.DataFrame(
        {
            "dose": np.repeat([10.0, 1e4], 11),
            "f1": np.concatenate([np.arange(11) / 10, np.full(11, np.nan)]),
            "A as B": 2,
            "A as A": 3,
        }
    )
    edges = edges_of("dose", rows["dose"].to_numpy())
    np.testing.assert_allclose(edges, 10 ** np.linspace(1, 4, 7))
    metrics = ("f1", "A as A", "A as B")
    summary = summarize(rows, metrics, {"dose": edges})
    expected = {
        "images": 11,
        "mean": 0.5,
        "10th percentile": 0.1,
        "median": 0.5,
        "90th percentile": 0.9,
    }
    assert summary["scores"] == {"f1": expected}
    bins = list(summary["against"]["dose"].values())
    assert bins[0]["f1"] == expected
    assert bins[-1]["f1"] == {"images": 0} | dict.fromkeys(list(expected)[1:])
    assert summary["confusion"] == {"A": {"A": 66, "B": 44}}
    json.dumps(summary, allow_nan=False)


def test_bins_of_dose_end_where_the_recipe_does() -> None:
    images = ImageParameters(log_dose=(1.5, 4))
    low = pytest.approx(10**1.5)
    assert dose_bins(images) == (low, 100, 200, 1000, 1e4)
    doses = [plan.log_dose for _, plan, _ in camera_plan(images, 9)]
    assert min(doses)[0] == pytest.approx(1.5)
    assert max(doses)[1] == pytest.approx(4)


def test_summary_of_known_masks() -> None:
    row = {"mtf": "MTF 3", "dose_bin": "100-200", "true_share": 0.2, "found_share": 0.1}
    rows = [row | {"f1": i / 10, "f1_half": 1.0} for i in range(11)]
    nothing = {"true_share": 0.0, "found_share": 0.04, "f1": np.nan, "f1_half": np.nan}
    summary = summarize_masks(pd.DataFrame([*rows, row | nothing]), 0.47)
    assert (summary["images"], summary["probability"]) == (12, 0.47)
    summary = summary["MTF 3"]
    assert summary["dose"]["100-200"] == {
        "images": 11,
        "f1_mean": 0.5,
        "f1_10th_percentile": 0.1,
        "f1_mean_at_0.5": 1.0,
        "found_over_true_area": 0.5,
    }
    assert summary["without_particle"] == {
        "images": 1,
        "false_share_mean": 0.04,
        "false_share_largest": 0.04,
    }
