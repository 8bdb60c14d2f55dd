# SPDX-License-Identifier: GPL-3.0-or-later
"""Engine: the session of onnxruntime that runs a graph, one batch at a time."""

from __future__ import annotations

import ctypes
import json
import os
import sys
import threading
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np

from ._devices import CPU, DEVICES, advice, onnxruntime
from ._errors import DeviceError, DeviceStartError, NetworkError
from ._threads import inference_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What onnxruntime says where it gets no memory; its exceptions have no common base.
_NO_MEMORY = (
    "failed to allocate",
    "bad_alloc",
    "bad allocation",
    "out of memory",
    "not enough memory",
)


class Engine:
    """A graph that runs, in as many threads as are allowed.

    Parameters
    ----------
    content
        Bytes of the ONNX file.
    path
        Its path, for errors.
    device
        Name of the device that it runs on.
    num_workers
        Largest number of threads; see `inference_threads`.

    Raises
    ------
    NetworkError
        If onnxruntime cannot read the file.
    DeviceError
        If the device does not start.
    """

    def __init__(
        self,
        content: bytes,
        path: Path,
        device: str = CPU,
        num_workers: int | None = None,
    ) -> None:
        self.content, self.path = content, path
        self.device, self.num_workers = device, num_workers
        self._start()
        _engines.add(self)

    def _start(self) -> None:
        self.threads = inference_threads(self.num_workers)
        self.session = _session(self.content, self.path, self.device, self.threads)
        # onnxruntime runs one inference on all cores: a second one at the same time
        # would only double the memory.
        self._lock = threading.Lock()
        self._process = os.getpid()

    def limited(self, num_workers: int | None) -> Engine:
        """Return the engine with at most this many threads."""
        same = num_workers == self.num_workers
        if same and inference_threads(num_workers) == self.threads:
            return self
        return Engine(self.content, self.path, self.device, num_workers)

    def on(self, device: str) -> Engine:
        """Return the engine on another device.

        Raises
        ------
        DeviceError
            If it does not start there.
        """
        return Engine(self.content, self.path, device, self.num_workers)

    def profiled(self, batch: NDArray[np.float32]) -> list[dict[str, Any]]:
        """Return what onnxruntime notes of each node while it answers to a batch."""
        with TemporaryDirectory() as folder:
            session = _session(
                self.content,
                self.path,
                self.device,
                self.threads,
                profile=str(Path(folder) / "profile"),
            )
            session.run(None, {session.get_inputs()[0].name: batch})
            notes = json.loads(Path(session.end_profiling()).read_text("utf-8"))
        return [note["args"] for note in notes if note.get("cat") == "Node"]

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the answer for a batch, shape (N, channel, y, x).

        Of a graph with several outputs it is the first one.

        Raises
        ------
        MemoryError
            If there is not enough memory.
        NetworkError
            If the graph fails.
        """
        return self.run_all(batch)[0]

    def run_all(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Return each output for a batch.

        Raises
        ------
        MemoryError
            If there is not enough memory.
        NetworkError
            If the graph fails.
        """
        if self._process != os.getpid():
            # A fork has left the threads of the session behind, and perhaps a lock that
            # one of them held.
            self._start()
        name = self.session.get_inputs()[0].name
        batch = np.ascontiguousarray(batch, dtype=np.float32)
        with self._lock:
            try:
                answers: list[NDArray[np.float32]] = self.session.run(
                    None, {name: batch}
                )
            except MemoryError:
                raise
            except Exception as error:
                if any(text in str(error).lower() for text in _NO_MEMORY):
                    raise MemoryError(str(error)) from error
                raise NetworkError(
                    f"The network in {self.path} fails on input of shape "
                    f"{batch.shape}: {error}"
                ) from error
        return answers


_engines: WeakSet[Engine] = WeakSet()

# The process that used a device other than the CPU first, None if none has.
_process_of_devices: int | None = None


def _keep_sessions() -> None:
    """Keep the sessions that a fork has copied for as long as the process lives.

    To delete one is to wait for its threads, which a fork leaves behind.
    """
    for engine in _engines:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(engine.session))


# Windows does not fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_keep_sessions)


def _refuse_in_fork(device: str) -> None:
    """Raise an error where a process that uses a device was forked.

    The threads and the contexts of devices are not in the fork: OpenVINO waits for them
    for ever.
    """
    global _process_of_devices  # noqa: PLW0603
    if _process_of_devices not in (None, os.getpid()):
        raise DeviceStartError(
            f"{device} does not start in a process that was forked from one that uses "
            'it. Start processes with the method "spawn" of multiprocessing.'
        )
    _process_of_devices = os.getpid()


def _session(
    content: bytes,
    path: Path,
    device: str,
    threads: int,
    *,
    profile: str | None = None,
) -> Any:
    module, wanted = onnxruntime(), DEVICES[device]
    if device != CPU:
        _refuse_in_fork(device)
    options = module.SessionOptions()
    options.log_severity_level = 4
    # Planning the memory for each shape in advance is not faster, and takes a third
    # more memory with a U-net, and twice as much with an MSD-net. DirectML refuses it.
    options.enable_mem_pattern = False
    # onnxruntime's own number is that of the physical cores, to which it binds its
    # threads; it is right where nothing limits this process.
    if threads < (os.cpu_count() or 1):
        options.intra_op_num_threads = threads
    # Its other format may refer to other files.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    if profile is not None:
        options.enable_profiling, options.profile_file_prefix = True, profile
    if device == "cuda" and hasattr(module, "preload_dlls"):
        # The libraries of CUDA that pip has installed; it prints which are missing.
        with redirect_stdout(sys.stderr):
            module.preload_dlls()
    providers: list[Any] = [(wanted.provider, wanted.options_for(threads))]
    if device != CPU:
        # For nodes that the device does not know.
        providers.append(DEVICES[CPU].provider)
    try:
        # By default onnxruntime would go on with the CPU, and print that it does.
        session = module.InferenceSession(
            content, options, providers=providers, enable_fallback=0
        )
    # onnxruntime's exceptions have no common base.
    except Exception as error:
        if isinstance(error, MemoryError) or "bad_alloc" in str(error):
            raise MemoryError(str(error)) from error
        if device != CPU:
            raise DeviceError(str(error)) from error
        raise NetworkError(
            f"onnxruntime cannot read {path}: it is not an ONNX file, or it is "
            f"incomplete ({error})."
        ) from error
    # With a library missing, it goes on with the CPU all the same.
    if session.get_providers()[0] != wanted.provider:
        raise DeviceStartError(
            f"{device} does not start on this machine, and onnxruntime has logged what "
            f"is missing. {advice(device)}."
        )
    return session
