# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands as a user types them, and the calibration of the signals that they read."""

from __future__ import annotations

from click.testing import CliRunner

from hyperspy_hrtemnn import cli


def calibrated(signal):
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.02, "nm"
    return signal


def run(*arguments, code=0):
    """Return what a command prints; it has to end with this exit code, in one line."""
    # What is in a report is tested in test_reports.py.
    if arguments[0] in {"segment", "track", "follow"}:
        arguments += ("--no-report",)
    result = CliRunner().invoke(cli.main, [str(part) for part in arguments])
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result.output
