# SPDX-License-Identifier: GPL-3.0-or-later
"""Each architecture as exported, against Keras and against graphs made without care.

    python benchmarks/inference.py

Needs the extra `benchmark`. All ways run the same weights on the same image in turn.
The peak memory is that of a process that does one inference, less what it held before
(Linux only).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import onnx
import onnxruntime

if TYPE_CHECKING:
    from collections.abc import Callable

NETWORKS: dict[str, dict[str, Any]] = {
    "U-net, width 16, kernel 3": {"width": 16, "kernel": 3},
    "U-net, width 8, kernel 5": {"width": 8, "kernel": 5},
    "U-net++, width 16, kernel 3": {"architecture": "unet++", "width": 16},
    "MSD-net, kernel 5, 3 channels, 50 layers": {"architecture": "msd-net"},
}
EXPORTED = "onnxruntime, as exported"


def session(path: Path) -> onnxruntime.InferenceSession:
    """Open a graph as `hyperspy_hrtemnn.networks` does."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(
        path, options, providers=["CPUExecutionProvider"]
    )


def naive(model: Any, side: int, path: Path) -> None:
    """Convert as the documentation of tf2onnx says, at a fixed size."""
    import keras
    import tensorflow as tf
    import tf2onnx

    fixed = keras.Model(
        inputs := keras.Input((side, side, 1), batch_size=1), model(inputs)
    )
    signature = [tf.TensorSpec((1, side, side, 1), tf.float32, name="image")]
    function = tf.function(fixed, input_signature=signature)
    proto, _ = tf2onnx.convert.from_function(function, signature, opset=17)
    onnx.save(proto, path)


def write_graphs(
    values: dict[str, Any], side: int, folder: Path
) -> tuple[dict[str, Path], int]:
    """Write a network in all ways; return their files and the operations."""
    import keras
    from pydantic import TypeAdapter

    from hrtemnn_training.architectures import AnyArchitecture
    from hrtemnn_training.architectures.networks import make_network
    from hrtemnn_training.architectures.operations import count_operations
    from hrtemnn_training.export.graph import to_onnx
    from hrtemnn_training.export.msdnet_graph import msdnet_to_onnx

    keras.utils.set_random_seed(0)
    settings = TypeAdapter(AnyArchitecture).validate_python(values)
    model = make_network(settings)
    plain = to_onnx(model)
    paths = {EXPORTED: folder / "exported.onnx", "Keras predict": folder / "net.keras"}
    model.save(paths["Keras predict"])
    if settings.architecture == "msd-net":
        onnx.save(msdnet_to_onnx(model), paths[EXPORTED])
        paths["onnxruntime, layer by layer"] = folder / "plain.onnx"
        onnx.save(plain, folder / "plain.onnx")
    else:
        onnx.save(plain, paths[EXPORTED])
        paths["onnxruntime, naive tf2onnx"] = folder / "naive.onnx"
        naive(model, side, folder / "naive.onnx")
    return paths, count_operations(model, side, side)


def runner(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from an image (y, x) to the network's answer (y, x)."""
    if path.suffix == ".keras":
        import keras

        from hrtemnn_training.architectures.blocks import ReflectionPadding

        own = {"ReflectionPadding": ReflectionPadding}
        model = keras.saving.load_model(path, custom_objects=own)
        return lambda x: model.predict(x[None, ..., None], verbose=0)[0, ..., 0]
    opened = session(path)
    (given,) = opened.get_inputs()
    channels_last = given.shape[-1] == 1
    axes = (0, 3) if channels_last else (0, 1)
    return lambda x: np.squeeze(
        opened.run(None, {given.name: np.expand_dims(x, axes)})[0]
    )


def times(paths: dict[str, Path], side: int, rounds: int) -> dict[str, float]:
    """Return the median time of each way [s]; all must give the same."""
    image = np.random.default_rng(0).standard_normal((side, side), np.float32)
    ways = {name: runner(path) for name, path in paths.items()}
    expected = ways["Keras predict"](image)
    for run in ways.values():
        np.testing.assert_allclose(run(image), expected, atol=1e-4)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, run in ways.items():
            start = time.perf_counter()
            run(image)
            seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(values)) for name, values in seconds.items()}


def peak_memory(path: Path, side: int) -> float:
    """Return the memory of one inference [GiB], measured in a process of its own."""
    command = [sys.executable, __file__, "--peak", str(path), "--side", str(side)]
    result = subprocess.run(  # noqa: S603
        command, check=True, stdout=subprocess.PIPE, text=True
    )
    return float(result.stdout.split()[-1])


def measure_peak(path: Path, side: int) -> None:
    """Print the memory of one inference [GiB]."""
    run = runner(path)
    before = _peak_so_far()
    run(np.zeros((side, side), np.float32))
    print(_peak_so_far() - before)


def _peak_so_far() -> float:
    # Not getrusage: its maximum is that of the process before, which started this one.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 2**20


def matrix_product(side: int = 2048) -> float:
    """Return what numpy reaches in a product of square matrices [GFLOP/s]."""
    a = np.random.default_rng(0).standard_normal((side, side), np.float32)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        a @ a
        seconds.append(time.perf_counter() - start)
    return 2e-9 * side**3 / min(seconds)


def main() -> None:
    """Print times, ratios, GFLOP/s and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--memory-side", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peak", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        measure_peak(options.peak, options.side)
        return
    side = options.side
    print(
        f"{side} x {side} pixels, median of {options.rounds} rounds, "
        f"{os.cpu_count()} cores; a matrix product reaches {matrix_product():.0f} "
        f"GFLOP/s; memory of {options.memory_side} x {options.memory_side} pixels"
    )
    for name, values in NETWORKS.items():
        with tempfile.TemporaryDirectory() as folder:
            paths, count = write_graphs(values, side, Path(folder))
            measured = times(paths, side, options.rounds)
            print(f"\n{name}")
            for way, seconds in measured.items():
                # A naive conversion has a fixed size.
                large = "naive" not in way
                memory = peak_memory(paths[way], options.memory_side) if large else None
                print(
                    f"  {way:28} {seconds:7.3f} s {seconds / measured[EXPORTED]:6.2f} "
                    f"times the exported {1e-9 * count / seconds:6.0f} GFLOP/s"
                    + (f" {memory:6.2f} GiB" if large else "")
                )


if __name__ == "__main__":
    main()
