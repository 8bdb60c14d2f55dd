# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: what the commands of `hrtemnn` make of the files that they are given."""
