# SPDX-License-Identifier: GPL-3.0-or-later
"""A long movie in one pass: `HRTEM.follow_particles`."""
