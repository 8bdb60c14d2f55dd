# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line: the command that installs the menu items."""

from __future__ import annotations

from pathlib import Path

import click

from hyperspy_hrtemnn import __version__

from .install import ITEMS, install_items
from .places import menu_items_folder, python_program, user_folders

_WHEEL = f"hyperspy_hrtemnn-{__version__}-py3-none-any.whl"

# Packages that the menu items need and Dragonfly may lack. They are installed by name,
# because the dependencies of this package would replace Dragonfly's numpy and scipy.
_NEEDED = "lazy-loader pandas pydantic onnxruntime"


@click.command("dragonfly-install")
@click.option(
    "--dir",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder GenericMenuItems of a Dragonfly; by default of all installed.",
)
def dragonfly_install(folder: Path | None) -> None:
    """Copy the menu items into the folder in which Dragonfly searches for them.

    All of them are copied, or none, and older ones are replaced.
    """
    folders = [*map(menu_items_folder, user_folders())] if folder is None else [folder]
    if not folders:
        raise click.ClickException(
            "No Dragonfly of this user was found: there is no folder Dragonfly* in "
            r"%LOCALAPPDATA%\ORS, %LOCALAPPDATA%\Comet or %LOCALAPPDATA%. Start "
            "Dragonfly once, or give its folder GenericMenuItems with --dir."
        )
    for target in folders:
        install_items(target)
        click.echo(f"{len(ITEMS)} menu items are in {target}")
    click.echo(
        "Restart Dragonfly to see them. They need this package, by its wheel or the "
        "folder of a clone, in Dragonfly's own Python; in a command prompt, as "
        "administrator:"
    )
    for program in dict.fromkeys(map(python_program, folders)):
        python = f'"{program}"' if program else r"PATH\OF\DRAGONFLY'S\python.exe"
        click.echo(f"  {python} -m pip install --no-deps {_WHEEL}")
        click.echo(f"  {python} -m pip install {_NEEDED}")
