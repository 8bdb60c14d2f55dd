# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of the training side that end early: one line, and nothing lost."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys

import pytest

pytest.importorskip("abtem")
pytest.importorskip("keras")
pytest.importorskip("distributed")
pytest.importorskip("zarr")

from click.testing import CliRunner

from hrtemnn_training import cli
from hrtemnn_training.stops import explain
from hrtemnn_training.store import DataSet

RECIPE = {
    "name": "tiny",
    "description": "As small as it gets",
    "material": "Au on CeO2",
    "classes": ["nanoparticle"],
    "seed": 3,
    "size": {"train": 2, "validation": 1, "test": 1},
    "structures": {"field": 46, "layers": [3, 4], "thickness": [8, 12]},
    "waves": {"sampling": 0.25},
    "images": {"image_size": [64, 48], "sampling": [0.15, 0.2]},
    "sampling": 0.4,
    "network": {"width": 2, "levels": 2},
    "training": {
        "batch_size": 1,
        "stages": [{"epochs": 3, "learning_rate": [0.01, 0.01]}],
    },
}


@pytest.fixture
def arguments(tmp_path):
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(RECIPE), encoding="utf-8")
    return [str(path), str(tmp_path / "run"), "-n", "1"]


class ResourceExhaustedError(Exception):
    """What TensorFlow raises, which is no RuntimeError."""


FULL = OSError(errno.ENOSPC, "No space left on device")
MEMORY = "not enough memory for structures.*--numproc 1.*goes on from there"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FULL, "The disk is full. What is done is kept in .*run; free some space"),
        (OSError("15328 requested and 512 written"), "The disk is full"),
        (
            OSError("Can't write data (No space left on device)"),
            "disk is fu",
        ),
        (MemoryError(), MEMORY),
        (ResourceExhaustedError("OOM when allocating tensor"), MEMORY),
        (RuntimeError("Failed to allocate memory for requested buffer"), MEMORY),
        (
            KeyboardInterrupt(),
            "Stopped. What is done is kept in .*same command",
        ),
    ],
    ids=["disk", "numpy", "HDF5", "memory", "TensorFlow", "onnxruntime", "Ctrl-C"],
)
def test_an_early_end_says_what_is_kept_and_how_to_go_on(
    error, message, arguments, tmp_path, monkeypatch
) -> None:
    write = DataSet.write_structure

    def fail_at_the_second(self, index, structure) -> None:
        if index == 1:
            raise error
        write(self, index, structure)

    with monkeypatch.context() as patch:
        patch.setattr(DataSet, "write_structure", fail_at_the_second)
        result = CliRunner().invoke(cli.structures, arguments)
    assert result.exit_code == (130 if isinstance(error, KeyboardInterrupt) else 1)
    said = " ".join(result.output.split())
    assert re.search(message, said)
    assert "Traceback" not in result.output
    assert DataSet(tmp_path / "run" / "train.zarr").missing("atoms") == [1]
    again = CliRunner().invoke(cli.structures, arguments)
    assert again.exit_code == 0, again.output
    assert DataSet(tmp_path / "run" / "train.zarr").missing("atoms") == []


def test_an_error_behind_another_is_found(tmp_path) -> None:
    error = ValueError("cannot save")
    error.__cause__ = FULL
    assert "disk is full" in str(explain(error, "train", tmp_path))
    assert explain(ValueError("a wrong value"), "train", tmp_path) is None


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name == "nt", reason="Ctrl-C")
def test_ctrl_c_ends_processes_too_without_a_traceback(arguments, tmp_path) -> None:
    slow = (
        "import signal, sys, time\n"
        "from hrtemnn_training import generation\n"
        "from hrtemnn_training.cli import structures\n"
        "def wait(*_):\n"
        "    print('begun', flush=True)\n"
        "    time.sleep(300)\n"
        "if __name__ == '__main__':\n"
        # What runs in the background of a shell ignores it.
        "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "    generation._make_structure = wait\n"
        "    structures(sys.argv[1:])\n"
    )
    script = tmp_path / "slow.py"
    script.write_text(slow, encoding="utf-8")
    command = subprocess.Popen(
        [sys.executable, str(script), *arguments[:2], "-n", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert "begun" in command.stdout.readline()
    os.killpg(command.pid, signal.SIGINT)  # as a terminal does
    _, errors = command.communicate(timeout=120)
    assert command.returncode == 130
    assert "Stopped. What is done is kept in" in errors
    assert "Traceback" not in errors
