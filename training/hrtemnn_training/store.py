# SPDX-License-Identifier: GPL-3.0-or-later
"""Data set on disk: structures and their exit waves in one zarr store."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import zarr

from hyperspy_hrtemnn.atomic import written_whole
from hyperspy_hrtemnn.user_warnings import warn_user

from .checksums import checksum
from .structures import Sites, Structure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

_ATOMS = ("positions", "numbers", "particles")
_COMMANDS = {"atoms": "structures", "wave": "waves"}
_SITES = ("positions", "particles", "elements", "counts", "classes")
_ARRAYS = {
    "atoms": (*_ATOMS, *(f"site_{name}" for name in _SITES)),
    "wave": ("wave",),
}

# What zarr raises where a file of it is empty, cut off or full of zeros.
_DAMAGE = (ValueError, KeyError, TypeError, AttributeError, RuntimeError, EOFError)


State = Literal["whole", "missing", "damaged"]


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
    energy
        Beam energy [keV].
    outlines, kinds, sites, values
        See `Structure`.
    depth
        Depth of the mean plane of the specimen, below the plane of the wave [Å]; see
        `mean_depth`.
    """

    wave: NDArray[np.complex64]
    extent: tuple[float, float]
    energy: float
    outlines: tuple[NDArray[np.float32], ...]
    kinds: tuple[str, ...]
    sites: Sites
    values: Mapping[str, float | str]
    depth: float = 0.0


class Specimens(Protocol):
    """Specimens by number, such as those of a `DataSet`."""

    def __len__(self) -> int:
        """Return the number of specimens."""

    def read_specimen(self, index: int) -> Specimen:
        """Return one of them."""


class DataSet:
    """Structures and waves of one recipe and one purpose.

    A group for each structure, named by its number. An attribute written last says
    that a part of it is whole, by its checksum, so that a run that was killed goes on
    where it was, and what a power failure left damaged is made anew. In data sets of
    earlier versions it has no checksum and is believed.

    Parameters
    ----------
    path
        Folder of the zarr store.
    mode
        "r" to read, "r+" to write too, "a" to make it where it is missing.

    Raises
    ------
    StoreError
        If the store is not there and not to be made, or is damaged.
    """

    def __init__(self, path: str | Path, mode: str = "r") -> None:
        self.path = Path(path)
        if mode != "a" and not (self.path / "zarr.json").exists():
            raise StoreError(f"There is no data set in {self.path}; make it first.")
        try:
            self._root = zarr.open_group(self.path, mode=mode)
        except _DAMAGE:
            if mode != "a":
                raise StoreError(
                    f"{self.path / 'zarr.json'} is damaged; `hrtemnn structures` "
                    "writes it anew."
                ) from None
            self._root = self._mended(mode)
        # Parts that were found to be whole, which takes reading them.
        self._whole: set[tuple[int, str]] = set()

    def _mended(self, mode: str) -> zarr.Group:
        """Write anew what the store says of itself; all else is left as it is."""
        warn_user(f"{self.path / 'zarr.json'} was damaged and is written anew.")
        text = json.dumps(
            {"attributes": {"mended": True}, "zarr_format": 3, "node_type": "group"}
        )
        with written_whole(self.path / "zarr.json") as temporary:
            temporary.write_text(text, encoding="utf-8")
        return zarr.open_group(self.path, mode=mode)

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
        if len(self) != size:
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

    def said_of(self, part: str) -> dict[str, Any] | None:
        """Return the description of "structures" or "waves", None before there are."""
        said: dict[str, Any] | None = self._root.attrs.get(part)
        return said

    def _claim(self, part: str, description: dict[str, Any]) -> None:
        before = self._root.attrs.get(part)
        if before is not None and before != description:
            raise StoreError(
                f"{self.path} holds {part} of other settings or another seed; "
                "choose another folder, or delete this one."
            )
        if before is None:
            self._root.attrs[part] = description

    def missing(self, part: str) -> list[int]:
        """Return the numbers of the structures without `part`, "atoms" or "wave".

        Those that are damaged are among them, and a warning says how many they are.
        """
        states = {i: self._state(i, part) for i in range(len(self))}
        damaged = [i for i, state in states.items() if state == "damaged"]
        if damaged:
            warn_user(
                f"{len(damaged)} of {len(self)} {_COMMANDS[part]} in {self.path} are "
                f"damaged, the first is number {damaged[0]}; they are made anew."
            )
        return [i for i, state in states.items() if state != "whole"]

    def _state(self, index: int, part: str) -> State:
        """Return whether a part of a structure is there, and as it was written."""
        try:
            group = self._root.get(f"{index:05d}")
            said = group is not None and group.attrs.get(part)
            if not said:
                return "missing"
            # A data set of before, which still says itself what it is of.
            believed = said is True and "mended" not in self._root.attrs
            if not believed and said != self._checksum(group, index, part):
                return "damaged"
        except _DAMAGE:
            return "damaged"
        self._whole.add((index, part))
        return "whole"

    def _checksum(self, group: zarr.Group, index: int, part: str) -> str:
        folder = self.path / f"{index:05d}"
        described = self._root.attrs.get(_COMMANDS[part])
        said = {k: v for k, v in dict(group.attrs).items() if k not in _COMMANDS}
        return checksum((folder / name for name in _ARRAYS[part]), described, said)

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
        )
        self._finish(group, index, "atoms")

    def _finish(self, group: zarr.Group, index: int, part: str) -> None:
        group.attrs[part] = self._checksum(group, index, part)
        self._whole.discard((index, part))

    def read_structure(self, index: int) -> Structure:
        """Return the structure number `index`.

        Raises
        ------
        StoreError
            If it has not been drawn, or is damaged.
        """
        with self._group(index, "atoms") as group:
            x, y, z = group.attrs["box"]
            return Structure(
                **{name: group[name][...] for name in _ATOMS},
                box=(x, y, z),
                **_description(group),
            )

    @contextmanager
    def _group(self, index: int, part: str) -> Iterator[zarr.Group]:
        """Give the group of a structure to read; `part` of it must be there."""
        for needed, command in _COMMANDS.items():
            known = (index, needed) in self._whole
            state = "whole" if known else self._state(index, needed)
            if state != "whole":
                is_how = f"has no {needed} yet" if state == "missing" else "is damaged"
                raise StoreError(
                    f"Structure {index} of {self.path} {is_how}; run "
                    f"`hrtemnn {command}` to its end first."
                )
            if needed == part:
                break
        try:
            yield self._root[f"{index:05d}"]
        except _DAMAGE as error:
            # Of a data set without checksums.
            raise StoreError(
                f"Structure {index} of {self.path} is damaged ({error}); delete "
                f"{self.path / f'{index:05d}'}, and run `hrtemnn structures` and "
                "`hrtemnn waves`."
            ) from error

    def write_wave(
        self, index: int, wave: NDArray[np.complex64], energy: float
    ) -> None:
        """Store the exit wave, shape (y, x), of the structure number `index`.

        Parameters
        ----------
        index
            Number of the structure.
        wave
            Exit wave, shape (y, x).
        energy
            Its beam energy [keV].
        """
        group = self._root[f"{index:05d}"]
        said = {"energy": energy}
        group.create_array("wave", data=wave, attributes=said, overwrite=True)
        self._finish(group, index, "wave")

    def read_specimen(self, index: int) -> Specimen:
        """Return the exit wave number `index` and what it shows.

        Raises
        ------
        StoreError
            If the wave has not been computed, or is damaged.
        """
        with self._group(index, "wave") as group:
            x, y, z = group.attrs["box"]
            wave = group["wave"]
            said = _description(group)
            depth = mean_depth(group["positions"][...], group["numbers"][...], z)
            energy = self._energy_of(wave)
            return Specimen(wave[...], (y, x), energy, **said, depth=depth)

    def _energy_of(self, wave: zarr.Array) -> float:
        """Return the energy of a wave [keV], one for all where it does not say its."""
        if "energy" in wave.attrs:
            return float(wave.attrs["energy"])
        return float(self._root.attrs["waves"]["settings"]["energy"])


def mean_depth(
    positions: NDArray[np.floating], numbers: NDArray[np.integer], thickness: float
) -> float:
    """Return the depth of the mean plane of atoms below the end of their box [Å].

    Atoms count by the square of their atomic number, about as they do in the power
    spectrum of an image. Without atoms it is 0.

    Parameters
    ----------
    positions, numbers
        See `Structure`.
    thickness
        Length of the box along z, at whose end the exit wave is [Å].
    """
    if not len(numbers):
        return 0.0
    weights = np.square(numbers, dtype=np.float64)
    return thickness - float(np.average(positions[:, 2], weights=weights))


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
