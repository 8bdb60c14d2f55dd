# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes of frames, taken while these are computed and reported afterwards.

A lazy result is computed long after its method has returned, in threads, by whoever
asks for it; dask knows when that is done.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from weakref import WeakValueDictionary

from dask.callbacks import Callback

if TYPE_CHECKING:
    from collections.abc import Callable


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

    @abstractmethod
    def tell(self) -> None:
        """Warn, as of the line of the user, of what was noted since the last time."""

    @abstractmethod
    def forget(self) -> None:
        """Forget what was not told, because the computation has failed."""


_KNOWN: WeakValueDictionary[str, Travelling] = WeakValueDictionary()


def _known(kind: Callable[..., Travelling], token: str) -> Travelling:
    return _KNOWN.get(token) or kind(token=token)


class _AtTheEnd(Callback):  # type: ignore[misc]
    """Tells what was noted when dask has computed something."""

    def _finish(self, dsk: Any, state: Any, errored: bool) -> None:  # noqa: ARG002
        for notes in list(_KNOWN.values()):
            if not isinstance(notes, Notes) or notes.by_hand:
                continue
            if errored:
                notes.forget()
            else:
                notes.tell()


_AtTheEnd().register()
