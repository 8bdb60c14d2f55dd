# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of an atom model: signals, atoms, a picture and tables, each by its name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import ase.io

from hyperspy_hrtemnn.signals._shared.hspy_file import save_hspy
from hyperspy_hrtemnn.signals._shared.output_files import free_path, write_csv

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from ase import Atoms
    from hyperspy.signals import Signal2D
    from matplotlib.figure import Figure

    from hyperspy_hrtemnn.signals._shared.output_files import Writing

FILES = (
    "residuals.hspy",
    "wave.hspy",
    "atoms.xyz",
    "atoms.png",
    "lenses.csv",
    "empty_sites.csv",
    "support.csv",
    "empty_support_sites.csv",
    "columns.csv",
)
"""Names of the files, in the order in which they are written: where the table of
columns is, all is."""

OF_SUPPORT = ("support.csv", "empty_support_sites.csv")
"""Those that are there only if there is a support."""


def free_folder(folder: str | Path, *, overwrite: bool) -> Path:
    """Return the folder, made if it is missing; raise if such a file is there."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        free_path(folder / name, overwrite=overwrite)
    # What may not be written again would be that of another model.
    for name in OF_SUPPORT:
        (folder / name).unlink(missing_ok=True)
    return folder


def write_files(
    folder: Path,
    signals: Mapping[str, Signal2D],
    atoms: Atoms,
    picture: Figure,
    tables: Mapping[str, pd.DataFrame],
    *,
    writing: Writing,
) -> None:
    """Write the files into a folder that exists.

    Parameters
    ----------
    folder
        The folder.
    signals
        Signals by the names of their files without suffix.
    atoms, picture
        Atoms and picture.
    tables
        Tables by the names of their files without suffix, with units in their attrs.
    writing
        As `written_whole`.
    """
    for name, signal in signals.items():
        with writing(folder / f"{name}.hspy") as temporary:
            save_hspy(signal, temporary)
    with writing(folder / "atoms.xyz") as temporary:
        ase.io.write(temporary, atoms, format="extxyz")
    with writing(folder / "atoms.png") as temporary:
        picture.savefig(temporary, format="png")
    for name, table in tables.items():
        write_csv(table, folder / f"{name}.csv", writing=writing)
