# SPDX-License-Identifier: GPL-3.0-or-later
"""Table of architectures: what each costs and reaches, for the page and as CSV.

Not a script: `architectures.py` writes its table with it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from architecture_costs import count
from hrtemnn_training.evaluation.report import write_table
from pages import replace_part, table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from architecture_costs import Costs
    from architecture_scores import Scores
    from hrtemnn_training.recipe import Recipe

_TITLES = (
    "network",
    "keys",
    "kFLOP a pixel",
    "receptive field",
    "s a megapixel",
    "epochs",
    "F1",
    "10th percentile",
    "below the U-net",
)


@dataclass(frozen=True)
class Row:
    """What is known of a network by now.

    Parameters
    ----------
    name
        Name of the network.
    recipe
        Recipe that it is trained by.
    costs
        What it takes, if that has been measured.
    epochs
        Epochs of its training, if that is known.
    scores
        Its scores, if it has been trained.
    reference
        Scores of the network that it is compared with.
    """

    name: str
    recipe: Recipe
    costs: Costs | None = None
    epochs: int | None = None
    scores: Scores | None = None
    reference: Scores | None = None

    @property
    def keys(self) -> str:
        """Keys of the network in a recipe."""
        return json.dumps(self.recipe.network.model_dump(exclude_unset=True))

    @cached_property
    def counted(self) -> tuple[float, int]:
        """Operations of one pixel, and parameters."""
        return count(self.recipe.network)

    @property
    def less(self) -> tuple[float, float] | None:
        """By how much F1 is below that of the reference, and the standard error."""
        if self.scores is None or self.reference is None:
            return None
        if self.scores is self.reference:
            return None
        return self.scores.less(self.reference)

    def numbers(self) -> dict[str, float]:
        """Return all that is known, by its name in the CSV file."""
        operations, parameters = self.counted
        known: dict[str, float] = {
            "operations_a_pixel": operations,
            "parameters": parameters,
            "receptive_field": self.recipe.network.receptive_field,
        }
        if self.costs is not None:
            known |= asdict(self.costs)
        if self.epochs is not None:
            known["epochs"] = self.epochs
        if self.scores is not None:
            known |= {
                "threshold": self.scores.threshold,
                "f1": self.scores.mean,
                "f1_10th_percentile": self.scores.worst,
            }
        if self.less is not None:
            known["below_reference"], known["standard_error"] = self.less
        return known

    def cells(self) -> list[str | None]:
        """Return the cells of the page's table."""
        known = self.numbers()

        def text(name: str, digits: int, unit: float = 1) -> str | None:
            return f"{known[name] / unit:.{digits}f}" if name in known else None

        below = text("below_reference", 4)
        return [
            self.name,
            f"`{self.keys}`",
            text("operations_a_pixel", 1, unit=1e3),
            text("receptive_field", 0),
            text("seconds_a_megapixel", 3),
            text("epochs", 0),
            text("f1", 4),
            text("f1_10th_percentile", 4),
            below and f"{below} ± {text('standard_error', 4)}",
        ]


def write_rows(rows: Sequence[Row], csv: Path, page: Path) -> None:
    """Write a table of networks as CSV and into the part "trainings" of a page."""
    known = [{"network": row.name, "keys": row.keys} | row.numbers() for row in rows]
    write_table(pd.DataFrame(known), csv)
    cells = [row.cells() for row in rows]
    # There are no scores before the first training.
    told = [n for n in range(len(_TITLES)) if any(row[n] for row in cells)]
    shown = [[row[n] for n in told] for row in cells]
    replace_part(page, "trainings", table([_TITLES[n] for n in told], shown))
