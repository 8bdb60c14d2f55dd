# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports: pictures, tables and a page of what a command found, to look at."""
