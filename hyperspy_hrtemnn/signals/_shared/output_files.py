# SPDX-License-Identifier: GPL-3.0-or-later
"""Output files: where a method may write, and tables as CSV and Parquet."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from hyperspy_hrtemnn.atomic import written_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    import pandas as pd

    Writing = Callable[[Path], AbstractContextManager[Path]]
    """As `written_whole`: gives a path to write to in place of another."""

# ImageJ and Excel take the encoding of a text for that of the computer.
_ASCII = str.maketrans({"²": "^2", "°": "deg", "µ": "u", "μ": "u", "Å": "angstrom"})


def free_path(path: str | Path, *suffixes: str, overwrite: bool) -> Path:
    """Return where to write; raise unless it is free and its name ends as it should."""
    target = Path(path)
    if suffixes and target.suffix.lower() not in suffixes:
        raise ValueError(f"{path} has to end with {' or '.join(suffixes)}.")
    if target.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; overwrite=True replaces it.")
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {target.parent} for {target.name}; make it first."
        )
    return target


def ascii_unit(unit: str) -> str:
    """Return a unit in letters that all programs read alike."""
    return unit.translate(_ASCII)


def write_csv(
    table: pd.DataFrame, path: Path, *, writing: Writing = written_whole
) -> None:
    """Write a table with the units of its columns in the header."""
    with writing(path) as temporary:
        named = with_units(table, table.attrs["units"])
        named.to_csv(temporary, index=False, encoding="utf-8")


def write_parquet(
    table: pd.DataFrame, path: Path, *, writing: Writing = written_whole
) -> None:
    """Write a table as Parquet, with the units of its columns in ``attrs``.

    Raises
    ------
    ValueError
        If pyarrow is not installed.
    """
    check_parquet()
    plain = table.copy(deep=False)
    # What else is there is no JSON, which the file would keep it as.
    plain.attrs = {"units": dict(table.attrs["units"])}
    with writing(path) as temporary:
        plain.to_parquet(temporary, engine="pyarrow", index=False)


def check_parquet() -> None:
    """Raise a ValueError if tables cannot be written as Parquet."""
    if find_spec("pyarrow") is None:
        raise ValueError(
            "Tables as Parquet need pyarrow, which is not installed: "
            "pip install pyarrow"
        )


def with_units(table: pd.DataFrame, units: Mapping[str, str]) -> pd.DataFrame:
    """Return a table whose columns are named as in a file, with their units."""
    named = {
        name: f"{name} ({ascii_unit(unit)})" for name, unit in units.items() if unit
    }
    return table.rename(columns=named)
