# SPDX-License-Identifier: GPL-3.0-or-later
"""From exit waves to a trained network."""
