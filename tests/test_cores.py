# SPDX-License-Identifier: GPL-3.0-or-later
"""Work for all cores: in order, also within each other, and after a fork."""

from __future__ import annotations

import os
import threading

import pytest

from hyperspy_hrtemnn import cores
from hyperspy_hrtemnn.cores import on_all_cores


@pytest.fixture(autouse=True, params=[1, 3])
def _usable(request, monkeypatch):
    monkeypatch.setattr(cores, "usable_cores", lambda: request.param)
    cores._pool.cache_clear()
    yield
    cores._pool.cache_clear()


def test_what_is_found_is_in_the_order_of_the_items():
    assert on_all_cores(lambda n: n**2, range(50)) == [n**2 for n in range(50)]
    assert on_all_cores(str, []) == []


def test_work_within_work_does_not_wait_for_itself():
    def outer(n: int) -> int:
        return sum(on_all_cores(lambda m: n * m, range(5)))

    assert on_all_cores(outer, range(20)) == [10 * n for n in range(20)]


def test_an_error_comes_out():
    with pytest.raises(ZeroDivisionError):
        on_all_cores(lambda n: 1 / n, [1, 0])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    on_all_cores(str, range(4))
    child = os.fork()
    if not child:
        right = on_all_cores(str, range(4)) == ["0", "1", "2", "3"]
        os._exit(0 if right else 1)
    ended: list[int] = []
    waiting = threading.Thread(
        target=lambda: ended.append(os.waitpid(child, 0)[1]), daemon=True
    )
    waiting.start()
    waiting.join(60)
    assert ended == [0]
