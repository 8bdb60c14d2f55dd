# SPDX-License-Identifier: GPL-3.0-or-later
"""Work folder of a fine-tuning: which one it belongs to, so that it can go on."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hrtemnn_training.train.batches import cache_path
from hrtemnn_training.train.files import delete_training
from hyperspy_hrtemnn.job_folder import difference, stored_job, write_job

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hrtemnn_training.recipe import Recipe
    from hyperspy_hrtemnn.networks import Network

    from .settings import TuningSettings


def describe(
    network: Network,
    recipe: Recipe,
    settings: TuningSettings,
    *,
    files: Iterable[Path],
    sampling: float | str | None,
    waves: Path,
) -> dict[str, Any]:
    """Return what a fine-tuning depends on, but for the time it is given.

    Parameters
    ----------
    network
        Network that is fine-tuned.
    recipe
        Recipe of the fine-tuning.
    settings
        How it is fine-tuned.
    files
        Images and labels.
    sampling
        Pixel size in place of the files'.
    waves
        Folder with the exit waves.
    """
    content = hashlib.sha256()
    for path in files:
        content.update(hashlib.sha256(path.read_bytes()).digest())
    said = asdict(settings)
    del said["minutes"]
    return {
        "command": "finetune",
        "network sha256": network.sha256,
        "images and labels": content.hexdigest(),
        "sampling": sampling,
        "simulations": str(waves.resolve()),
        "recipe": recipe.sha256,
        "settings": said,
    }


def begin(folder: Path, job: dict[str, Any], *, force: bool) -> None:
    """Make a folder that of a fine-tuning.

    Parameters
    ----------
    folder
        The folder.
    job
        From `describe`.
    force
        Whether to delete what another fine-tuning has left; its simulations stay.

    Raises
    ------
    ValueError
        If it is that of another, or not ours.
    """
    stored = stored_job(folder)
    changed = difference(stored, job) if stored else ""
    if changed and not force:
        raise ValueError(
            f"{folder} holds another fine-tuning: {changed}. --force begins anew, or "
            "give another --out."
        )
    if changed:
        delete_training(folder)
        shutil.rmtree(cache_path(folder), ignore_errors=True)
    if changed or not stored:
        write_job(folder, job)
