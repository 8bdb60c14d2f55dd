# SPDX-License-Identifier: GPL-3.0-or-later
"""Baseline: the type of a prediction without a network.

Baselines see the same standardized images as the network, and predict in the same form.
"""

from collections.abc import Callable
from typing import Any

from hrtemnn_training.images.sample import Sample

Baseline = Callable[[Sample], Any]
"""Predicts what a label asks for, of one sample."""
