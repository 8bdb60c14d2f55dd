# SPDX-License-Identifier: GPL-3.0-or-later
"""Generation of structures and exit waves, over all cores or a cluster, resumable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import dask
import numpy as np
from dask.distributed import as_completed
from pydantic import BaseModel, ValidationError
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from hyperspy_hrtemnn.cluster import cluster_client
from hyperspy_hrtemnn.cores import usable_cores

from .store import DataSet
from .waves.multislice import WaveSettings, exit_wave

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from .recipe import Recipe
    from .structures import Generator, Purpose

Result = TypeVar("Result")

# glibc gives the memory of a large array back to the system at once, and dask asks for
# more of that. To get it again for the next array takes two fifths of a multislice.
_ENVIRONMENT = "distributed.nanny.pre-spawn-environ."
_KEEP_MEMORY = {
    f"{_ENVIRONMENT}MALLOC_MMAP_THRESHOLD_": 2**25,
    f"{_ENVIRONMENT}MALLOC_TRIM_THRESHOLD_": 2**31,
}

PURPOSES: tuple[Purpose, ...] = ("train", "validation", "test")


def data_path(folder: Path, purpose: Purpose) -> Path:
    """Return where the data set of a purpose lies in the folder of a run."""
    return folder / f"{purpose}.zarr"


def share_data(folder: Path, run: Path) -> None:
    """Make the exit waves of a run those of another, which is made if need be.

    Networks that are to be compared are trained on the same waves, each in a run of its
    own.

    Parameters
    ----------
    folder
        The run that has them.
    run
        The run that gets links to them.
    """
    run.mkdir(exist_ok=True)
    for purpose in PURPOSES:
        link = data_path(run, purpose)
        if not link.is_symlink():
            # Windows has another link for folders, which need not be there yet.
            link.symlink_to(
                data_path(folder, purpose).absolute(), target_is_directory=True
            )


def make_structures(
    recipe: Recipe,
    folder: Path,
    *,
    purposes: Sequence[Purpose] = PURPOSES,
    processes: int | None = None,
    scheduler: str | None = None,
    progress: bool = True,
) -> None:
    """Draw the structures that are not there yet.

    A structure depends on the recipe, its purpose and its number alone: any number of
    processes gives the same, and a longer data set begins with a shorter one.

    Parameters
    ----------
    recipe
        Numbers, ranges and seed. Each set has seeds of its own, so none shares a
        structure with another.
    folder
        Folder of the run; gets ``train.zarr``, ``validation.zarr`` and ``test.zarr``.
    purposes
        Sets that are made.
    processes
        Processes on this machine; as many as cores if None. One starts no other.
    scheduler
        Address of a dask.distributed cluster to work on instead. It must see `folder`,
        and it is trusted, see `hyperspy_hrtemnn.cluster`.
    progress
        Whether to show a progress bar.

    Raises
    ------
    StoreError
        If the folder holds structures of another recipe.
    """
    jobs: list[tuple[Any, ...]] = []
    for purpose in purposes:
        i = PURPOSES.index(purpose)
        path = data_path(folder, purpose).absolute()
        data = DataSet(path, "a")
        data.prepare(
            recipe.size[purpose],
            _description(
                recipe.structures, [recipe.seed, i], data.said_of("structures")
            ),
        )
        generator = recipe.structures.of(purpose)
        jobs += [
            (path, index, generator, (recipe.seed, i, index))
            for index in data.missing("atoms")
        ]
    _work(_make_structure, jobs, "structures", processes, scheduler, progress=progress)


def make_waves(
    recipe: Recipe,
    folder: Path,
    *,
    purposes: Sequence[Purpose] = PURPOSES,
    processes: int | None = None,
    scheduler: str | None = None,
    progress: bool = True,
) -> None:
    """Compute the exit waves that are not there yet.

    Parameters
    ----------
    recipe
        Settings of the multislice.
    folder
        Folder of the run.
    purposes, processes, scheduler, progress
        See `make_structures`.

    Raises
    ------
    StoreError
        If `folder` has no structures of a purpose, or waves of other settings.
    """
    jobs = []
    for purpose in purposes:
        path = data_path(folder, purpose).absolute()
        i = PURPOSES.index(purpose)
        data = DataSet(path, "r+")
        data.prepare_waves(
            _description(recipe.waves, [recipe.seed, i], data.said_of("waves"))
        )
        jobs += [
            # Numbers of its own for energy and vibrations, not those of the structure.
            (path, index, recipe.waves, (recipe.seed, i, index, 1))
            for index in data.missing("wave")
        ]
    _work(_make_wave, jobs, "waves", processes, scheduler, progress=progress)


def _description(
    settings: BaseModel, seed: list[int], before: dict[str, Any] | None
) -> dict[str, Any]:
    """Return what a data set says of itself, in its own words if they mean the same.

    What an earlier version wrote lacks the keys of today. It means the same if today's
    settings come out of it: a key that is missing there is off.
    """
    if isinstance(before, dict) and before.get("seed") == seed:
        try:
            meant = type(settings).model_validate(before.get("settings"))
        except ValidationError:  # a key that is no more: something else
            meant = None
        if meant == settings:
            return before
    return {"settings": settings.model_dump(mode="json"), "seed": seed}


def _make_structure(
    path: Path, index: int, generator: Generator, seed: tuple[int, ...]
) -> None:
    structure = generator.make(np.random.SeedSequence(seed))
    DataSet(path, "a").write_structure(index, structure)


def _make_wave(
    path: Path, index: int, settings: WaveSettings, seed: tuple[int, ...]
) -> None:
    data, own = DataSet(path, "a"), np.random.SeedSequence(seed)
    wave = exit_wave(data.read_structure(index), settings, own)
    data.write_wave(index, wave, settings.energy_of(own))


def _work(
    function: Callable[..., None],
    jobs: Sequence[tuple[Any, ...]],
    title: str,
    processes: int | None,
    scheduler: str | None,
    *,
    progress: bool,
) -> None:
    """Call a function for every job, in any order."""
    processes = min(processes or usable_cores(), len(jobs))
    with tqdm(total=len(jobs), desc=title, disable=not progress) as bar:
        if not jobs:
            return
        if processes == 1 and not scheduler:
            for job in jobs:
                alone(function, *job)
                bar.update()
            return
        with (
            dask.config.set(_KEEP_MEMORY),
            cluster_client(processes, scheduler) as client,
        ):
            # Not `map`: the first failure is raised when it happens, not at the end.
            futures = [client.submit(alone, function, *j, pure=False) for j in jobs]
            for future in as_completed(futures):
                future.result()
                bar.update()


def alone(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function with one thread: the processes share the cores.

    Parameters
    ----------
    function
        The function.
    arguments
        Its arguments.
    """
    with threadpool_limits(1), dask.config.set(scheduler="synchronous"):
        return function(*arguments)
