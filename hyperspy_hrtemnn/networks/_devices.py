# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices: what a network can run on, and which package of onnxruntime has it.

There is one onnxruntime in an environment: its packages have the same module, and the
files of a second one overwrite those of the first.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from ._errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "HRTEMNN_DEVICE"
"""Environment variable with the default of a machine."""

AUTO = "auto"

CPU = "cpu"


@dataclass(frozen=True)
class Device:
    """What a network can run on.

    Parameters
    ----------
    provider
        Its execution provider in onnxruntime.
    package
        The package of onnxruntime that has it, as pip takes it.
    needs
        What else it needs, for people.
    options
        Options of the provider, with which its answers are those of the CPU.
    threads_option
        Option for the number of threads; none where it does not compute in threads of
        this process.
    is_automatic
        Whether "auto" takes it. Not CoreML, which is in every onnxruntime of macOS,
        so that nobody has chosen it by installing a package.
    """

    provider: str
    package: str
    needs: str
    options: Mapping[str, str] = field(default_factory=dict)
    threads_option: str | None = None
    is_automatic: bool = True

    def options_for(self, threads: int) -> dict[str, str]:
        """Return the options of the provider, with at most this many threads."""
        if self.threads_option is None:
            return dict(self.options)
        return {**self.options, self.threads_option: str(threads)}


DEVICES = {
    # TensorFloat-32 rounds weights and images to 10 bits. On the CPU such a rounding
    # changes answers by up to 4e-3.
    "cuda": Device(
        "CUDAExecutionProvider",
        "onnxruntime-gpu[cuda,cudnn]",
        "a GPU of NVIDIA with its driver, on Linux or Windows",
        {"use_tf32": "0"},
    ),
    "directml": Device(
        "DmlExecutionProvider",
        "onnxruntime-directml",
        "a GPU of any maker, on Windows",
    ),
    # What onnxruntime-openvino 1.24.1 does by default, too; said, so that it stays.
    "openvino": Device(
        "OpenVINOExecutionProvider",
        "onnxruntime-openvino",
        "a processor of Intel or AMD, on Linux or Windows",
        {"device_type": "CPU", "precision": "FP32"},
        threads_option="num_of_threads",
    ),
    "coreml": Device(
        "CoreMLExecutionProvider",
        "onnxruntime",
        "a Mac",
        is_automatic=False,
    ),
    CPU: Device("CPUExecutionProvider", "onnxruntime", "nothing else"),
}
"""All devices by name, in the order in which "auto" tries them."""

# Distributions that bring the module onnxruntime.
_DISTRIBUTIONS = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-directml",
    "onnxruntime-openvino",
    "onnxruntime-migraphx",
    "onnxruntime-qnn",
    "onnxruntime-rocm",
    "onnxruntime-silicon",
    "onnxruntime-training",
)


def available_devices() -> tuple[str, ...]:
    """Return the devices that the installed onnxruntime was built for, the best first.

    Whether one of them starts, with its drivers and libraries, shows when a network is
    loaded.

    Raises
    ------
    DeviceError
        If there is more than one onnxruntime.
    """
    there = onnxruntime().get_available_providers()
    return tuple(name for name, each in DEVICES.items() if each.provider in there)


def chosen_device(device: str | None = None) -> str:
    """Return the name of a device that is there, or "auto" where there is a choice.

    Parameters
    ----------
    device
        What a user gave; by default what the environment variable ``HRTEMNN_DEVICE``
        says, or else "auto".

    Raises
    ------
    DeviceError
        If there is no such device, and the message says how to install it.
    """
    said = device
    if said is None:
        said = os.environ.get(VARIABLE, "").strip().lower() or AUTO
    if said not in (AUTO, *DEVICES):
        source = "device" if device is not None else f"the variable {VARIABLE}"
        names = ", ".join((AUTO, *DEVICES))
        raise DeviceError(f"{source} is {said!r:.40}; it is one of {names}.")
    there = available_devices()
    if said == AUTO:
        better = [name for name in there if name != CPU and DEVICES[name].is_automatic]
        return AUTO if better else CPU
    if said not in there:
        raise DeviceError(
            f"The device {said!r} is not in the onnxruntime that is installed here, "
            f"which has {', '.join(there)}. {advice(said)}"
        )
    return said


def advice(device: str) -> str:
    """Return how a device is installed, and what it needs, in one line."""
    wanted = DEVICES[device]
    own = wanted.package.partition("[")[0]
    others = (name for name in installed() if name != own)
    return f"{device} needs {wanted.needs}: {_replacement(*others, by=wanted.package)}"


def device_advice() -> dict[str, str]:
    """Return how each device is installed, by its name, the best first."""
    return {name: advice(name) for name in DEVICES}


def installed() -> tuple[str, ...]:
    """Return the distributions that bring the module onnxruntime."""
    found = []
    for name in _DISTRIBUTIONS:
        with suppress(PackageNotFoundError):
            version(name)
            found.append(name)
    return tuple(found)


def onnxruntime() -> Any:
    """Return the module onnxruntime, if there is exactly one.

    Raises
    ------
    ModuleNotFoundError
        If there is none.
    DeviceError
        If there is more than one, or it cannot be imported.
    """
    found = installed()
    if len(found) > 1:
        wanted = next(name for name in found if name != "onnxruntime")
        packages = {each.package.partition("[")[0]: each for each in DEVICES.values()}
        package = packages[wanted].package if wanted in packages else wanted
        raise DeviceError(
            f"{' and '.join(found)} are installed together, and their files have "
            f"overwritten each other. Keep one of them, for example {wanted}: "
            f"{_replacement(*found, by=package)}"
        )
    try:
        import onnxruntime as module

        # What pip leaves behind of two of them is an empty folder.
        module.get_available_providers  # noqa: B018
    except ModuleNotFoundError:
        raise
    except (ImportError, AttributeError) as error:
        raise DeviceError(
            f"onnxruntime, which runs networks, cannot be imported ({error}). "
            f"{_replacement(*found, by='onnxruntime')}"
        ) from error
    return module


def _replacement(*found: str, by: str) -> str:
    """Return the commands that leave one package of onnxruntime.

    Two of them cannot be installed over each other: what is uninstalled takes the files
    of the other with it.
    """
    package = f'"{by}"' if "[" in by else by
    away = f"pip uninstall -y {' '.join(found)}, then " if found else ""
    return f"{away}pip install {package}"
