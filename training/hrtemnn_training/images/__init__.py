# SPDX-License-Identifier: GPL-3.0-or-later
"""What a microscope makes of exit waves, and the labels of what it shows."""
