# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that a microscope makes of exit waves, and maps of what they show."""
