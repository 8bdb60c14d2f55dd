# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine-tuning: a network that learns from a few images of one's own."""
