# SPDX-License-Identifier: GPL-3.0-or-later
"""Own files: the list of what a job has written, outside of which it replaces nothing.

The list is in the folder of the job. A file is on it before it has its name, and is
known by its content: what someone has changed or put in its place is not ours.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from hyperspy_hrtemnn.atomic import written_whole
from hyperspy_hrtemnn.job_folder import OUTPUTS
from hyperspy_hrtemnn.sealed import fingerprint, longer_fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from hyperspy_hrtemnn.signals._shared.output_files import Writing

_MARK = "written by hyperspy-hrtemnn"
_HEAD = f'{{\n  "{_MARK}": '.encode()


class OwnFiles:
    """What a job has written.

    Parameters
    ----------
    folder
        The folder that keeps the list.

    Raises
    ------
    ValueError
        If there is another file in place of the list.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # For each file, by its path from the folder, what was written to it, by its
        # fingerprint, and what that was made from. Without a list nothing is ours.
        self._written = _stored(folder / OUTPUTS)

    def wrote(self, path: Path, made_from: str | None = None) -> bool:
        """Return whether a file is there and as the job wrote it.

        Parameters
        ----------
        path
            The file.
        made_from
            What it has to be made from; by default from anything.
        """
        known = self._written.get(self._name(path))
        if not known or path.is_symlink() or not path.is_file():
            return False
        found = known.get(fingerprint(path))
        return found is not None and made_from in (None, found)

    def listed(self) -> list[Path]:
        """Return the files that the job has written, there or not, as it named them."""
        return [self._folder / name for name in self._written]

    def check(self, paths: Iterable[Path]) -> None:
        """Raise a ValueError if one of several files is there and not ours."""
        for path in paths:
            if os.path.lexists(path) and not self.wrote(path):
                raise ValueError(
                    f"{path} was not written by this job, or was changed since, and "
                    "is never replaced. Move it away, or give another --out."
                )

    def writing(self, made_from: str = "") -> Writing:
        """Return what to write a file of ours with, in place of `written_whole`."""

        @contextmanager
        def written(path: Path) -> Iterator[Path]:
            with written_whole(path) as temporary:
                yield temporary
                self._add(path, fingerprint(temporary), made_from)

        return written

    def append(self, path: Path, more: bytes, before: str) -> str:
        """Write at the end of a file of ours, which is never unknown meanwhile.

        Parameters
        ----------
        path
            The file.
        more
            What is written.
        before
            The fingerprint of what is there.

        Returns
        -------
        The fingerprint of what is there then.

        Raises
        ------
        ValueError
            If what is there has another length: someone has changed it.
        """
        after = longer_fingerprint(before, more)
        with path.open("ab") as file:
            if file.tell() != int(before.partition("-")[0]):
                raise ValueError(f"{path} was changed by another program.")
            # Killed before or after the writing, the job knows what is there.
            self._written[self._name(path)] = {before: "", after: ""}
            self._store()
            file.write(more)
        return after

    def remove(self, path: Path) -> None:
        """Delete a file if it is ours."""
        if self.wrote(path):
            path.unlink()

    def _add(self, path: Path, content: str, made_from: str) -> None:
        """Put a file on the list, beside what is there under its name until then."""
        name = self._name(path)
        known = self._written.get(name, {})
        before = fingerprint(path) if path.is_file() else ""
        kept = {before: known[before]} if before in known else {}
        self._written[name] = kept | {content: made_from}
        self._store()

    def _store(self) -> None:
        with written_whole(self._folder / OUTPUTS) as temporary:
            text = json.dumps({_MARK: self._written}, indent=2, ensure_ascii=False)
            temporary.write_bytes(text.encode("utf-8", "surrogateescape"))

    def _name(self, path: Path) -> str:
        place = path.parent.resolve() / path.name
        try:
            return os.path.relpath(place, self._folder.resolve())
        except ValueError:
            # On another drive of Windows.
            return str(place)


def _stored(path: Path) -> dict[str, dict[str, str]]:
    """Return the files on a list; none if it is damaged or there is none.

    Raises
    ------
    ValueError
        If it is not a list of ours.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    # A power failure may leave the beginning, nothing, or zeros.
    if not _HEAD.startswith(content[: len(_HEAD)].rstrip(b"\0")):
        raise ValueError(
            f"{path} is not the list of files that this program writes there, and is "
            "never replaced. Move it away, or give another --out."
        )
    with suppress(ValueError, RecursionError, AttributeError):
        listed = json.loads(content)[_MARK].items()
        return {name: known for name, known in listed if isinstance(known, dict)}
    return {}
