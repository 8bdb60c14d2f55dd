# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line `hrtemnn`: the group of commands, and the commands that use networks."""

from __future__ import annotations

from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

import click

from hyperspy_hrtemnn import __version__
from hyperspy_hrtemnn.command_options import (
    EXISTING,
    FILE,
    MOVIES,
    apodization_option,
    crystal_option,
    device_option,
    new_pass_option,
    numproc_option,
    on_bad_frame_option,
    overlap_option,
    parquet_option,
    pass_folder_option,
    report_option,
    run_job,
    sampling_option,
    scheduler_option,
    separation_option,
    size_option,
    tile_option,
    tracking_options,
)
from hyperspy_hrtemnn.error_lines import as_click_error, warnings_as_lines
from hyperspy_hrtemnn.options import (
    PredictionOptions,
    SpectrumOptions,
    TrackingOptions,
)
from hyperspy_hrtemnn.terminal import allow_any_letter

if TYPE_CHECKING:
    from pathlib import Path

    from hyperspy_hrtemnn.bad_frames import OnBadFrame


class LazyGroup(click.Group):
    """Commands found by entry points of the group ``hrtemnn.commands``.

    Each command is imported when it is called, so that `hrtemnn models` does not wait
    for TensorFlow, and works without the extra `training`.
    """

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command as the shell does."""
        allow_any_letter()
        return super().main(*args, **options)

    def _entry_points(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group="hrtemnn.commands")}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of the commands in the order of their use."""
        return list(self._entry_points())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        point = self._entry_points().get(cmd_name)
        if point is None:
            return None
        try:
            command: click.Command = point.load()
        except ModuleNotFoundError as error:
            raise as_click_error(cmd_name, error) from error
        return command

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """List the commands, without importing those of training."""
        rows: dict[str, list[tuple[str, str]]] = {"Commands": [], "Training": []}
        for name, point in self._entry_points().items():
            is_training = point.module.startswith("hrtemnn_training.")
            command = None if is_training else self.get_command(ctx, name)
            if command is None:
                rows["Training"].append((name, f"see hrtemnn {name} --help"))
            else:
                rows["Commands"].append((name, command.get_short_help_str(80)))
        for title, commands in rows.items():
            if commands:
                with formatter.section(title):
                    formatter.write_dl(commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error is one line, not a traceback, unless asked for."""
        try:
            with warnings_as_lines():
                return super().invoke(ctx)
        except (BrokenPipeError, click.Abort, click.exceptions.Exit):
            raise  # Of `hrtemnn card NAME | head`; click ends these without a word.
        except Exception as error:
            if ctx.params.get("traceback") and not isinstance(error, click.UsageError):
                raise
            command = ctx.invoked_subcommand or "hrtemnn"
            raise as_click_error(command, error) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hrtemnn")
@click.option("--traceback", is_flag=True, help="Show the traceback of an error.")
def main(traceback: bool) -> None:
    """Neural networks for HRTEM: segment and track movies, make networks."""


@click.command()
def models() -> None:
    """List the networks that come with the package, and what they are for."""
    from hyperspy_hrtemnn.networks import available, load

    for name in available():
        click.echo("\n    ".join([name, *_what_for(load(name, "cpu").card)]))
    if not available():
        click.echo("There are no networks in this installation.", err=True)


def _what_for(card: Any) -> list[str]:
    """Return what a network is for, and which images it was trained on."""
    return [
        card.description,
        f"{card.task} of {card.material}, from {card.takes}",
        card.ranges.text,
    ]


@click.command()
@click.argument("name_or_path", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option(
    "--template",
    is_flag=True,
    help="Print a card to fill in, as JSON, for hrtemnn adopt.",
)
def card(name_or_path: str | None, as_json: bool, template: bool) -> None:
    """Show the card of a network: its task, trained ranges and scores."""
    from hyperspy_hrtemnn.networks import Card, load

    if template:
        click.echo(Card.template())
        return
    if name_or_path is None:
        raise click.UsageError("Give the name or the file of a network.")
    network = load(name_or_path, "cpu")
    if as_json:
        click.echo(network.card.model_dump_json(indent=2))
        return
    click.echo("\n".join(_lines(network.card)))
    if network.card.task == "segmentation" and network.card.threshold is None:
        click.echo(
            "threshold: not measured; by default "
            f"{network.card.unbiased_threshold:g} is taken"
        )
    click.echo(f"sha256: {network.sha256}")


def _lines(model: Any, indent: str = "") -> list[str]:
    """Return the fields of a card as text, with their descriptions."""
    lines = []
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if value is None:
            continue
        meaning = f"   ({field.description})" if field.description else ""
        if hasattr(type(value), "model_fields"):
            lines += [f"{name}:", *_lines(value, indent + "  ")]
        elif isinstance(value, dict):
            lines += [f"{indent}{name}:{meaning}", *_of_dict(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {_text(value)}{meaning}")
    return lines


def _of_dict(values: dict[str, Any], indent: str) -> list[str]:
    """Return scores as text: a line for each group of them, below what it is of."""
    lines = []
    for key, value in values.items():
        if isinstance(value, dict) and any(
            isinstance(item, dict) for item in value.values()
        ):
            lines += [f"{indent}{key}:", *_of_dict(value, indent + "  ")]
        else:
            lines.append(f"{indent}{key}: {_text(value)}")
    return lines


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        if len(value) > 2 and not any(isinstance(item, str) for item in value):
            return f"{len(value)} numbers"
        between = ", " if any(isinstance(item, str) for item in value) else " to "
        return between.join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return " ".join(map(str, value))
    return str(value)


@click.command()
@click.argument("movie", type=EXISTING)
@click.option("--model", required=True, help="Name of a network, or its file.")
@click.option("--out", required=True, type=FILE, help="The .hspy file to write.")
@sampling_option
@tile_option
@overlap_option
@click.option(
    "--no-resample", is_flag=True, help="Take the pixels for those of the network."
)
@numproc_option
@scheduler_option
@device_option
@on_bad_frame_option
@report_option
@click.option("--force", is_flag=True, help="Replace OUT and frames of another job.")
def segment(
    *,
    movie: Path,
    model: str,
    out: Path,
    device: str | None,
    sampling: str | None,
    processes: int | None,
    scheduler: str | None,
    tile: int | None,
    overlap: int | None,
    no_resample: bool,
    on_bad_frame: OnBadFrame | None,
    report: bool,
    force: bool,
) -> None:
    """Segment MOVIE: a file HyperSpy reads, or a folder of an in-situ camera.

    Finished frames are kept beside OUT until all are done: after an interruption, the
    same command continues.
    """
    from hyperspy_hrtemnn.jobs.segmenting import segment_file

    run_job(
        segment_file,
        movie,
        model,
        out,
        device=device,
        sampling=sampling,
        processes=processes,
        scheduler=scheduler,
        options=PredictionOptions(not no_resample, tile, overlap),
        on_bad_frame=on_bad_frame,
        report=report,
        force=force,
    )


@click.command()
@click.argument("segmentation", type=EXISTING)
@click.option("--out", required=True, type=FILE, help="The .hspy file to write.")
@separation_option
@tracking_options
@sampling_option
@click.option(
    "--table",
    type=FILE,
    help="A .csv file for the properties of particles, by default none. A second file "
    "beside it, with _frames in its name, says which frames have data.",
)
@report_option
@click.option("--force", is_flag=True, help="Replace OUT and frames of another job.")
def track(
    *,
    segmentation: Path,
    out: Path,
    sampling: str | None,
    table: Path | None,
    report: bool,
    force: bool,
    **tracking: Any,
) -> None:
    """Give each particle in SEGMENTATION one id through all frames.

    Finished frames are kept beside OUT until all are: the same command goes on where
    it was interrupted.
    """
    from hyperspy_hrtemnn.jobs.tracking import track_file

    run_job(
        track_file,
        segmentation,
        out,
        table=table,
        sampling=sampling,
        options=TrackingOptions(**tracking),
        report=report,
        force=force,
    )


@click.command()
@click.argument("movies", type=MOVIES, nargs=-1, required=True)
@click.option("--model", required=True, help="Name of a network, or its file.")
@pass_folder_option
@separation_option
@size_option
@apodization_option
@crystal_option
@tracking_options
@sampling_option
@tile_option
@overlap_option
@numproc_option
@scheduler_option
@device_option
@on_bad_frame_option
@parquet_option
@report_option
@new_pass_option
def follow(
    *,
    movies: tuple[list[Path], ...],
    model: str,
    out: Path,
    device: str | None,
    sampling: str | None,
    processes: int | None,
    scheduler: str | None,
    size: str | None,
    apodization: str,
    crystal: str | None,
    tile: int | None,
    overlap: int | None,
    on_bad_frame: OnBadFrame | None,
    parquet: bool,
    report: bool,
    force: bool,
    **tracking: Any,
) -> None:
    """Find particles and reflections of long MOVIES in one pass.

    This does the work of segment and track, and finds the reflections of each particle,
    while each frame is read once. Finished frames are kept in the folder: after an
    interruption, the same command continues. The results are the particles as an .hspy
    file and as a TIFF for ImageJ, tables as .csv files, and a page with pictures.

    MOVIES are files HyperSpy reads, folders of an in-situ camera, folders of movies, or
    patterns such as "*.dm4". The results of each of several movies are in a folder of
    its name, and there are tables of all.
    """
    from hyperspy_hrtemnn.crystals import as_crystal
    from hyperspy_hrtemnn.jobs.following import follow_file
    from hyperspy_hrtemnn.jobs.following_several import follow_several
    from hyperspy_hrtemnn.jobs.movies import is_folder_of_movies, movies_of
    from hyperspy_hrtemnn.networks import load

    follow_one = partial(
        follow_file,
        device=device,
        sampling=sampling,
        processes=processes,
        scheduler=scheduler,
        running=PredictionOptions(tile=tile, overlap=overlap),
        tracking=TrackingOptions(**tracking),
        spectra=SpectrumOptions(size, apodization),
        crystal=crystal,
        on_bad_frame=on_bad_frame,
        parquet=parquet,
        report=report,
        overwrite=force,
    )
    given = [path for paths in movies for path in paths]
    if len(given) == 1 and not is_folder_of_movies(given[0]):
        run_job(follow_one, given[0], model, out)
        return

    # What is wrong for all is told once, before any is followed.
    load(model, device)
    if crystal is not None:
        as_crystal(crystal)

    def follow_each(movie: Path, folder: Path) -> Any:
        return follow_one(movie, model, folder)

    run_job(follow_several, movies_of(given), out, follow_each, report=report)


@click.command()
@click.argument("movie", type=EXISTING)
@click.option(
    "--out",
    required=True,
    type=FILE,
    help="The parameters file to write. In a file that exists, or in the images of a "
    "recipe, only these keys are changed.",
)
@click.option(
    "--roi",
    type=(float, float, float, float),
    help="Left, top, right and bottom of a region of vacuum, in the unit of the axes; "
    "by default one is searched.",
)
@click.option(
    "--counts-per-electron",
    help='A number, or "noise" to measure it from the noise; by default that of the '
    "file.",
)
@click.option(
    "--offset",
    type=float,
    help="Counts of a pixel without beam; by default the file's, or 0.",
)
@click.option(
    "--dose",
    type=float,
    multiple=True,
    help="Dose of all frames [e-/Å²], or once for each frame; by default counted.",
)
@click.option(
    "--exposure", type=float, help="Exposure of a frame [s]; by default the file's."
)
@click.option(
    "--floor",
    type=click.Choice(["quadrature", "linear"]),
    default="quadrature",
    show_default=True,
    help="How readout noise adds: as power, or as in equation A.1.",
)
@click.option(
    "--min-r2",
    "min_R2",
    type=float,
    default=0.98,
    show_default=True,
    help="Smallest R2 of the frames whose MTF is used.",
)
@sampling_option
@click.option(
    "--picture",
    type=FILE,
    help="A .png or .pdf file for plots of the fits; by default none.",
)
def detector(
    *,
    movie: Path,
    out: Path,
    counts_per_electron: str | None,
    dose: tuple[float, ...],
    **options: Any,
) -> None:
    """Measure the detector of MOVIE in a region of vacuum, for training with its noise.

    MOVIE is a file HyperSpy reads, or a folder of an in-situ camera.
    """
    from hyperspy_hrtemnn.jobs.detector import measure_file

    gain: float | str | None = counts_per_electron
    if counts_per_electron not in (None, "noise"):
        gain = click.FLOAT(counts_per_electron)
    fit = measure_file(
        movie, out, counts_per_electron=gain, dose=dose or None, **options
    )
    left, top, right, bottom = fit.table.attrs["detector"]["region"]
    click.echo(f"vacuum: --roi {left:.10g} {top:.10g} {right:.10g} {bottom:.10g}")
    for name, unit in (("dose", " e-/Å²"), ("c0", " Nyquist frequencies"), ("c3", "")):
        column = fit.table[name]
        click.echo(f"{name}: {column.min():.3g} to {column.max():.3g}{unit}")
    hot = int(fit.table["hot_pixels"].sum())
    if hot:
        click.echo(f"hot pixels: {hot} replaced by the median of their neighbors")
    click.echo(f"N0: {fit.readout.N0:.3g} ± {fit.readout.N0_error:.1g} e-/pixel")
