# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that were not trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hrtemnn_training.architectures.networks import make_network

if TYPE_CHECKING:
    import keras


def randomized(settings: Any, **shape: Any) -> keras.Model:
    """Return a network with random weights that neither fades nor swells."""
    model = make_network(settings, **shape)
    rng = np.random.default_rng(0)

    def values(weight: Any) -> np.ndarray:
        if weight.name == "kernel":
            spread = np.sqrt(2 / np.prod(weight.shape[:-1]))
            return rng.normal(0, spread, weight.shape)
        if weight.name in {"gamma", "moving_variance"}:
            return rng.uniform(0.7, 1.4, weight.shape)
        return rng.normal(0, 0.2, weight.shape)

    model.set_weights([values(weight) for weight in model.weights])
    return model
