# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the pictures of ``docs/events.md`` and write its figures.

    python studies/events.py --folder FOLDER [--frames 400] [--doses 30 100]

Counts the events of a simulated movie whose events are known, of one in which nothing
happens, for the rate of false events, and of shorter ones at other doses. The movies
and what is found in their frames are kept in the folder: after an interruption the same
command goes on. Takes about half an hour on two cores. Needs the extra `training`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from scipy.stats import norm

from hopping_movie import (
    BOX,
    DWELL,
    MOVERS,
    OPTICS,
    PIXEL,
    TIME,
    Diffusion,
    Motion,
    as_signal,
    diffuse,
    move,
    place_in_frame,
    simulate,
    surface_sites,
    true_events,
    wave_of,
)
from hyperspy_hrtemnn.analysis import count_once, event_rates, image_intensity
from hyperspy_hrtemnn.plots import plot_events
from pages import DOCS, PICTURES, replace_part, table

if TYPE_CHECKING:
    from typing import Any

    from hyperspy_hrtemnn.signals import HRTEM

PAGE = DOCS / "events.md"
FOLDER = PICTURES / "events"
SEED = 5
CHECK = 6  # of a movie that nothing was chosen on
DOSE = 1000.0  # of a frame [e-/Å²]
# Frames of the movies beside the main one.
STILL, SHORT, CHECKED = 200, 100, 250

# A found event is a true one of the same kind if it is this near.
NEAR, FRAMES = 0.1, 2  # [nm], [frames]


@dataclass(frozen=True)
class Case:
    """A movie, what happens in it, and what `HRTEM.count_events` finds."""

    movie: HRTEM
    diffusion: Diffusion
    motion: Motion
    found: Any


@dataclass(frozen=True)
class Scores:
    """How many events there are, were found, and were found rightly."""

    true: int
    found: int
    right: int

    @property
    def recall(self) -> float:
        """Share of the true events that were found."""
        return self.right / max(self.true, 1)

    @property
    def precision(self) -> float:
        """Share of the found events that are true."""
        return self.right / max(self.found, 1)


def make_case(
    folder: Path, frames: int, dose: float, *, still: bool = False, seed: int = SEED
) -> Case:
    """Return a movie with what is found in it, from the folder where it is there."""
    diffusion, motion = diffuse(frames, seed, still=still), move(frames, seed)
    name = f"{'still' if still else 'hopping'}_{frames}_{dose:g}"
    name += "" if seed == SEED else f"_{seed}"
    path = folder / f"{name}.hspy"
    if not path.exists():
        images = simulate(diffusion, motion, dose, seed)
        as_signal(images, "gold columns that hop").save(path)
    movie = hs.load(path, lazy=True)
    found = movie.count_events(
        "au-ceo2-mask", "au-columns", folder / name, min_separation="2 nm"
    )
    return Case(movie, diffusion, motion, found)


def known_steps(case: Case) -> set[int]:
    """Return the frames that are known and behind one that is, too."""
    known = set(case.found.columns["frame"])
    return {frame for frame in known if frame - 1 in known}


def score(case: Case) -> Scores:
    """Compare the events with the true ones, where no frame is missing."""
    steps = known_steps(case)
    truth = true_events(case.diffusion, case.motion)
    truth = truth[truth["frame"].isin(steps)]
    found = count_once(case.found.events)
    found = found[found["frame"] - found["frame_before"] == 1]
    right = 0
    for kind, rows in truth.groupby("kind"):
        own = found[found["kind"] == kind]
        # Places and frames together, both 1 where they are as far apart as they may be.
        scale = (NEAR, NEAR, FRAMES + 0.5)
        a, b = (t[["x", "y", "frame"]].to_numpy(float) / scale for t in (rows, own))
        right += _pairs(a, b)
    return Scores(len(truth), len(found), right)


def _pairs(a: np.ndarray, b: np.ndarray) -> int:
    """Return how many rows can be paired one to one, all coordinates within 1."""
    free = set(range(len(b)))
    count = 0
    for row in a:
        near = [j for j in free if np.all(np.abs(b[j] - row) <= 1)]
        if near:
            free.remove(min(near, key=lambda j: float(np.abs(b[j] - row).sum())))
            count += 1
    return count


def detectability(dose: float) -> float:
    """Return the d' with which an ideal observer sees a column that hops.

    Of one frame, the median over its sites on the surface: the image without noise with
    the column and without it, where the noise is that of the electrons.
    """
    pixels = round(BOX / PIXEL)

    def image(sites: frozenset[tuple[int, int]]) -> np.ndarray:
        return image_intensity(wave_of(sites, 0, 0), (BOX, BOX), OPTICS, (pixels,) * 2)

    without = image(frozenset())
    sites = surface_sites()[::4]
    squares = [
        np.sum((image(frozenset([site])) - without) ** 2 / without) for site in sites
    ]
    return float(np.sqrt(np.median(squares) * dose * PIXEL**2))


def seen_at_sites(case: Case, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what the network sees at surface sites with a column, and without.

    This is the confidence or the filling, in all known frames; 0 where no column was
    found.
    """
    there, empty = [], []
    sites = surface_sites()
    columns = case.found.columns
    for number in np.unique(columns["frame"]).tolist():
        rows = columns[columns["frame"] == number]
        places = [place_in_frame(site, case.motion, number) for site in sites]
        distance, at = cKDTree(rows[["x", "y"]].to_numpy(float)).query(places)
        certain = np.where(distance < NEAR, rows[name].to_numpy()[at], 0)
        taken = np.array([site in case.diffusion.sites[number] for site in sites])
        there.append(certain[taken])
        empty.append(certain[~taken])
    return np.concatenate(there), np.concatenate(empty)


def draw_frames(case: Case) -> None:
    """Draw the particle before and after its first jump, and off its zone axis."""
    jumps = case.found.events[case.found.events["kind"] == "jumps"]
    frame = int(jumps["frame"].iloc[0])
    tilted = int(case.motion.angle.argmax())
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.6), layout="constrained")
    columns = case.found.columns
    certain = columns[columns["confidence"] >= 0.5]
    names = (
        (frame - 1, "before a jump"),
        (frame, "after it"),
        (tilted, "off its zone axis"),
    )
    for ax, (number, text) in zip(axes, names, strict=True):
        rows = certain[certain["frame"] == number]
        if len(rows):
            own = jumps[(jumps["frame"] == frame) & (number == frame)]
            case.movie.inav[number].plot_columns(
                rows.assign(frame=0), ax=ax, events=own.assign(frame=0)
            )
        else:
            case.movie.inav[number].plot_columns(
                certain.iloc[:0].assign(frame=0), ax=ax
            )
        if ax.get_legend():
            ax.get_legend().remove()
        ax.set_title(f"{number * TIME:.1f} s, {text}")
    figure.savefig(FOLDER / "frames.png", dpi=75)


def draw_filling(cases: dict[float, Case]) -> None:
    """Draw how much the network sees at sites with a column, and without, by dose."""
    figure, axes = plt.subplots(
        1, len(cases), figsize=(4 * len(cases), 3.2), layout="constrained", sharey=True
    )
    edges = np.linspace(0, 1, 21)
    for ax, (dose, case) in zip(
        np.atleast_1d(axes), sorted(cases.items()), strict=True
    ):
        for values, color, label in zip(
            seen_at_sites(case, "filling"),
            ("#0072b2", "#d55e00"),
            ("column", "no column"),
            strict=True,
        ):
            weights = np.full(len(values), 1 / max(len(values), 1))
            ax.hist(values, edges, weights=weights, color=color, alpha=0.6, label=label)
        ax.set_title(f"{dose:g} e⁻/Å² a frame")
        ax.set_xlabel("filling, 0: none found")
        ax.set_yscale("log")
    np.atleast_1d(axes)[0].set_ylabel("share of the frames")
    np.atleast_1d(axes)[0].legend()
    figure.savefig(FOLDER / "filling.png", dpi=75)


def rate_rows(case: Case, still: Case) -> list[tuple[str, float]]:
    """Return the rate of the particle beside the true one."""
    false = event_rates(still.found.events, still.found.columns)
    rate = float(false["rate_per_column"].sum())
    (row,) = event_rates(
        case.found.events, case.found.columns, false_rate=rate
    ).to_dict("records")
    truth = true_events(case.diffusion, case.motion)
    observed = len(known_steps(case)) * TIME
    happened = truth["frame"].isin(known_steps(case)).sum() / observed
    per_second = float(row["observed"])
    return [
        ("events found [1/s]", row["rate"]),
        ("lower end of its band of 95 % [1/s]", row["rate_low"]),
        ("upper end [1/s]", row["rate_high"]),
        ("events that happened in that time [1/s]", happened),
        ("rate that the movie was made with [1/s]", MOVERS / DWELL / TIME),
        ("observed [s]", per_second),
        ("false events of a column in the still movie [1/s]", rate),
        (
            "upper end of their band of 95 % [1/s]",
            float(false["rate_per_column_high"].sum()),
        ),
    ]


def dose_rows(cases: dict[float, Case]) -> list[tuple[str | float, ...]]:
    """Return detectability and scores at each dose."""
    rows: list[tuple[str | float, ...]] = []
    for dose, case in sorted(cases.items()):
        d = detectability(dose)
        scores = score(case)
        missed, false = seen_at_sites(case, "confidence")
        rows.append(
            (
                f"{dose:g}",
                d,
                float(norm.sf(d / 2)),
                # Two changes have to be less probable than what the frames say.
                float(4 * np.log(DWELL) / d**2),
                float((missed < 0.5).mean()),
                float((false >= 0.5).mean()),
                f"{scores.right} of {scores.true}",
                f"{scores.right} of {scores.found}",
            )
        )
    return rows


def main() -> None:
    """Draw the pictures and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="for the movies")
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--doses", type=float, nargs="*", default=[30, 100])
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    FOLDER.mkdir(exist_ok=True)
    case = make_case(options.folder, options.frames, DOSE)
    scores = score(case)
    print(scores, f"recall {scores.recall:.3f}, precision {scores.precision:.3f}")
    still = make_case(options.folder, min(STILL, options.frames), DOSE, still=True)
    rates = rate_rows(case, still)
    print("\n".join(f"{name}: {value:.4g}" for name, value in rates))
    check = make_case(options.folder, min(CHECKED, options.frames), DOSE, seed=CHECK)
    checked = score(check)
    print(checked, f"recall {checked.recall:.3f}, precision {checked.precision:.3f}")
    cases = {DOSE: case}
    for dose in options.doses:
        cases[dose] = make_case(options.folder, min(SHORT, options.frames), dose)
    doses = dose_rows(cases)
    print(pd.DataFrame(doses).to_string())
    draw_frames(case)
    draw_filling(cases)
    figure = plot_events(case.found.events, case.found.columns)
    figure.savefig(FOLDER / "events.png", dpi=75)
    counted = count_once(case.found.events)
    kinds = ", ".join(
        f"{n} × {kind}" for kind, n in counted["kind"].value_counts().items()
    )
    text = (
        f"{scores.true} events happened while the particle was seen; {scores.found} "
        f"were found, {scores.right} of them rightly: recall {scores.recall:.2f}, "
        f"precision {scores.precision:.2f}. With those over the gap: {kinds}.\n\n"
        f"In another movie, of {len(check.diffusion.sites)} frames, made after the "
        f"method was finished, {checked.right} of {checked.true} events were found, "
        f"and {checked.right} of {checked.found} that were found are right."
    )
    replace_part(PAGE, "movie", f"{text}\n\n{table(['', ''], rates)}")
    head = (
        "dose [e⁻/Å²]",
        "d′",
        "errors of an ideal observer",
        "frames it needs",
        "columns missed by the network",
        "empty sites taken for columns",
        "events found",
        "of the found right",
    )
    replace_part(PAGE, "doses", table(head, doses))


if __name__ == "__main__":
    main()
