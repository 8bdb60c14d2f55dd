# SPDX-License-Identifier: GPL-3.0-or-later
"""Training: from exit waves to a trained network."""
