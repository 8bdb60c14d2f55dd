# SPDX-License-Identifier: GPL-3.0-or-later
"""What HyperSpy reads without a guard, and what importing the package costs."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import hyperspy.api as hs
import numpy as np
import pytest
import yaml

import hyperspy_hrtemnn
from hyperspy_hrtemnn.io import in_situ

FILE = Path(hyperspy_hrtemnn.__file__).parent / "hyperspy_extension.yaml"
SIGNALS = yaml.safe_load(FILE.read_text(encoding="utf-8"))["signals"]


def test_entry_point_leads_to_the_file():
    (point,) = [
        point
        for point in entry_points(group="hyperspy.extensions")
        if point.value == "hyperspy_hrtemnn"
    ]
    # HyperSpy opens NAME/hyperspy_extension.yaml.
    assert point.name == point.value
    spec = find_spec(point.name)
    assert (Path(spec.origin).parent / "hyperspy_extension.yaml").is_file()


def test_what_others_open_without_an_encoding_is_ascii():
    """On Windows HyperSpy and lazy_loader take UTF-8 for something else."""
    stubs = FILE.parent.rglob("*.pyi")
    assert [
        path.name for path in (FILE, *stubs) if not path.read_bytes().isascii()
    ] == []


@pytest.mark.parametrize("name", SIGNALS)
def test_every_class_is_where_the_file_says(name):
    entry = SIGNALS[name]
    signal_class = getattr(import_module(entry["module"]), name)
    assert signal_class._signal_type == entry["signal_type"]
    assert signal_class._lazy == entry["lazy"]
    assert signal_class._signal_dimension == entry["signal_dimension"]


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    ("signal_type", "dtype"),
    sorted({(e["signal_type"], e["dtype"]) for e in SIGNALS.values()}),
)
def test_hyperspy_finds_the_signals(signal_type, dtype, lazy):
    kind = {"real": np.float32, "complex": np.complex64}[dtype]
    signal = hs.signals.Signal2D(np.zeros((2, 5, 7), kind))
    if lazy:
        signal = signal.as_lazy()
    signal.set_signal_type(signal_type)
    assert type(signal).__name__ in SIGNALS
    assert signal._signal_type == signal_type
    assert signal._lazy == lazy


def test_alias():
    signal = hs.signals.Signal2D(np.zeros((5, 7)))
    signal.set_signal_type("hrtem")
    assert type(signal).__name__ == "HRTEM"


@pytest.mark.parametrize("statement", ["", "from hyperspy_hrtemnn import networks"])
def test_import_is_cheap(statement):
    code = (
        f"import sys, hyperspy_hrtemnn; {statement}\n"
        "heavy = {'hyperspy', 'tensorflow', 'onnxruntime', 'matplotlib', 'dask'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert result.stdout.strip() == ""


def test_networks_know_neither_hyperspy_nor_analysis():
    code = (
        "import sys; from hyperspy_hrtemnn.networks import Network, predict, load\n"
        "from hyperspy_hrtemnn.networks import _tiling, _validation\n"
        "known = {'hyperspy', 'hyperspy_hrtemnn.analysis', 'dask'}\n"
        "print(*sorted(known & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert result.stdout.strip() == ""


def test_ranges_know_no_networks():
    code = (
        "import sys; from hyperspy_hrtemnn.ranges import Range\n"
        "print(*(name for name in sys.modules if 'networks' in name))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert result.stdout.strip() == ""


def test_loading_an_in_situ_folder_is_found_without_its_module():
    assert hyperspy_hrtemnn.load_in_situ is in_situ.load_in_situ
    assert "load_in_situ" in dir(hyperspy_hrtemnn)


@pytest.mark.parametrize("command", entry_points(group="hrtemnn.commands"))
def test_commands_are_where_they_are_announced(command):
    assert find_spec(command.module) is not None
