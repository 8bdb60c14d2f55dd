# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures that several test modules use."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_networks
from windows_rules import windows_rules

from hyperspy_hrtemnn.networks import _apart


@pytest.fixture(autouse=True)
def _known_networks(monkeypatch):
    """Open networks of tests at once; `tests/faults` has those that are tried apart."""
    monkeypatch.setattr(_apart, "_is_remembered", lambda _: True)


@pytest.fixture(autouse=True)
def _windows_rules(tmp_path_factory):
    with windows_rules(tmp_path_factory.getbasetemp()):
        yield


@pytest.fixture(scope="session")
def network_path(tmp_path_factory):
    """A one-class network that sees 7 x 7 pixels."""
    return tiny_networks.convolution(tmp_path_factory.mktemp("networks") / "tiny.onnx")


@pytest.fixture
def rng():
    return np.random.default_rng(12)
