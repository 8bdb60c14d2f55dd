# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is typed, a command gives a result, says how it is used, or one line."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import click
import hyperspy.api as hs
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hyperspy_hrtemnn.cli import LazyGroup, main
from hyperspy_hrtemnn.error_lines import Fault, warnings_as_lines
from hyperspy_hrtemnn.options import LinkingOptions, SplittingOptions
from hyperspy_hrtemnn.terminal import as_line
from hyperspy_hrtemnn.user_warnings import warn_user

USAGE, MENDABLE, FAULT = 2, 1, 70

lengths = st.sampled_from(
    [
        *(
            "2 nm",
            "0",
            "-1",
            "nan",
            "inf",
            "1e308",
            "1e-308",
            "9**9**9**9 nm",
            "((((",
            "5",
        ),
        *(
            "1 kg",
            "2,5 nm",
            "1e999 nm",
            "1e300 nm",
            "4 nm^2",
            "\x1b[31m",
            "",
            "1_0",
            "½",
        ),
    ]
)
numbers = st.sampled_from(
    ["0", "1", "-1", "0.5", "nan", "inf", "1e308", "9" * 30, "x", "", "\udcff"]
)
networks = st.sampled_from(
    ["au-ceo2-mask", "mos2-exitwave", "missing", "", ".", "movie.hspy", "a\0b", "\x1b["]
)
OPTIONS = {
    "segment": {
        "--model": networks,
        "--out": st.sampled_from(
            ["o.hspy", "o.tif", "no/o.hspy", ".", "", "\x1b.hspy"]
        ),
        "--sampling": lengths,
        "--tile": numbers,
        "--overlap": numbers,
    },
    "track": {
        "--out": st.sampled_from(["p.hspy", "p", "no/p.hspy"]),
        "--min-separation": lengths,
        "--search-range": lengths,
        "--memory": numbers,
        "--min-area": lengths,
        "--min-overlap": numbers,
        "--probability": numbers,
        "--sampling": lengths,
        "--table": st.sampled_from(["t.csv", "no/t.csv", "movie.hspy"]),
    },
    "follow": {
        "--model": networks,
        "--out": st.sampled_from(["f", "movie.hspy", "no/f"]),
        "--min-separation": lengths,
        "--size": lengths,
        "--apodization": lengths,
        "--crystal": st.sampled_from(["Au", "Xx", "", "\x1b", "movie.hspy"]),
        "--memory": numbers,
    },
    "atoms": {
        "--model": networks,
        "--out": st.sampled_from(["a", "movie.hspy", "no/a", ""]),
        "--mtf": st.just("0.5"),
        "--detector": st.sampled_from(["movie.hspy", "missing", "junk.dm4"]),
        "--dose": numbers,
        "--readout": numbers,
        "--energy": st.one_of(numbers, lengths),
        "--defocus": lengths,
        "--cs": lengths,
        "--vibration": lengths,
        "--dopant": st.sampled_from(["W", "Xx", "", "\x1b"]),
        "--sampling": lengths,
    },
    "detector": {
        "--out": st.sampled_from(["d.json", "no/d.json", ".", "movie.hspy"]),
        "--counts-per-electron": st.one_of(numbers, st.just("noise")),
        "--offset": numbers,
        "--dose": numbers,
        "--exposure": numbers,
        "--min-r2": numbers,
        "--picture": st.sampled_from(["p.png", "p.xyz", "no/p.png"]),
    },
    "suggest": {
        "--sampling": lengths,
        "--energy": st.one_of(numbers, lengths),
    },
    "card": {},
    "models": {},
}
files = st.sampled_from(
    [
        *("movie.hspy", "complex.hspy", "nan.hspy", "escape.hspy", "tiny.hspy"),
        *("empty.tif", "junk.dm4", "junk.mrc", "junk.npy", "x\x1b[31m.tif"),
        *("missing", ".", "", "a\0b"),
    ]
)


@st.composite
def typed(draw):
    """Return the arguments of any command, with some of its options, and any file."""
    command = draw(st.sampled_from(sorted(OPTIONS)))
    arguments = [command]
    if command == "card":
        arguments.append(draw(networks))
    elif command != "models":
        arguments.append(draw(files))
        for name in draw(
            st.lists(st.sampled_from(sorted(OPTIONS[command])), max_size=4)
        ):
            arguments += [name, draw(OPTIONS[command][name])]
        for name in ("--out", "--model", "--min-separation"):
            if name in OPTIONS[command] and name not in arguments:
                arguments += [name, draw(OPTIONS[command][name])]
    return arguments


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a movie, and with files that are not what they should be."""
    folder = tmp_path_factory.mktemp("typed")
    data = np.random.default_rng(0).random((2, 20, 28), "float32")
    for name, values, unit in (
        ("movie", data, "nm"),
        ("complex", data + 1j, "nm"),
        ("nan", data * np.nan, "nm"),
        ("escape", data, "\x1b[31mnm"),
        ("tiny", data[:, :2, :2], "nm"),
    ):
        signal = hs.signals.Signal2D(values)
        for axis in signal.axes_manager.signal_axes:
            axis.scale, axis.units = 0.02, unit
        signal.save(folder / f"{name}.hspy")
    for name in ("empty.tif", "junk.dm4", "junk.mrc", "junk.npy"):
        (folder / name).write_bytes(bytes(range(200)) if "junk" in name else b"")
    if os.name != "nt":
        (folder / "x\x1b[31m.tif").write_bytes(b"II*\0")
    return folder


@settings(
    deadline=None,
    max_examples=80,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(typed())
@example(["track", "movie.hspy", "--out", "o.hspy", "--min-separation", "1e308"])
@example(["segment", "complex.hspy", "--out", "o.hspy", "--model", "au-ceo2-mask"])
@example(["segment", "x\x1b[31m.tif", "--out", "o.hspy", "--model", "au-ceo2-mask"])
def test_whatever_is_typed_no_traceback_is_shown(folder, monkeypatch, arguments):
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(main, arguments)
    assert isinstance(result.exception, SystemExit | None)
    assert result.exit_code in (0, MENDABLE, USAGE), result.output
    assert "Traceback" not in result.output
    if arguments[0] != "card":
        assert "\x1b[31m" not in result.output
    if result.exit_code == MENDABLE:
        assert result.output.splitlines()[-1].startswith("Error: ")


@pytest.fixture
def command_raises(monkeypatch):
    """Return a function that runs a command which raises an error."""

    def run(error, *arguments):
        @click.command()
        def command():
            raise error

        points = {"command": SimpleNamespace(load=lambda: command)}
        monkeypatch.setattr(LazyGroup, "_entry_points", lambda _: points)
        return CliRunner().invoke(main, [*arguments, "command"])

    return run


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ValueError("give\nanother\x1b[31m"), 1, "give another\\x1b[31m"),
        (ValueError(), 1, "ValueError"),
        (FileNotFoundError(2, "No such file", "a\x07"), 1, "No such file"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), 1, "decode"),
        (UnicodeEncodeError("utf-8", "\udcff", 0, 1, "bad"), 1, "\\udcff"),
        (MemoryError("1 TiB"), 1, "The memory is not enough: 1 TiB"),
        (click.ClickException("two\nlines\x1b[31m"), 1, "two\nlines\\x1b[31m"),
        (click.BadParameter("\x1b[31m"), 2, "\\x1b[31m"),
        (ModuleNotFoundError("no zarr", name="zarr"), 1, "which is not installed"),
        (KeyError("\x1b[31m"), 70, "a fault of hrtemnn, not yours: KeyError"),
        (RecursionError("deep"), 70, "RecursionError: deep"),
        (OverflowError("large"), 70, "--traceback command"),
        (AssertionError(), 70, "AssertionError"),
        (KeyboardInterrupt(), 1, "Aborted!"),
        (BrokenPipeError(32, "Broken pipe"), 1, ""),
    ],
)  # fmt: skip
def test_each_error_is_one_line_with_its_exit_code(command_raises, error, code, said):
    result = command_raises(error)
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code == code
    assert said in result.output
    assert "\x1b" not in result.output
    assert "\x07" not in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("error", [KeyError("a"), ValueError("b")])
def test_the_traceback_is_there_when_asked_for(command_raises, error):
    assert command_raises(error, "--traceback").exception is error


def test_a_fault_is_told_from_what_a_user_can_mend():
    with pytest.raises(SystemExit) as ended:
        main(["segment", "missing", "--out", "x", "--model", "y"])
    assert ended.value.code == USAGE
    assert Fault.exit_code == FAULT not in (MENDABLE, USAGE)


def test_a_closed_pipe_ends_in_silence():
    code = "from hyperspy_hrtemnn.cli import main; main(['card', 'au-ceo2-mask'])"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("code_page", ["cp1251", "cp932"])
def test_letters_that_a_code_page_of_windows_lacks_are_question_marks(code_page):
    code = "from hyperspy_hrtemnn.cli import main; main(['models'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONIOENCODING": code_page},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"0.07 to 0.2 ?" in done.stdout


def test_warnings_show_no_escape_sequence(capsys):
    with warnings_as_lines():
        warn_user("the unit \x1b]0;title\x07\nis strange")
    assert capsys.readouterr().err == (
        "Warning: the unit \\x1b]0;title\\x07 is strange\n"
    )


@given(st.text())
def test_a_line_is_printed_as_it_is(text):
    assert as_line(text).isprintable()
    assert as_line(as_line(text)) == as_line(text)


def test_long_texts_are_cut():
    assert len(as_line("x" * 10**6)) < 3000


wrong = st.one_of(
    st.sampled_from([np.nan, np.inf, -np.inf, -1.0, 10**30, 1e308]),
    st.floats(max_value=-1e-9),
)


@given(wrong)
def test_options_out_of_range_name_themselves(value):
    for option in ("min_separation", "probability", "min_area"):
        if option == "probability" or not 0 < value < np.inf:
            with pytest.raises(ValueError, match=option):
                SplittingOptions(**{"min_separation": 5.0, option: value})
    for option in ("memory", "min_overlap", "search_range"):
        if option != "search_range" or not 0 < value < np.inf:
            with pytest.raises(ValueError, match=option):
                LinkingOptions(**{option: value})


@pytest.mark.parametrize("shape", [(0, 32, 48), (3, 0, 48)])
@pytest.mark.parametrize(
    ("kind", "method", "arguments"),
    [
        ("HRTEM", "segment", ["au-ceo2-mask"]),
        ("HRTEM", "standardize", ["1 nm"]),
        ("HRTEM_segmentation", "track_instances", ["2 nm"]),
        ("HRTEM_segmentation", "area", []),
        ("HRTEM_instances", "properties", []),
    ],
)
def test_an_empty_signal_is_refused_by_every_method(shape, kind, method, arguments):
    signal = hs.signals.Signal2D(np.zeros(shape, "int32" if "inst" in kind else "f4"))
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.02, "nm"
    signal.set_signal_type(kind)
    with pytest.raises(ValueError, match=r"The signal is empty: .*\(\d, \d+, 48\)"):
        getattr(signal, method)(*arguments)
