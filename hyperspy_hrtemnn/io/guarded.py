# SPDX-License-Identifier: GPL-3.0-or-later
"""Guarded loading: files of others, as HyperSpy loads them, after a look at them.

All commands, and `load_in_situ`, load files here. What they refuse is listed in the
modules of the checks: programs in place of formulas, files that open other files, and
headers that claim more than there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import hyperspy.api as hs
import pint
from rsciio import IO_PLUGINS

from hyperspy_hrtemnn.unit_texts import is_quantity

from .claims import check_claim, check_header
from .containers import check_container
from .expressions import check_expressions
from .refusal import RefusedFileError
from .tiff_pages import check_pages


def load(path: Path, **options: Any) -> Any:
    """Load a file as `hyperspy.api.load` does, unless it is not safe to.

    Parameters
    ----------
    path
        The file, or a folder of zarr.
    **options
        Those of `hyperspy.api.load`.

    Raises
    ------
    RefusedFileError
        If the file would run a program or open other files, or claims more than it
        has.
    ValueError
        If it cannot be read.
    """
    if not (path.is_file() or path.suffix == ".zspy"):
        # A pipe or a device may never end.
        raise ValueError(f"{path} cannot be read: it is not a file.")
    # Every reader has its own exceptions for what it does not understand.
    try:
        check_container(path)
        check_header(path)
        check_pages(path)
        return hs.load(path, file_format=_reader(path), **options)
    except (RefusedFileError, MemoryError):
        raise
    except Exception as error:
        what = str(error) if isinstance(error, OSError | ValueError) else repr(error)
        raise ValueError(f"{path} cannot be read: {what}") from error


@dataclass(frozen=True)
class _LookedAt:
    """A reader of RosettaSciIO, whose result is looked at before HyperSpy takes it."""

    name: str

    @property
    def __loader__(self) -> _LookedAt:
        """HyperSpy writes its name into the metadata."""
        return self

    def file_reader(self, filename: str, **options: Any) -> list[dict[str, Any]]:
        _refuse_units_that_calculate()
        signals = list(import_module(self.name).file_reader(filename, **options))
        for signal in signals:
            if "data" in signal:
                check_expressions(Path(filename), signal)
                check_claim(Path(filename), signal)
                _import_extensions_only(signal)
        return signals


def _reader(path: Path) -> _LookedAt | None:
    """Return the reader that HyperSpy takes for a file, None where it finds no one."""
    suffix = path.suffix[1:].lower()
    for one in IO_PLUGINS:
        names = (one["name"], *(one.get("name_aliases") or ()))
        if suffix in map(str.lower, names):
            return _LookedAt(one["api"])
    found = [one["api"] for one in IO_PLUGINS if suffix in one["file_extensions"]]
    if len(found) > 1:
        return None
    return _LookedAt(found[0] if found else "rsciio.image")


def _import_extensions_only(tree: dict[str, Any]) -> None:
    """Take out of signals the names of packages that are not extensions of HyperSpy.

    HyperSpy imports what stands there, and to import a module is to run it.
    """
    waiting: list[tuple[str, Any]] = [("_sig_", tree)]
    while waiting:
        key, branch = waiting.pop()
        if isinstance(branch, list | tuple):
            waiting += [("", item) for item in branch]
        elif isinstance(branch, dict):
            if key.startswith("_sig_") and branch.get("package") not in _extensions():
                branch["package"] = ""
            waiting += [(str(key), value) for key, value in branch.items()]


@cache
def _extensions() -> frozenset[str]:
    found = entry_points(group="hyperspy.extensions")
    return frozenset({"hyperspy", *(each.name for each in found)})


@cache
def _refuse_units_that_calculate() -> None:
    """Let RosettaSciIO's pint see units only; it would calculate 9**9**9**9."""
    from rsciio.utils._units import _UREG

    def only_quantities(text: str) -> str:
        if not is_quantity(text):
            raise pint.UndefinedUnitError(text[:20])
        return text

    _UREG.preprocessors.append(only_quantities)
