# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring of one run: seconds, peak memory, and what it warned of or refused."""

from __future__ import annotations

import threading
import warnings
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import TYPE_CHECKING

import psutil

from .answers import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from .cases import Case

_EVERY = 0.02  # [s]


@dataclass(frozen=True)
class Run:
    """An answer, and what it took.

    Parameters
    ----------
    answer
        The answer, an empty one if the method refused.
    seconds, cpu_seconds
        Time by the clock and of the processors.
    memory
        Largest memory of the process [MiB].
    refused
        The error that the method refused with, or an empty text.
    warned
        The warnings.
    """

    answer: Answer
    seconds: float
    cpu_seconds: float
    memory: float
    refused: str
    warned: tuple[str, ...]


def measured(method: Callable[[Case], Answer], case: Case) -> Run:
    """Return the answer of a method; a ValueError is an answer, too."""
    answer, refused = Answer(), ""
    with _Memory() as memory, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        start, cpu_start = perf_counter(), process_time()
        try:
            answer = method(case)
        except ValueError as error:
            refused = str(error)
        seconds, cpu_seconds = perf_counter() - start, process_time() - cpu_start
    texts = [str(each.message) for each in told if each.category is UserWarning]
    warned = tuple(dict.fromkeys(texts))
    return Run(answer, seconds, cpu_seconds, memory.peak, refused, warned)


class _Memory:
    """Looks at the memory of this process, many times a second, in a thread."""

    def __enter__(self) -> _Memory:
        self.peak = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        process = psutil.Process()
        while True:
            self.peak = max(self.peak, process.memory_info().rss / 2**20)
            if self._ended.wait(_EVERY):
                return
