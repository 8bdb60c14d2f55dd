# SPDX-License-Identifier: GPL-3.0-or-later
"""Terminal lines: texts of files and users as one line that a terminal only shows.

A unit, a title or the name of a file may hold escape sequences, which set the title of
a terminal, or write over what stands there.
"""

from __future__ import annotations

import io
import sys

_LONGEST = 2000


def as_line(text: object) -> str:
    r"""Return a text as one line without any character that is not printed.

    Examples
    --------
    >>> as_line("unit 'nm\x1b[31m'\n  is unknown")
    "unit 'nm\\x1b[31m' is unknown"
    """
    line = " ".join(str(text).split())
    if len(line) > _LONGEST:
        line = f"{line[:_LONGEST]}..."
    if line.isprintable():
        return line
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in line
    )


def allow_any_letter() -> None:
    """Print a question mark for each letter that the terminal or a file cannot take.

    On Windows a file that output is directed into has the letters of one language, and
    half of the languages have no Å: the command would end there.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
