# SPDX-License-Identifier: GPL-3.0-or-later
"""Data set on disk: structures and their exit waves in one zarr store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import zarr

from .structures import Sites, Structure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

_ATOMS = ("positions", "numbers", "particles")
_COMMANDS = {"atoms": "structures", "wave": "waves"}
_SITES = ("positions", "particles", "elements", "counts", "classes")


class StoreError(ValueError):
    """A data set that is missing, incomplete or of another recipe."""


@dataclass(frozen=True)
class Specimen:
    """One exit wave and what its labels are made of.

    Parameters
    ----------
    wave
        Exit wave, shape (y, x).
    extent
        Lengths along (y, x) [Å].
    outlines, kinds, sites, values
        See `Structure`.
    """

    wave: NDArray[np.complex64]
    extent: tuple[float, float]
    outlines: tuple[NDArray[np.float32], ...]
    kinds: tuple[str, ...]
    sites: Sites
    values: Mapping[str, float | str]


class Specimens(Protocol):
    """Specimens by number, such as those of a `DataSet`."""

    def __len__(self) -> int:
        """Return the number of specimens."""

    def read_specimen(self, index: int) -> Specimen:
        """Return one of them."""


class DataSet:
    """Structures and waves of one recipe and one purpose.

    A group for each structure, named by its number. An attribute written last says
    that a part of it is whole, so that a run that was killed goes on where it was.

    Parameters
    ----------
    path
        Folder of the zarr store.
    mode
        "r" to read, "r+" to write too, "a" to make it where it is missing.

    Raises
    ------
    StoreError
        If the store is not there and not to be made.
    """

    def __init__(self, path: str | Path, mode: str = "r") -> None:
        self.path = Path(path)
        if mode != "a" and not (self.path / "zarr.json").exists():
            raise StoreError(f"There is no data set in {self.path}; make it first.")
        self._root = zarr.open_group(self.path, mode=mode)

    def __len__(self) -> int:
        """Return the number of structures, complete or not."""
        return int(self._root.attrs.get("size", 0))

    def prepare(self, size: int, description: dict[str, Any]) -> None:
        """Say how many structures of which description the store is to hold.

        Parameters
        ----------
        size
            Number of structures; it may grow from run to run.
        description
            Settings that the structures are drawn from; JSON types only.

        Raises
        ------
        StoreError
            If the store holds structures of another description.
        """
        self._claim("structures", description)
        self._root.attrs["size"] = size

    def prepare_waves(self, description: dict[str, Any]) -> None:
        """Say how the waves of the store are computed.

        Parameters
        ----------
        description
            Settings of the multislice and seed; JSON types only.

        Raises
        ------
        StoreError
            If the store holds waves of another description.
        """
        self._claim("waves", description)

    def _claim(self, part: str, description: dict[str, Any]) -> None:
        before = self._root.attrs.get(part)
        if before is not None and before != description:
            raise StoreError(
                f"{self.path} holds {part} of other settings or another seed; "
                "choose another folder, or delete this one."
            )
        self._root.attrs[part] = description

    def missing(self, part: str) -> Iterator[int]:
        """Return the numbers of the structures without `part`, "atoms" or "wave"."""
        for i in range(len(self)):
            group = self._root.get(f"{i:05d}")
            if group is None or not group.attrs.get(part):
                yield i

    def write_structure(self, index: int, structure: Structure) -> None:
        """Store the structure number `index`, replacing an unfinished one."""
        group = self._root.create_group(f"{index:05d}", overwrite=True)
        for name in _ATOMS:
            group.create_array(name, data=getattr(structure, name))
        for name in _SITES:
            data = getattr(structure.sites, name)
            group.create_array(f"site_{name}", data=data)
        group.attrs.update(
            box=list(structure.box),
            outlines=[outline.tolist() for outline in structure.outlines],
            kinds=list(structure.kinds),
            values=dict(structure.values),
            site_names=list(structure.sites.names),
            atoms=True,
        )

    def read_structure(self, index: int) -> Structure:
        """Return the structure number `index`.

        Raises
        ------
        StoreError
            If it has not been drawn.
        """
        group = self._group(index, "atoms")
        x, y, z = group.attrs["box"]
        return Structure(
            **{name: group[name][...] for name in _ATOMS},
            box=(x, y, z),
            **_description(group),
        )

    def _group(self, index: int, part: str) -> zarr.Group:
        """Return the group of a structure; `part` of it must be there."""
        group = self._root.get(f"{index:05d}")
        for needed, command in _COMMANDS.items():
            if group is None or not group.attrs.get(needed):
                raise StoreError(
                    f"Structure {index} of {self.path} has no {needed} yet; run "
                    f"`hrtemnn {command}` to its end first."
                )
            if needed == part:
                break
        return group

    def write_wave(self, index: int, wave: NDArray[np.complex64]) -> None:
        """Store the exit wave, shape (y, x), of the structure number `index`."""
        group = self._root[f"{index:05d}"]
        group.create_array("wave", data=wave, overwrite=True)
        group.attrs["wave"] = True

    def read_specimen(self, index: int) -> Specimen:
        """Return the exit wave number `index` and what it shows.

        Raises
        ------
        StoreError
            If the wave has not been computed.
        """
        group = self._group(index, "wave")
        x, y, _ = group.attrs["box"]
        return Specimen(group["wave"][...], (y, x), **_description(group))


def _description(group: zarr.Group) -> dict[str, Any]:
    """Return what a structure and a specimen have in common."""
    attributes = dict(group.attrs)
    return {
        "outlines": tuple(np.array(o, np.float32) for o in attributes["outlines"]),
        "kinds": tuple(attributes["kinds"]),
        "values": attributes["values"],
        "sites": Sites(
            **{name: group[f"site_{name}"][...] for name in _SITES},
            names=tuple(attributes["site_names"]),
        ),
    }
