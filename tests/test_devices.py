# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices: the same answers on each that is there, and a word where one is not used.

Devices that this machine does not have are played by a stand-in for onnxruntime, which
computes on the CPU.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
import warnings
from contextlib import suppress
from types import ModuleType, SimpleNamespace

import hyperspy.api as hs
import numpy as np
import onnxruntime
import pytest
import tiny_networks
from click.testing import CliRunner

from hyperspy_hrtemnn import cli
from hyperspy_hrtemnn.checkpoint import Checkpoint
from hyperspy_hrtemnn.data import au_ceo2_movie, au_ceo2_movie_truth
from hyperspy_hrtemnn.jobs import segmenting
from hyperspy_hrtemnn.networks import (
    DeviceError,
    Network,
    _devices,
    _engine,
    _network,
    _starting,
    available,
    available_devices,
    load,
    self_test,
)
from hyperspy_hrtemnn.networks._errors import DeviceStartError
from hyperspy_hrtemnn.signals import HRTEM
from hyperspy_hrtemnn.signals._prediction import predictions

OTHERS = [name for name in _devices.DEVICES if name != "cpu"]


@pytest.fixture(autouse=True)
def _anew(monkeypatch):
    """Forget what was loaded, tried and shown, before and after each test."""
    monkeypatch.delenv("HRTEMNN_DEVICE", raising=False)
    monkeypatch.setattr(_starting, "_not_starting", set())
    monkeypatch.setattr(_engine, "_process_of_devices", None)
    _network._loaded.cache_clear()
    _network._limited.cache_clear()
    predictions._show_device.cache_clear()
    yield
    _network._loaded.cache_clear()
    _network._limited.cache_clear()
    predictions._show_device.cache_clear()


class StandIn:
    """A onnxruntime with one more provider.

    Parameters
    ----------
    provider
        Its name.
    starts
        Whether it starts; if not, sessions have the CPU alone, without an error.
    off
        What is added to its answers.
    left
        Operators that it leaves to the CPU; None for all of them.
    error
        What its sessions raise.
    """

    def __init__(self, provider, *, starts=True, off=0.0, left=(), error=None):
        self.provider, self.starts, self.off = provider, starts, off
        self.left, self.error = left, error
        self.SessionOptions = onnxruntime.SessionOptions
        self.asked = []

    def get_available_providers(self):
        return [self.provider, "CPUExecutionProvider"]

    def InferenceSession(self, content, options, *, providers, enable_fallback):  # noqa: N802
        assert enable_fallback == 0
        self.asked.append(providers)
        session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        if providers[0][0] != self.provider:
            return session
        if self.error is not None:
            raise self.error
        return _Session(session, self) if self.starts else session


class _Session:
    def __init__(self, session, module):
        self._session, self._module = session, module

    def __getattr__(self, name):
        return getattr(self._session, name)

    def get_providers(self):
        return [self._module.provider, "CPUExecutionProvider"]

    def run(self, names, given):
        return [answer + self._module.off for answer in self._session.run(names, given)]

    def end_profiling(self):
        path = self._session.end_profiling()
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            notes = json.load(file)
        left = self._module.left
        for note in notes:
            if note.get("cat") == "Node" and left is not None:
                there = note["args"].get("op_name") in left
                note["args"]["provider"] = (
                    "CPUExecutionProvider" if there else self._module.provider
                )
        with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
            json.dump(notes, file)
        return path


@pytest.fixture
def stand_in(monkeypatch):
    """Return a function that puts a stand-in in the place of onnxruntime."""

    def put(device, **options):
        module = StandIn(_devices.DEVICES[device].provider, **options)
        for room in (_devices, _engine):
            monkeypatch.setattr(room, "onnxruntime", lambda: module)
        return module

    return put


@pytest.fixture
def cpu_only(stand_in):
    return stand_in("cpu")


@pytest.fixture
def movie(rng):
    images = HRTEM(rng.normal(100, 10, (3, 31, 43)).astype(np.float32))
    for axis in images.axes_manager.signal_axes:
        axis.scale, axis.units = 0.01, "nm"
    return images


def started(name, device):
    """Return a network on a device, or skip the test where it is not there."""
    if device not in available_devices():
        pytest.skip(f"{device} is not in the onnxruntime of this environment")
    try:
        return load(name, device)
    except DeviceStartError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", available())
@pytest.mark.parametrize("device", OTHERS)
def test_devices_agree_with_the_cpu(device, name, rng):
    network = started(name, device)
    assert network.device == device
    card = network.card
    side = card.spectrum_side or 96
    # Smooth at the scale of columns, and noisy, as standardized images are.
    shape = (2, card.channels, side, side if card.spectrum_side else 112)
    noise = rng.normal(size=shape)
    columns = 2 * np.sin(np.arange(shape[-1])) * np.sin(np.arange(side))[:, None]
    batch = (noise + columns).astype(np.float32)
    expected = load(name, "cpu").predict(batch)
    given = network.predict(batch)
    limit = 1e-3 * max(1, np.abs(expected).max())
    assert np.abs(given - expected).max() < limit


@pytest.mark.parametrize("device", OTHERS)
def test_segmentations_of_devices_agree(device):
    started("au-ceo2-mask", device)
    image = au_ceo2_movie().inav[0]
    options = {"show_progressbar": False}
    given = image.segment("au-ceo2-mask", device=device, **options)
    expected = image.segment("au-ceo2-mask", device="cpu", **options)
    assert given.metadata.HRTEMNN.Segmentation.device == device
    assert expected.metadata.HRTEMNN.Segmentation.device == "cpu"
    assert 0.5 < expected.data.max() <= 1
    np.testing.assert_allclose(given.data, expected.data, atol=1e-3)


def test_auto_is_the_cpu_where_nothing_else_is_installed(cpu_only, network_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network = load(network_path)
        assert network.device == "cpu"
        assert load(network_path, "auto") is load(network_path, "cpu") is network


@pytest.mark.parametrize(
    ("device", "options"),
    [
        ("cuda", {"use_tf32": "0"}),
        ("directml", {}),
        (
            "openvino",
            {"device_type": "CPU", "precision": "FP32", "num_of_threads": "1"},
        ),
    ],
)
def test_auto_takes_what_is_installed(
    stand_in, network_path, monkeypatch, device, options
):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    module = stand_in(device)
    network = load(network_path)
    assert network.device == device
    assert f"on {device}>" in repr(network)
    provider = _devices.DEVICES[device].provider
    assert module.asked[-1] == [(provider, options), "CPUExecutionProvider"]


def test_coreml_has_to_be_named(stand_in, network_path):
    stand_in("coreml")
    assert load(network_path).device == "cpu"
    assert load(network_path, "coreml").device == "coreml"


def test_a_device_that_does_not_start_is_told_once(stand_in, tmp_path):
    stand_in("cuda", starts=False)
    first = tiny_networks.convolution(tmp_path / "a.onnx")
    second = tiny_networks.convolution(tmp_path / "b.onnx", seed=2)
    with pytest.warns(
        UserWarning, match=r"The CPU is used in place of cuda\. cuda does not start"
    ) as told:
        found = [load(path).device for path in (first, second)]
    assert found == ["cpu", "cpu"]
    assert len(told) == 1
    assert 'pip install "onnxruntime-gpu[cuda,cudnn]"' in str(told[0].message)
    assert told[0].filename == __file__


def test_a_named_device_that_does_not_start_is_an_error(stand_in, network_path):
    stand_in("cuda", starts=False)
    with pytest.raises(
        DeviceError, match=r'cuda does not start.*GPU of NVIDIA.*Take device="cpu"\.'
    ):
        load(network_path, "cuda")


def test_a_named_device_that_is_not_installed_is_an_error_with_the_commands(
    network_path, monkeypatch, cpu_only
):
    monkeypatch.setattr(_devices, "installed", lambda: ("onnxruntime",))
    with pytest.raises(
        DeviceError,
        match=r"'openvino' is not in the onnxruntime .* has cpu.*pip uninstall -y "
        r"onnxruntime, then pip install onnxruntime-openvino",
    ):
        load(network_path, "openvino")


def test_a_device_that_nobody_knows_names_those_that_there_are(
    network_path, monkeypatch
):
    with pytest.raises(DeviceError, match="device is 'gpu'; it is one of auto, cuda"):
        load(network_path, "gpu")
    monkeypatch.setenv("HRTEMNN_DEVICE", "quantum")
    with pytest.raises(DeviceError, match="variable HRTEMNN_DEVICE is 'quantum'"):
        load(network_path)


def test_the_default_of_a_machine_is_in_the_environment(
    stand_in, network_path, monkeypatch, movie
):
    stand_in("cuda")
    monkeypatch.setenv("HRTEMNN_DEVICE", " CPU ")
    assert load(network_path).device == "cpu"
    assert load(network_path, "cuda").device == "cuda"
    monkeypatch.setenv("HRTEMNN_DEVICE", "cuda")
    found = movie.segment(network_path, show_progressbar=False)
    assert found.metadata.HRTEMNN.Segmentation.device == "cuda"


@pytest.mark.parametrize("off", [2e-3, np.nan])
def test_a_device_that_answers_differently_is_not_used(stand_in, network_path, off):
    stand_in("cuda", off=off)
    with pytest.raises(DeviceError, match=r"'tiny' answers on cuda with a difference"):
        load(network_path, "cuda")
    with pytest.warns(UserWarning, match="CPU is used in place of cuda.*difference of"):
        assert load(network_path).device == "cpu"


def test_a_device_may_round_otherwise(stand_in, network_path):
    stand_in("cuda", off=5e-4)
    assert load(network_path).device == "cuda"


def test_a_session_that_fails_is_not_repeated_on_the_cpu_in_silence(
    stand_in, network_path
):
    stand_in("directml", error=RuntimeError("no\nsuch kernel"))
    with pytest.raises(DeviceError, match=r"does not run on directml: no such kernel"):
        load(network_path, "directml")
    with pytest.warns(UserWarning, match="CPU is used in place of directml.*no such"):
        assert load(network_path).device == "cpu"


def test_what_a_device_leaves_to_the_cpu_is_told(stand_in, network_path):
    stand_in("cuda", left=("Sigmoid",))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a sigmoid takes no time
        load(network_path, "cuda")
    _network._loaded.cache_clear()
    stand_in("cuda", left=("Conv", "FusedConv"))
    with pytest.warns(UserWarning, match=r"leaves parts of .*'tiny' to the CPU, \d n"):
        assert load(network_path, "cuda").device == "cuda"


def test_a_device_that_runs_nothing_is_not_said_to_be_used(stand_in, network_path):
    stand_in("cuda", left=None)
    with pytest.raises(DeviceError, match="cuda knows no node of the network 'tiny'"):
        load(network_path, "cuda")


def test_a_damaged_network_is_not_blamed_on_the_device(stand_in, tmp_path):
    stand_in("cuda")
    test = {"input": 1, "places": [0], "answer": [0.123]}
    path = tiny_networks.convolution(tmp_path / "a.onnx", test=test)
    with pytest.raises(ValueError, match=r"a\.onnx is damaged"):
        load(path, "cuda")


def test_two_onnxruntimes_are_refused_with_what_to_do(
    network_path, tmp_path, monkeypatch
):
    folder = tmp_path / "onnxruntime_gpu-1.30.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: onnxruntime-gpu\nVersion: 1.30.0\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    if "onnxruntime-gpu" not in _devices.installed():
        pytest.fail("the second one is not seen")
    others = [name for name in _devices.installed() if name != "onnxruntime-gpu"]
    for device in (None, "cpu"):
        with pytest.raises(DeviceError, match="installed together") as error:
            load(network_path, device)
        text = str(error.value)
        assert all(name in text for name in others)
        assert "pip uninstall -y" in text
        assert ', then pip install "onnxruntime-gpu[cuda,cudnn]"' in text


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (None, "needs onnxruntime, which is not installed"),
        # What pip leaves of two that were uninstalled.
        (ModuleType("onnxruntime"), "onnxruntime, which runs networks, cannot be impo"),
    ],
)
def test_without_onnxruntime_there_is_one_line(monkeypatch, network_path, module, why):
    monkeypatch.setitem(sys.modules, "onnxruntime", module)
    result = CliRunner().invoke(cli.main, ["card", str(network_path)])
    assert result.exit_code == 1
    assert why in result.output
    assert "pip install onnxruntime" in result.output
    assert len(result.output.splitlines()) == 1


def test_a_network_moves_to_another_device_and_keeps_the_rest(stand_in, network_path):
    stand_in("cuda")
    network = load(network_path, "cpu").limited(1).averaged(spread=True)
    moved = network.on("cuda")
    assert (network.device, moved.device) == ("cpu", "cuda")
    assert moved.has_spread
    assert moved._engine.num_workers == 1
    assert moved.on(None) is moved.on("cuda") is moved


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs forks")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_device_is_not_waited_for_in_a_fork(stand_in, network_path):
    """OpenVINO hangs there, and CUDA fails."""
    stand_in("cuda")
    network = load(network_path)
    batch = np.zeros((1, 1, 9, 8), np.float32)
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        code = 1
        with suppress(BaseException):
            with pytest.raises(DeviceError, match=r'forked from one.*"spawn"'):
                network.predict(batch)
            _network._loaded.cache_clear()
            with pytest.warns(UserWarning, match="CPU is used in place of cuda"):
                code = int(load(network_path).device != "cpu")
        os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert network.predict(batch).shape == (1, 1, 9, 8)


def test_a_pickled_network_names_its_device(stand_in, network_path):
    """On a cluster, a machine without the device raises an error, as it must."""
    stand_in("cuda")
    pickled = pickle.dumps(load(network_path))
    assert pickle.loads(pickled).device == "cuda"  # noqa: S301
    stand_in("cpu")
    _network._loaded.cache_clear()
    _network._limited.cache_clear()
    with pytest.raises(DeviceError, match="'cuda' is not in the onnxruntime"):
        pickle.loads(pickled).card  # noqa: B018, S301


def test_the_metadata_say_on_which_device(stand_in, tmp_path, movie):
    stand_in("cuda")
    path = tiny_networks.convolution(tmp_path / "a.onnx")
    options = {"show_progressbar": False}
    network = load(path, "cuda").averaged(spread=True)
    found = movie.segment(network, **options)
    assert found.metadata.HRTEMNN.Segmentation.device == "cuda"
    assert found.spread.metadata.HRTEMNN.Spread.device == "cuda"
    lazy = movie.as_lazy().segment(network, device="cpu")
    assert lazy.metadata.HRTEMNN.Segmentation.device == "cpu"
    lazy.compute(progressbar=False)
    lazy.save(tmp_path / "saved.hspy")
    saved = hs.load(tmp_path / "saved.hspy")
    assert saved.metadata.HRTEMNN.Segmentation.device == "cpu"
    movie.axes_manager[0].name = "defocus"
    wave = movie.reconstruct_exitwave(
        tiny_networks.exit_wave(tmp_path / "w.onnx"), device="cuda", **options
    )
    assert wave.metadata.HRTEMNN.ExitWave.device == "cuda"


def test_the_table_of_the_zone_axis_says_on_which_device(stand_in, tmp_path):
    stand_in("cuda")
    path = tiny_networks.brightest(tmp_path / "a.onnx")
    image, particles = au_ceo2_movie().inav[0], au_ceo2_movie_truth().inav[0]
    spectra = image.local_fft(particles, id=1, show_progressbar=False)
    options = {"show_progressbar": False}
    table = spectra.zone_axis_probability(path, device="cuda", **options)
    assert table.attrs["device"] == "cuda"
    table = spectra.zone_axis_probability(path, device="cpu", **options)
    assert table.attrs["device"] == "cpu"


def test_following_says_on_which_device(stand_in, tmp_path, movie):
    stand_in("cuda")
    path = tiny_networks.convolution(tmp_path / "a.onnx")
    options = {"min_separation": "1 angstrom", "show_progressbar": False}
    particles = movie.follow_particles(path, tmp_path / "out", **options).particles
    assert particles.metadata.HRTEMNN.Segmentation.device == "cuda"
    with pytest.raises(ValueError, match="device was 'cuda', now 'cpu'"):
        movie.follow_particles(path, tmp_path / "out", device="cpu", **options)


def test_gerchberg_saxton_has_no_device(movie):
    with pytest.raises(ValueError, match="device"):
        movie.reconstruct_exitwave(method="gerchberg-saxton", device="cpu", energy=50)


def test_the_device_is_shown_once_where_progress_is(
    cpu_only, movie, network_path, capsys
):
    movie.segment(network_path, show_progressbar=False)
    assert "Networks run" not in capsys.readouterr().err
    for _ in range(2):
        movie.segment(network_path, show_progressbar=True)
    shown = capsys.readouterr()
    assert shown.err.count("Networks run on cpu.") == 1
    assert "Networks run" not in shown.out


@pytest.fixture
def movie_path(movie, tmp_path):
    movie.save(tmp_path / "movie.hspy")
    return tmp_path / "movie.hspy"


def run(*arguments, code=0):
    result = CliRunner().invoke(cli.main, [str(part) for part in arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_commands_take_a_device(stand_in, movie_path, network_path, tmp_path):
    stand_in("cuda")
    given = (movie_path, "--model", network_path)
    out = tmp_path / "s.hspy"
    output = run("segment", *given, "--out", out, "--device", "cuda")
    assert "Networks run on cuda." in output
    assert hs.load(out).metadata.HRTEMNN.Segmentation.device == "cuda"
    folder = tmp_path / "follow"
    options = ("--min-separation", "1 angstrom", "--device", "cpu")
    run("follow", *given, "--out", folder, *options)
    particles = hs.load(folder / "particles.hspy")
    assert particles.metadata.HRTEMNN.Segmentation.device == "cpu"
    assert "--device" in run("atoms", "--help")


def test_a_command_on_a_missing_device_is_one_line(
    cpu_only, movie_path, network_path, tmp_path
):
    options = ("--out", tmp_path / "s.hspy", "--device", "openvino")
    output = run("segment", movie_path, "--model", network_path, *options, code=1)
    assert output.startswith("Error: The device 'openvino' is not in the onnxruntime")
    assert len(output.splitlines()) == 1
    run("segment", movie_path, "--model", network_path, "--device", "gpu", code=2)


def test_frames_of_two_devices_are_never_in_one_file(
    stand_in, movie_path, network_path, tmp_path, monkeypatch
):
    stand_in("cuda")
    given = ("segment", movie_path, "--model", network_path, "--out")
    given = (*given, tmp_path / "s.hspy")
    write = Checkpoint.write

    def once(self, number, frame):
        if self.folder.name != "replaced" and self.done():
            raise KeyboardInterrupt
        write(self, number, frame)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "write", once)
        patch.setattr(segmenting, "_FRAMES_AT_ONCE", 1)
        run(*given, "--device", "cuda", code=130)
    output = run(*given, "--device", "cpu", code=1)
    assert "device was 'cuda', now 'cpu'" in output
    run(*given, "--device", "cuda")


def test_the_list_of_devices_says_how_to_get_them(cpu_only, monkeypatch):
    monkeypatch.setattr(_devices, "installed", lambda: ("onnxruntime",))
    lines = run("devices").splitlines()
    assert [line.split()[0] for line in lines] == [*OTHERS, "cpu"]
    assert lines[-1] == "cpu is installed"
    assert "onnxruntime, then pip install onnxruntime-openvino" in lines[2]


def test_the_choice_of_the_option_is_that_of_devices():
    (option,) = (p for p in cli.segment.params if p.name == "device")
    assert set(option.type.choices) == {"auto", *_devices.DEVICES}


def test_the_self_test_runs_on_each_device(stand_in, monkeypatch):
    stand_in("cuda")
    monkeypatch.setenv("HRTEMNN_DEVICE", "cpu")
    found = self_test("au-zone-axis")
    assert [each.device for each in found] == ["cuda", "cpu"]
    assert all(each.fault is None and each.difference < 1e-4 for each in found)
    assert len(run("test", "au-zone-axis").splitlines()) == 2
    assert run("test", "au-zone-axis", "--device", "cpu").startswith("cpu: passed; lar")


def test_the_self_test_names_the_device_that_fails(stand_in):
    stand_in("cuda", off=0.01)
    lines = run("test", "au-zone-axis", code=1).splitlines()
    assert lines[0].startswith("cuda: failed, The network 'au-zone-axis' answers on cu")
    assert lines[1].startswith("cpu: passed")


def test_a_network_without_a_test_is_told(network_path):
    assert "'tiny' has no test" in run("test", network_path, code=1)


def test_a_lack_of_memory_on_a_device_is_one_of_memory(network_path, monkeypatch):
    network = Network(network_path, device="cpu")
    failing = SimpleNamespace(
        get_inputs=network._engine.session.get_inputs,
        run=lambda *_: (_ for _ in ()).throw(
            RuntimeError("8007000E Not enough memory resources are available")
        ),
    )
    monkeypatch.setattr(network._engine, "session", failing)
    with pytest.raises(MemoryError):
        network.predict(np.zeros((1, 1, 9, 8), np.float32))
