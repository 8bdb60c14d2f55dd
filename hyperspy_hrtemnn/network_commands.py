# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands about networks and devices: `devices`, `adopt`, `test`, `bioimageio`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from hyperspy_hrtemnn.command_options import FILE, device_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
def devices() -> None:
    """List what networks can run on here, and how to install the rest."""
    from hyperspy_hrtemnn.networks import available_devices, device_advice

    there = available_devices()
    for name, advice in device_advice().items():
        click.echo(f"{name} is installed" if name in there else advice)


@click.command()
@click.argument("network", type=FILE)
@click.option(
    "--card",
    required=True,
    type=FILE,
    help="The card as JSON: what hrtemnn card --template prints, filled in.",
)
@click.option("--out", required=True, type=FILE, help="The .onnx file to write.")
@click.option("--force", is_flag=True, help="Replace OUT.")
def adopt(network: Path, card: Path, out: Path, force: bool) -> None:
    """Put a card on NETWORK, an ONNX file that was trained elsewhere.

    The card is checked against the graph: its input and output, the range of its
    answer, its stride and its receptive field. OUT can be given to --model.
    """
    from hyperspy_hrtemnn.networks import adopt as adopt_network

    adopted = adopt_network(network, card, out, overwrite=force)
    click.echo(f"{out}: {adopted.name}, {adopted.card.task}, {adopted.card.material}")


@click.command("test")
@click.argument("network")
@device_option
@click.pass_context
def run_test(ctx: click.Context, network: str, device: str | None) -> None:
    """Run the test in the card of NETWORK on each device that is there.

    The exit code is 1 if an answer differs from that in the card.
    """
    from hyperspy_hrtemnn.networks import self_test

    answers = self_test(network, device)
    for answer in answers:
        verdict = "passed" if answer.fault is None else f"failed, {answer.fault}"
        found = f"; largest difference from the card {answer.difference:.2g}"
        known = not math.isnan(answer.difference)
        click.echo(f"{answer.device}: {verdict}{found if known else ''}")
    ctx.exit(int(any(answer.fault is not None for answer in answers)))


@click.command()
@click.argument("network")
@click.option("--out", required=True, type=FILE, help="The .zip file to write.")
@click.option("--force", is_flag=True, help="Replace OUT.")
def bioimageio(network: str, out: Path, force: bool) -> None:
    """Write NETWORK, by its name or file, as a package of bioimage.io."""
    from hyperspy_hrtemnn.networks import write_bioimageio

    write_bioimageio(network, out, overwrite=force)
    click.echo(out)
