# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the weight of objects out of networks that were exported with it.

    python training/take_out_weight.py 9 hyperspy_hrtemnn/models/au-ceo2-mask.onnx

replaces the files. For networks without a folder of their training: of one that has it,
`hrtemnn export` makes such a file. Then `hrtemnn evaluate` puts threshold and scores
into the card.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hrtemnn_training.export.onnx_file import take_out_weight

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "weight", type=float, help="object_weight of the recipe's last stage"
    )
    parser.add_argument("networks", type=Path, nargs="+", help=".onnx files")
    options = parser.parse_args()
    for path in options.networks:
        take_out_weight(path, options.weight)
        print(path)
