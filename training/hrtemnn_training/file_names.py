# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that become names of files: checked where they are read, for every system."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from .json_files import is_control

_FORBIDDEN = set('/\\:*?"<>|\n\t')

# With an ending such as -frames.png a name has to fit into 255 bytes.
_LONGEST = 200

_RESERVED = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    f"{device}{number}" for device in ("COM", "LPT") for number in "123456789¹²³"
}


def check_file_name(name: str) -> str:
    """Return a name that files in a folder may have, before their endings.

    Raises
    ------
    ValueError
        If it would lead elsewhere, or no system or only some of them would take it.

    Examples
    --------
    >>> check_file_name("au-ceo2-mask")
    'au-ceo2-mask'
    >>> check_file_name("../mask")
    Traceback (most recent call last):
    ...
    ValueError: files are named by it, so that it cannot have '/' in it
    """
    wrong = [c for c in name if c in _FORBIDDEN or is_control(c)]
    if wrong:
        raise ValueError(
            f"files are named by it, so that it cannot have {wrong[0]!r} in it"
        )
    if not name or name[0] in " .-" or name[-1] in " .":
        raise ValueError(
            "files are named by it: it cannot be empty, begin with a space, dot or "
            "dash, or end with a space or dot"
        )
    if len(name.encode()) > _LONGEST:
        raise ValueError(f"files are named by it: {_LONGEST} bytes are the most")
    if name.split(".", maxsplit=1)[0].rstrip().upper() in _RESERVED:
        raise ValueError(
            f"files are named by it, and Windows keeps {name!r} for itself"
        )
    return name


FileName = Annotated[str, AfterValidator(check_file_name)]
"""Name that files in the folder of a run may have."""
