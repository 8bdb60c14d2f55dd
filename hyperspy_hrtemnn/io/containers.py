# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers, HDF5 and zarr: refused where they open other files or are pickled.

An HDF5 file can have its data in any other file that the user may read.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile, is_zipfile

import h5py

from .refusal import RefusedFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

ALLOW_EXTERNAL = "HRTEMNN_EXTERNAL_FILES"
"""Environment variable; files may open others where it is 1."""

_ZARR_METADATA = {".zarray", ".zmetadata", "zarr.json"}

# No filter of HDF5 makes data smaller than this, but for those that are all the same.
_MOST_COMPRESSED = 2000
_TERABYTE = 2**40


def check_container(path: Path) -> None:
    """Raise a `RefusedFileError` if a container opens other files, or is a pickle.

    Parameters
    ----------
    path
        Any file, or a folder of zarr.
    """
    if path.suffix.lower() == ".zspy":
        _check_zarr(path)
    elif path.is_file() and h5py.is_hdf5(path):
        with h5py.File(path, "r") as file:
            _check_hdf5(file, path)


def _check_hdf5(file: h5py.File, path: Path) -> None:
    size = path.stat().st_size
    allowed = os.environ.get(ALLOW_EXTERNAL, "") == "1"
    for name, item in _objects(file):
        others = _other_files(item)
        if others and not allowed:
            raise RefusedFileError(
                f"{path} has {name} in another file, {others[0]}. If you trust who "
                f"made it, allow this by setting {ALLOW_EXTERNAL}=1 in the environment."
            )
        if isinstance(item, h5py.Dataset) and not others:
            _check_claim(item, path, size)


def _objects(file: h5py.File) -> Iterator[tuple[str, Any]]:
    """Yield the data sets, and links into other files, each once and unopened."""
    waiting, seen = [file["/"]], set()
    while waiting:
        group = waiting.pop()
        for name in group:
            link = group.get(name, getlink=True)
            where = f"{group.name.rstrip('/')}/{name}"
            if isinstance(link, h5py.ExternalLink):
                yield where, link
            elif not isinstance(link, h5py.SoftLink):
                item = group[name]
                address = h5py.h5o.get_info(item.id).addr
                if address not in seen:
                    seen.add(address)
                    if isinstance(item, h5py.Group):
                        waiting.append(item)
                    else:
                        yield where, item


def _other_files(item: Any) -> list[str]:
    if isinstance(item, h5py.ExternalLink):
        return [item.filename]
    if not isinstance(item, h5py.Dataset):
        return []
    if item.is_virtual:
        names = {source.file_name for source in item.virtual_sources()}
        return sorted(names - {"."})
    return [name for name, _, _ in item.external or ()]


def _check_claim(data: h5py.Dataset, path: Path, size: int) -> None:
    """Raise a `RefusedFileError` if a data set says it has more than is there."""
    if data.shape is None:
        return
    chunks = 1
    for side, chunk in zip(data.shape, data.chunks or data.shape, strict=True):
        chunks *= -(-side // max(chunk, 1))
    claim = data.size * data.dtype.itemsize
    if chunks > size or claim > max(_TERABYTE, _MOST_COMPRESSED * size):
        raise RefusedFileError(
            f"{path} says that {data.name} has the shape {data.shape}, {claim:.3g} "
            f"bytes in {chunks:.3g} pieces, but the file has {size} bytes: it is "
            "damaged, or was made to exhaust the memory."
        )


def _check_zarr(path: Path) -> None:
    """Raise a `RefusedFileError` if a zarr is pickled or links to elsewhere."""
    for name, text in _zarr_metadata(path):
        try:
            said = json.loads(text)
        except ValueError as error:
            raise RefusedFileError(f"{path} is damaged: {name}: {error}") from error
        if _names_pickle(said):
            raise RefusedFileError(
                f"{path} has pickled data, {name}, and reading them would run what is "
                "in them; save the signal as .hspy, or do not load it."
            )


def _zarr_metadata(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_file():
        if is_zipfile(path):
            with ZipFile(path) as archive:
                for name in archive.namelist():
                    if Path(name).name in _ZARR_METADATA:
                        yield name, archive.read(name)
        return
    allowed = os.environ.get(ALLOW_EXTERNAL, "") == "1"
    inside = path.resolve()
    for each in path.rglob("*"):
        if not allowed and each.is_symlink():
            target = each.resolve()
            if inside not in target.parents:
                raise RefusedFileError(
                    f"{path} has {each.name} in another file, {target}. If you trust "
                    f"who made it, allow this by setting {ALLOW_EXTERNAL}=1 in the "
                    "environment."
                )
        if each.name in _ZARR_METADATA:
            yield str(each.relative_to(path)), each.read_bytes()


def _names_pickle(tree: Any) -> bool:
    """Return whether a codec of a zarr, of version 2 or 3, is pickle."""
    waiting = [tree]
    while waiting:
        branch = waiting.pop()
        if isinstance(branch, list):
            waiting += branch
        elif isinstance(branch, dict):
            codec = branch.get("id", branch.get("name"))
            if isinstance(codec, str) and "pickle" in codec.lower():
                return True
            waiting += branch.values()
    return False
