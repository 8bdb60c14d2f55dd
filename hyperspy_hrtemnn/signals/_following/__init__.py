# SPDX-License-Identifier: GPL-3.0-or-later
"""The particles of a long movie in one pass: what `HRTEM.follow_particles` does."""
