# SPDX-License-Identifier: GPL-3.0-or-later
"""What `import hyperspy_hrtemnn` costs, against an empty interpreter and HyperSpy.

python benchmarks/import_time.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 9
STATEMENTS = {
    "an empty interpreter": "pass",
    "import hyperspy_hrtemnn": "import hyperspy_hrtemnn",
    "import numpy": "import numpy",
    "import hyperspy.api, Signal2D": "import hyperspy.api as hs; hs.signals.Signal2D",
}


def seconds(statement: str) -> float:
    """Return the time of a fresh interpreter that runs a statement."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)  # noqa: S603
    return time.perf_counter() - start


def main() -> None:
    """Print the medians, taken in turn, less that of the empty interpreter."""
    times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(ROUNDS):
        for name, statement in STATEMENTS.items():
            times[name].append(seconds(statement))
    empty, *_ = medians = [statistics.median(t) for t in times.values()]
    for name, median in zip(STATEMENTS, medians, strict=True):
        print(f"{name:30} {1e3 * median:7.1f} ms   {1e3 * (median - empty):+8.1f} ms")


if __name__ == "__main__":
    main()
