# SPDX-License-Identifier: GPL-3.0-or-later
"""The analysis runs with what Dragonfly has: numpy, scipy, scikit-image and pandas."""

from __future__ import annotations

import subprocess
import sys


def test_nothing_else_is_imported():
    code = (
        # scikit-image takes pooch, and with it tqdm, where it finds it.
        "import sys; sys.modules['pooch'] = None\n"
        "import hyperspy_hrtemnn.analysis as analysis\n"
        "for name in analysis.__all__: getattr(analysis, name)\n"
        "heavy = {'hyperspy', 'dask', 'pydantic', 'onnxruntime', 'pint', 'ase',"
        " 'click', 'matplotlib', 'tqdm', 'rsciio'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert result.stdout.strip() == ""
