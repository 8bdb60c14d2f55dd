# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of our own losses, which recipes are read with and without Keras."""

OPTICS_LOSS = "likelihood of optics"
"""Loss of the label Optics, see `hrtemnn_training.optics_loss`."""
