# SPDX-License-Identifier: GPL-3.0-or-later
"""Foreign networks: opened first in a process of its own, with limits.

A graph is a program. One that loops for ever, or makes an array of terabytes, ends with
that process. What it found is remembered by the hash of the file, so that each file
pays for it once.
"""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from hyperspy_hrtemnn.user_warnings import warn_user

from ._errors import NetworkError
from ._external_weights import refuse_external_weights
from ._opening import opened

_READY = "ready"

# Waiting for a process to begin, on a busy machine and a network drive [s].
_PATIENCE = 60

# Only what is a Python by its name: inside of another program, sys.executable is that
# program, which would be started once more.
_PYTHON = re.compile(r"(python|pypy)w?[\d.]*(\.exe)?", re.IGNORECASE)

# sys.path comes before the first import, so that nothing is taken from the current
# folder.
_CODE = (
    "import json, sys; job = json.loads(sys.stdin.buffer.readline()); "
    "sys.path[:] = job.pop('sys_path'); "
    f"from {__name__} import _in_its_process; _in_its_process(**job)"
)


@dataclass(frozen=True)
class Limits:
    """Limits of the process in which a foreign network is opened.

    Parameters
    ----------
    seconds
        Processor time; on the clock it may be twice as long, and a minute [s].
    memory
        Memory [bytes]; only Linux keeps to it.
    """

    seconds: int = 20
    memory: int = 6 * 2**30


LIMITS = Limits()


def try_apart(content: bytes, sha256: str, path: Path) -> None:
    """Open a network in a process of its own, unless this was done before.

    Where there is no Python that could be started, as inside of some programs, it is
    only checked for external weights, and a warning says so.

    Parameters
    ----------
    content
        Bytes of the file.
    sha256
        Their hash.
    path
        Path of the file, for errors.

    Raises
    ------
    NetworkError
        If it cannot be opened, or breaks a limit.
    """
    if _is_remembered(sha256):
        return
    python = _python()
    if python is None or not _passes(python, content, path):
        refuse_external_weights(content, path)
        warn_user(
            f"{path} is opened without limits of time and memory, because no Python "
            "was found that could try it in a process of its own. Only open networks "
            "of people whom you trust."
        )
        return
    _remember(sha256)


def _passes(python: str, content: bytes, path: Path) -> bool:
    """Return whether a network was opened in a process, False if there is none.

    Raises
    ------
    NetworkError
        If it cannot be opened, or breaks a limit.
    """
    job = {
        "sys_path": [os.path.abspath(entry) for entry in sys.path],  # noqa: PTH100
        "path": str(path),
        **asdict(LIMITS),
    }
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        process = subprocess.Popen(  # noqa: S603 - a Python, by its name
            [python, "-I", "-c", _CODE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError:
        return False
    with process:
        try:
            given = json.dumps(job).encode() + b"\n" + content
            output, _ = process.communicate(given, _PATIENCE + 2 * LIMITS.seconds)
        except subprocess.TimeoutExpired:
            output = None
        finally:
            process.kill()
    if output is None:
        raise _broken(path, "time", f"{LIMITS.seconds} s")
    ready, _, verdict = output.decode().partition("\n")
    if ready != _READY:
        return False
    _judge(verdict, process.returncode, path)
    return True


def _judge(verdict: str, returncode: int, path: Path) -> None:
    """Raise what a process found, or the limit at which it ended."""
    if verdict:
        error = json.loads(verdict)
        if error is not None:
            raise NetworkError(error)
        return
    if os.name == "posix":
        import signal

        if -returncode == signal.SIGXCPU:
            raise _broken(path, "time", f"{LIMITS.seconds} s")
    raise NetworkError(
        f"{path} was not loaded: onnxruntime crashed when it was tried in a process of "
        f"its own (exit code {returncode}), or needed more than {_memory()}."
    )


def _broken(path: Path, kind: str, limit: str) -> NetworkError:
    return NetworkError(
        f"{path} was not loaded: tried on a small image in a process of its own, it "
        f"broke the limit of {kind}, {limit}."
    )


def _memory() -> str:
    return f"{LIMITS.memory / 2**30:.3g} GiB"


def _in_its_process(path: str, seconds: int, memory: int) -> None:
    """Open the network whose bytes come from stdin, and write what is found."""
    # Imported before the limits, which are not for a slow drive.
    import onnxruntime  # noqa: F401

    content = sys.stdin.buffer.read()
    print(_READY, flush=True)
    _limit(seconds, memory)
    found: str | None = None
    try:
        refuse_external_weights(content, Path(path))
        opened(content, Path(path), 1)
    except NetworkError as error:
        found = str(error)
    except MemoryError:
        found = str(_broken(Path(path), "memory", f"{memory / 2**30:.3g} GiB"))
    print(json.dumps(found), flush=True)
    # Without the waiting for threads that a graph may have made.
    os._exit(0)


def _limit(seconds: int, memory: int) -> None:
    """Limit this process, as far as the system can; its parent limits the time."""
    try:
        import resource
    except ImportError:
        return
    used = math.ceil(time.process_time())
    for kind, soft, hard in (
        # At the first it is told why, at the second it ends.
        (resource.RLIMIT_CPU, used + seconds, used + seconds + 1),
        (resource.RLIMIT_AS, memory, memory),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, 0, 0),
    ):
        # Not more than what the user has set, nor what the system knows.
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (soft, hard))


@cache
def _python() -> str | None:
    """Return the path of a Python like this one, None if there is none."""
    base = getattr(sys, "_base_executable", None)
    beside = "python.exe" if os.name == "nt" else "bin/python3"
    names = [Path(sys.executable or ""), Path(base or ""), Path(sys.prefix) / beside]
    for name in names:
        if _PYTHON.fullmatch(name.name) and name.is_file():
            return str(name)
    return None


def _remembered() -> Path:
    """Return the folder of the hashes of networks that passed."""
    home = "LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME"
    cached = os.environ.get(home)
    base = Path(cached) if cached else Path.home() / ".cache"
    return base / "hyperspy-hrtemnn" / "tried-networks"


def _is_remembered(sha256: str) -> bool:
    try:
        return (_remembered() / sha256).is_file()
    except (OSError, RuntimeError):
        return False


def _remember(sha256: str) -> None:
    # Without a home, or where it cannot be written to, the file is tried again.
    with suppress(OSError, RuntimeError):
        _remembered().mkdir(parents=True, exist_ok=True)
        (_remembered() / sha256).touch()
