# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses and optimizers of a recipe: those of Keras by their names, and ours."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import keras

from .loss_names import OPTICS_LOSS
from .optics_loss import OpticsLoss
from .wave_loss import RegisteredWaveLoss

if TYPE_CHECKING:
    from collections.abc import Callable

    from .wave_loss_settings import RegisteredWave

# For labels that no recipe has: integers, sequences and embeddings.
_OTHER_LABELS = {"sparse_categorical_crossentropy", "ctc", "circle"}
_LOSSES = {
    name: loss
    for name, loss in inspect.getmembers(keras.losses, inspect.isfunction)
    if name not in _OTHER_LABELS | {"get", "serialize", "deserialize"}
}
# Those that only hold other optimizers are none of their own.
_HOLDERS = {"lossscaleoptimizer", "multioptimizer", "optimizer"}
_OPTIMIZERS = {
    name.lower(): optimizer
    for name, optimizer in inspect.getmembers(keras.optimizers, inspect.isclass)
    if issubclass(optimizer, keras.Optimizer) and name.lower() not in _HOLDERS
}


def find_loss(name: str) -> Callable[..., Any]:
    """Return a function of ``keras.losses``.

    Parameters
    ----------
    name
        Name in Keras, such as ``huber``.

    Raises
    ------
    ValueError
        If there is none of this name; the message has those there are.
    """
    if name not in _LOSSES:
        raise ValueError(f"Keras has no loss {name!r}, only {', '.join(_LOSSES)}")
    return _LOSSES[name]


def make_loss(
    loss: str | RegisteredWave, image_size: tuple[int, int], sampling: float
) -> str | keras.losses.Loss:
    """Return the loss that a model of a recipe is compiled with.

    Parameters
    ----------
    loss
        Name in Keras, or settings.
    image_size
        Size of the images, (x, y) [pixels].
    sampling
        Size of their pixels [Å].
    """
    if loss == OPTICS_LOSS:
        return OpticsLoss()
    if isinstance(loss, str):
        return loss
    n_x, n_y = image_size
    return RegisteredWaveLoss(
        (n_y, n_x),
        sampling,
        largest_shift=loss.largest_shift,
        twice_at=loss.twice_at,
    )


def find_optimizer(name: str) -> type[keras.Optimizer]:
    """Return a class of ``keras.optimizers``.

    Parameters
    ----------
    name
        Name in Keras, in small letters, such as ``rmsprop``.

    Raises
    ------
    ValueError
        If there is none of this name; the message has those there are.
    """
    if name not in _OPTIMIZERS:
        raise ValueError(
            f"Keras has no optimizer {name!r}, only {', '.join(_OPTIMIZERS)}"
        )
    return _OPTIMIZERS[name]


def make_optimizer(name: str, options: dict[str, Any]) -> keras.Optimizer:
    """Return an optimizer; the training sets its learning rate.

    Parameters
    ----------
    name
        See `find_optimizer`.
    options
        Arguments of the optimizer. Adam is the thesis' (section 3.3) with AMSGrad [1]_
        where they do not say otherwise.

    Raises
    ------
    ValueError
        If the optimizer has no such argument.

    References
    ----------
    .. [1] S. J. Reddi et al., On the convergence of Adam and beyond, ICLR 2018.
    """
    optimizer = find_optimizer(name)
    allowed = set(inspect.signature(optimizer).parameters) - {"kwargs", "learning_rate"}
    unknown = sorted(set(options) - allowed)
    if unknown:
        raise ValueError(
            f"{name} does not take {', '.join(unknown)}, only "
            f"{', '.join(sorted(allowed))}; the learning rate is the stages'"
        )
    wrong = [key for key, value in options.items() if not _is_argument(value)]
    if wrong:
        raise ValueError(
            f"{wrong[0]} of {name} has to be a number, true, false or null, not "
            f"{options[wrong[0]]!r}"
        )
    defaults: dict[str, Any] = {"amsgrad": True} if name == "adam" else {}
    try:
        return optimizer(**defaults | options)
    except TypeError as error:
        raise ValueError(f"{name} does not take {options}: {error}") from None


def _is_argument(value: Any) -> bool:
    # Anything else is passed on unseen, and fails in the first step of the training.
    return value is None or isinstance(value, bool | int | float)


def regularize_kernels(model: keras.Model, amount: float) -> None:
    """Add `amount` times the sum of the squares of all kernels to a model's loss.

    This is the L2 regularization of the thesis' listings A.2 and A.3, for any
    architecture: it needs the names of weights only. A saved model does not keep it.

    Parameters
    ----------
    model
        The model, built.
    amount
        Factor of the squares; 0 leaves the model as it is.
    """
    if amount:
        for weight in model.trainable_weights:
            if weight.name.endswith("kernel"):
                weight.regularizer = keras.regularizers.L2(amount)
