# SPDX-License-Identifier: GPL-3.0-or-later
"""Structures and exit waves of a recipe, over all cores, resumable."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import dask
import numpy as np
from dask.distributed import Client, LocalCluster, as_completed
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from .store import DataSet
from .waves import WaveSettings, exit_wave

if TYPE_CHECKING:
    from pathlib import Path

    from .recipe import Recipe
    from .structures import Purpose

PURPOSES: tuple[Purpose, ...] = ("train", "validation", "test")


def data_path(folder: Path, purpose: Purpose) -> Path:
    """Return where the data set of a purpose lies in the folder of a run."""
    return folder / f"{purpose}.zarr"


def make_structures(recipe: Recipe, folder: Path, *, progress: bool = True) -> None:
    """Draw the structures of all three sets, those that are not there yet.

    Parameters
    ----------
    recipe
        Numbers, ranges and seed. Each set has seeds of its own, so none shares a
        structure with another.
    folder
        Of the run; gets ``train.zarr``, ``validation.zarr`` and ``test.zarr``.
    progress
        Whether to show a progress bar.

    Raises
    ------
    StoreError
        If the folder holds structures of another recipe.
    """
    for i, purpose in enumerate(PURPOSES):
        data = DataSet(data_path(folder, purpose), "a")
        description = {
            "structures": recipe.structures.model_dump(mode="json"),
            "seed": [recipe.seed, i],
        }
        data.prepare(recipe.size[purpose], description)
        generator = recipe.structures.of(purpose)
        missing = list(data.missing("atoms"))
        bar = tqdm(missing, f"structures, {purpose}", disable=not progress)
        for index in bar:
            seed = np.random.SeedSequence((recipe.seed, i, index))
            data.write_structure(index, generator.make(seed))


def make_waves(
    recipe: Recipe,
    folder: Path,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: bool = True,
) -> None:
    """Compute the exit waves that are not there yet.

    Parameters
    ----------
    recipe
        Settings of the multislice.
    folder
        Of the run.
    workers
        Processes on this machine; as many as cores if None.
    scheduler
        Address of a dask.distributed cluster to work on instead. It must see `folder`.
    progress
        Whether to show a progress bar.
    """
    jobs = []
    for purpose in PURPOSES:
        path = data_path(folder, purpose).absolute()
        jobs += [(path, index) for index in DataSet(path).missing("wave")]
    if not jobs:
        return
    with _client(workers or os.cpu_count() or 1, scheduler) as client:
        settings = recipe.waves
        futures = [
            client.submit(_make_wave, path, index, settings, pure=False)
            for path, index in jobs
        ]
        bar = tqdm(total=len(futures), desc="waves", disable=not progress)
        for future in as_completed(futures):
            future.result()
            bar.update()
        bar.close()


def _client(workers: int, scheduler: str | None) -> Client:
    if scheduler:
        return Client(scheduler)
    with dask.config.set({"distributed.worker.daemon": True}):
        cluster = LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None
        )
    return Client(cluster)


def _make_wave(path: Path, index: int, settings: WaveSettings) -> None:
    data = DataSet(path, "a")
    with threadpool_limits(1), dask.config.set(scheduler="synchronous"):
        data.write_wave(index, exit_wave(data.read_structure(index), settings, index))
