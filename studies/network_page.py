# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the page of a shipped network from its card and its run folder.

    python studies/network_page.py au-ceo2-mask FOLDER_OF_THE_RUN

Replaces what stands between the markers in ``docs/NAME.md`` and copies the pictures of
the run to ``docs/pictures/NAME``, so that no score is ever typed by hand. Takes
seconds. Needs the extra `training`.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from skimage.transform import downscale_local_mean

from hrtemnn_training.evaluation.plots import SHARES
from hyperspy_hrtemnn.networks import Card, load
from pages import DOCS, PICTURES, replace_part, table


def conditions(card: Card) -> str:
    """Return the trained ranges as a table."""
    fields = type(card.ranges).model_fields
    rows: list[tuple[str, str]] = []
    for name, value in card.ranges:
        text = (
            f"{value:g}" if isinstance(value, float) else "{:g} to {:g}".format(*value)
        )
        rows.append((str(fields[name].description), text))
    rows += [
        ("working sampling [Å]", f"{card.sampling:g}"),
        ("receptive field [pixels at that sampling]", f"{card.receptive_field}"),
    ]
    if card.standardization_width is not None:
        width = f"{card.standardization_width:g}"
        rows.append(("width of the standardization [Å]", width))
    if card.spectrum_side is not None:
        rows.append(("side of the spectra [pixels]", f"{card.spectrum_side}"))
    return table(["trained for", ""], rows)


def scores(card: Card, contenders: dict[str, dict[str, Any]]) -> str:
    """Return the scores of any network as text and tables."""
    if "against" not in card.scores:
        return mask_scores(card)
    return any_scores(card, contenders)


def any_scores(card: Card, contenders: dict[str, dict[str, Any]]) -> str:
    """Return all scores, and against each condition those that baselines have too.

    Of these the mean of the first score, as the evaluation of the run has it.
    """
    baselines: dict[str, dict[str, float]] = card.scores["rivals"]
    columns = ["score", "mean", "10th percentile", "median", "90th percentile"]
    columns += baselines
    summary = (
        f"{card.scores['images']} images of structures that were never trained on; "
        f"beside them the means of: {'; '.join(baselines)}."
    )
    rows = []
    for name, values in card.scores["scores"].items():
        cells = [values[key] for key in columns[1:5]]
        cells += [baseline.get(name) for baseline in baselines.values()]
        rows.append([name, *cells])
    parts = [summary, table(columns, rows)]
    shown = list(next(iter(baselines.values()), card.scores["scores"]))
    pairs = [
        (name, value)
        for name in shown
        for value in (("mean",) if name in SHARES else ("median", "mean"))
    ]
    for condition, bins in card.scores["against"].items():
        others = {k: contenders[k]["against"][condition] for k in baselines}
        titles = [", ".join(pair) for pair in pairs]
        titles += [f"{baseline}: {shown[0]}" for baseline in baselines]
        rows = []
        for text, part in bins.items():
            cells = [part[name][value] for name, value in pairs]
            cells += [other[text][shown[0]]["mean"] for other in others.values()]
            rows.append([text, *cells])
        parts.append(table([condition, *titles], rows))
    if "roc_auc" in card.scores:
        parts.append(areas(card.scores["roc_auc"]))
    return "\n\n".join(parts)


def compared(contenders: dict[str, dict[str, Any]], names: list[str]) -> str:
    """Return the means of some scores of all contenders against each condition."""
    tables = []
    parts = list(contenders.values())
    titles = [f"{who}: {name}" for name in names for who in contenders]
    for condition, bins in parts[0]["against"].items():
        rows = []
        for text in bins:
            cells = [part["against"][condition][text] for part in parts]
            rows.append([text, *(c[name]["mean"] for name in names for c in cells)])
        tables.append(table([condition, *titles], rows))
    return "\n\n".join(tables)


def areas(contenders: dict[str, dict[str, Any]]) -> str:
    """Return a table of the area under the ROC curve of each contender."""
    parts = contenders.values()
    rows = [["all", *(part["all"] for part in parts)]]
    for name, kinds in next(iter(parts)).items():
        if name != "all":
            rows += [[kind, *(part[name][kind] for part in parts)] for kind in kinds]
    return table(["area under the ROC curve", *contenders], rows)


def mask_scores(card: Card) -> str:
    """Return F1 and area against dose for each camera, and the false area."""
    baselines = card.scores["rivals"]
    kinds = {name: part for name, part in card.scores.items() if name.startswith("MTF")}
    columns = ["dose [e⁻/Å²]", "camera", "images"]
    columns += ["F1 mean", "F1 p10", "F1 at 0.5", "area"]
    columns += [f"{baseline} F1" for baseline in baselines]
    keys = ["f1_mean", "f1_10th_percentile", "f1_mean_at_0.5", "found_over_true_area"]
    rows = []
    for doses in next(iter(kinds.values()))["dose"]:
        for camera, summary in kinds.items():
            part = summary["dose"][doses]
            cells = [part[key] for key in keys]
            cells += [scores[camera][doses] for scores in baselines.values()]
            rows.append([doses, camera, f"{part['images']}", *cells])
    parts = [
        f"{card.scores['images']} images of structures that were never trained on.",
        table(columns, rows),
    ]
    for camera, summary in kinds.items():
        none = summary["without_particle"]
        mean, most = none["false_share_mean"], none["false_share_largest"]
        parts.append(
            f"{camera}, {none['images']} images without a particle: {mean:.2%} of the "
            f"field is found on average, {most:.2%} at most."
        )
    return "\n\n".join(parts)


def copy_pictures(run: Path, name: str) -> None:
    """Copy the plots of a run, and put twelve training images, if any, into one."""
    pictures = PICTURES / name
    pictures.mkdir(exist_ok=True)
    for plot in ("evaluation", "history", "comparison"):
        if (run / f"{plot}.png").exists():
            shutil.copy(run / f"{plot}.png", pictures)
    pairs = [plt.imread(path) for path in sorted(run.glob("debug/*.png"))[:12]]
    if pairs:
        rows = [np.hstack(pairs[i : i + 3]) for i in range(0, len(pairs), 3)]
        half = downscale_local_mean(np.vstack(rows), (2, 2, 1))
        plt.imsave(pictures / "images.png", half)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("run", type=Path)
    options = parser.parse_args()
    card = load(options.name).card
    page = DOCS / f"{options.name}.md"
    contenders = json.loads((options.run / "evaluation.json").read_text("utf-8"))
    replace_part(page, "card", f"{conditions(card)}\n\n{scores(card, contenders)}")
    comparison = options.run / "comparison.json"
    if comparison.exists():
        contenders = json.loads(comparison.read_text(encoding="utf-8"))
        shown = list(next(iter(card.scores["rivals"].values())))
        replace_part(page, "comparison", compared(contenders, shown))
    copy_pictures(options.run, options.name)


if __name__ == "__main__":
    main()
