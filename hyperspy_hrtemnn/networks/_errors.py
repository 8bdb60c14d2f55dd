# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of networks: one line each, without control characters of a foreign file."""

from __future__ import annotations

import unicodedata

# A file of someone else may put megabytes into an error.
_LONGEST = 600

# Control characters, such as those of terminals, marks that turn the direction of a
# line around, halves of characters, and separators of lines and paragraphs.
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


class NetworkError(ValueError):
    """The file of a network, its card or its answer cannot be used.

    Parameters
    ----------
    message
        What is wrong, and the remedy. It is made one line that a terminal can show.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class DeviceError(NetworkError):
    """A network cannot run on a device."""


class DeviceStartError(DeviceError):
    """A device does not start on this machine, whatever the network."""


class NetworkMemoryError(NetworkError, MemoryError):
    """There is not enough memory to run a network on an image."""


def is_printable(text: str) -> bool:
    """Return whether a text has no character that controls a terminal or a line."""
    return all(
        unicodedata.category(character) not in _UNPRINTABLE for character in text
    )


def one_line(text: str) -> str:
    r"""Return a text as one line of limited length that can be shown anywhere.

    Examples
    --------
    >>> print(one_line("red \x1b[31m,\n second line"))
    red \x1b[31m, second line
    """
    text = " ".join(text.split())
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}..."
    return "".join(
        character if is_printable(character) else _escaped(character)
        for character in text
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
