# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes of frames, taken while these are computed and reported afterwards.

A lazy result is computed long after its method has returned, in threads or on the
workers of a cluster, by whoever asks for it; dask knows when that is done.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from threading import Lock, local
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import uuid4
from weakref import WeakValueDictionary

from dask.callbacks import Callback

from hyperspy_hrtemnn.bad_frames import BadFrameError
from hyperspy_hrtemnn.user_warnings import warn_user

from .workers import hear, report

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

Note = TypeVar("Note")

_NAMED = 5  # frames that a warning names


class Travelling:
    """What goes with the tasks of dask and stays the same one in its process.

    Parameters
    ----------
    token
        What tells it from others; by default a new one. Another process, of a cluster,
        has one of its own.
    """

    def __init__(self, *, token: str | None = None) -> None:
        self._token = token or uuid4().hex
        self._lock = Lock()
        _KNOWN[self._token] = self

    def __reduce__(self) -> tuple[Any, ...]:
        """Find the same one again where it is known."""
        return _known, (type(self), self._token)

    def _at_home(self, method: str, *arguments: Any) -> bool:
        """Have a method called where this comes from, if a worker calls it.

        Returns
        -------
        Whether that is so, and there is nothing left to do here.
        """
        return report(self._token, method, arguments)


class Notes(Travelling, ABC):
    """What is noted of the frames of one result, by the tasks that compute them.

    Parameters
    ----------
    by_hand
        Whether someone calls `tell` who knows when; otherwise it is called when dask
        has computed something.
    token
        See `Travelling`.
    """

    def __init__(self, *, by_hand: bool = False, token: str | None = None) -> None:
        super().__init__(token=token)
        self.by_hand = by_hand
        if token is None:
            hear(_take, _tell_all)

    @abstractmethod
    def tell(self) -> None:
        """Warn, as of the line of the user, of what was noted since the last time."""

    @abstractmethod
    def forget(self) -> None:
        """Forget what was not told, because the computation has failed."""


class FrameNotes(Notes, Generic[Note]):
    """One note for each frame of a result, until these are told or forgotten.

    Parameters
    ----------
    by_hand, token
        See `Notes`.
    """

    def __init__(self, *, by_hand: bool = False, token: str | None = None) -> None:
        super().__init__(by_hand=by_hand, token=token)
        self._pending: dict[Hashable, Note] = {}
        self._failures = 0
        self._task = local()

    @contextmanager
    def frame(self) -> Iterator[None]:
        """Take notes meanwhile, unless the computation of this frame has failed.

        When one frame fails, dask does not wait for those in its other threads. What
        these note afterwards would be told at the end of another computation.
        """
        self._task.began = self._failures
        try:
            yield
        finally:
            del self._task.began

    def take(self) -> dict[Any, Note]:
        """Return what was noted since it was last taken, in the order of frames."""
        with self._lock:
            taken, self._pending = self._pending, {}
        return dict(sorted(taken.items()))  # type: ignore[type-var]

    def forget(self) -> None:
        """Forget what was not told, and what frames in flight are about to note."""
        with self._lock:
            self._failures += 1
            self._pending = {}

    def _note(self, frame: Hashable, note: Note) -> None:
        if self._at_home("_note", frame, note):
            return
        with self._lock:
            if getattr(self._task, "began", self._failures) == self._failures:
                self._pending[frame] = note


def named_frames(frames: Iterable[Any]) -> str:
    """Return frames as a text, the first few by their number, for a warning.

    Parameters
    ----------
    frames
        Numbers, or indices in the order of the data; () is the only image.
    """
    names = sorted(frames)
    if names == [()]:
        return "the image"
    texts = [
        str(name[0] if len(name) == 1 else name[::-1])
        if isinstance(name, tuple)
        else str(name)
        for name in names[:_NAMED]
    ]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"frame{'s' if len(names) > 1 else ''} {', '.join(texts)}{more}"


_KNOWN: WeakValueDictionary[str, Travelling] = WeakValueDictionary()


def _known(kind: Callable[..., Travelling], token: str) -> Travelling:
    return _KNOWN.get(token) or kind(token=token)


def _take(token: str, method: str, arguments: tuple[Any, ...]) -> bool:
    """Do what the copy on a worker asked for; return whether it is one of ours."""
    notes = _KNOWN.get(token)
    if notes is None:
        return False
    getattr(notes, method)(*arguments)
    return True


def _untold() -> list[Notes]:
    """Return the notes that nobody tells by hand."""
    known = [notes for notes in _KNOWN.values() if isinstance(notes, Notes)]
    return [notes for notes in known if not notes.by_hand]


def _tell_all() -> None:
    """Tell what workers have noted, in the thread of the client.

    Nobody there could catch an error.
    """
    for notes in _untold():
        _tell_in_words(notes)


def _tell_in_words(notes: Notes) -> None:
    try:
        notes.tell()
    except BadFrameError as error:
        warn_user(str(error))


class _AtTheEnd(Callback):  # type: ignore[misc]
    """Tells what was noted when dask has computed something."""

    def _finish(self, dsk: Any, state: Any, errored: bool) -> None:  # noqa: ARG002
        for notes in _untold():
            if errored:
                notes.forget()
            else:
                notes.tell()


_AtTheEnd().register()
