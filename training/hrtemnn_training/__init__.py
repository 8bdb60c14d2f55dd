# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes the networks: structures, exit waves, images, training, export."""
