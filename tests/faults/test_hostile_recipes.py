# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipes and parameters files from anywhere: one error that names the key."""

from __future__ import annotations

import contextlib
import copy
import json
import os

import pytest

pytest.importorskip("abtem")
pytest.importorskip("distributed")
pytest.importorskip("keras")
pytest.importorskip("zarr")

from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrtemnn_training.cli import dose_study, evaluate, structures
from hrtemnn_training.file_names import check_file_name
from hrtemnn_training.json_files import is_control
from hrtemnn_training.recipe import Recipe, RecipeError, change_images, read_recipe

VALUES = {
    "name": "tiny",
    "description": "As small as it gets",
    "material": "Au on CeO2",
    "classes": ["nanoparticle"],
    "seed": 3,
    "size": {"train": 1, "validation": 1, "test": 1},
    "structures": {"field": 46, "layers": [3, 4], "thickness": [8, 12]},
    "waves": {"sampling": 0.25, "vibrations": {"method": "none"}},
    "images": {"image_size": [88, 72], "sampling": [0.15, 0.2], "multifocus": None},
    "sampling": 0.4,
    "network": {"width": 2, "levels": 2, "kernel": 3},
    "training": {
        "optimizer_options": {},
        "stages": [
            {"epochs": 1, "learning_rate": [0.01, 0.01], "images": {"log_dose": [1, 2]}}
        ],
    },
}


def places(values, above=()):
    for key, value in values.items() if isinstance(values, dict) else ():
        yield (*above, key)
        yield from places(value, (*above, key))


PLACES = list(places(VALUES))
NUMBERS = st.one_of(
    st.integers(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.sampled_from([0, -1, 1, 10**9, 1e30, 1e308, -1e308, 5e-324, float("inf")]),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
quick = settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def put(place, value):
    """Return the recipe with another value at a place."""
    values = copy.deepcopy(VALUES)
    inner = values
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return values


def message_of(path):
    """Read a recipe; return what is wrong with it, None if it can be used."""
    try:
        read_recipe(path)
    except RecipeError as error:
        return str(error)
    return None


def test_the_recipe_itself_can_be_used() -> None:
    Recipe.model_validate(VALUES)


@quick
@given(place=st.sampled_from(PLACES), value=ANYTHING)
def test_any_value_at_any_key_is_taken_or_refused_by_the_name_of_the_key(
    place, value, tmp_path
) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(put(place, value)), encoding="utf-8")
    message = message_of(path)
    if message is not None:
        assert str(place[0]) in message
        assert not any(map(is_control, message))
        assert len(message) < 6000


@quick
@given(place=st.sampled_from(PLACES), key=st.text(max_size=30), value=ANYTHING)
def test_any_further_key_is_refused(place, key, value, tmp_path) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(put((*place[:-1], f"{key} "), value)), encoding="utf-8")
    message = message_of(path)
    free = place[:-1] in {("training", "optimizer_options")}
    assert message is not None or free
    assert message is None or not any(map(is_control, message))


@quick
@given(content=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_refused(content, tmp_path) -> None:
    path = tmp_path / "recipe.json"
    path.write_bytes(content)
    assert message_of(path) is not None


WHOLE = json.dumps(VALUES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON in line 1, column 1"),
        (bytes(500), "not JSON"),
        (WHOLE[:200].encode(), "not JSON"),
        (b"[" * 100_000, r"not JSON|more than 20 deep"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "a.a.a: .*more than 20 deep"),
        (WHOLE.replace('"seed": 3', '"seed": 3, "seed": 4').encode(), "'seed' .*twice"),
        (WHOLE.replace("88", "NaN").encode(), "images.image_size.0: nan is not a fin"),
        (WHOLE.replace("46", "Infinity").encode(), "structures.field: inf"),
        (WHOLE.replace("46", "1e999").encode(), "structures.field: inf"),
        (WHOLE.replace("46", "9" * 6000).encode(), "thousands of digits"),
        (WHOLE.replace("46", "9" * 400).encode(), "structures.field: numbers go to"),
        (WHOLE.replace("tiny", "x" * 10_000_000).encode(), "larger than 1,000,000"),
        (WHOLE.encode("utf-16"), "not UTF-8"),
        (WHOLE.replace("tiny", "gr\xfcn").encode("latin-1"), "not UTF-8"),
        (WHOLE.replace("tiny", r"\u001b[2J").encode(), "name: control characters"),
        (WHOLE.replace("Au on", r"Au \u009b").encode(), "material: control char"),
        (WHOLE.replace('"seed"', r'"\u001b]0;x\u0007"').encode(), r"\\x1b\]0;x\\x07"),
        (b"[1, 2]", "not a JSON object"),
        (b"null", "not a JSON object"),
    ],
)
def test_a_file_that_is_not_a_recipe_is_refused_for_its_reason(
    content, message, tmp_path
) -> None:
    path = tmp_path / "recipe.json"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=message) as caught:
        read_recipe(path)
    assert not any(map(is_control, str(caught.value)))


def test_a_byte_order_mark_is_taken(tmp_path) -> None:
    path = tmp_path / "recipe.json"
    path.write_bytes(b"\xef\xbb\xbf" + WHOLE.encode())
    assert read_recipe(path).name == "tiny"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a pipe with a name")
def test_what_is_not_a_file_is_not_waited_for(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RecipeError, match="it is not a file"):
        read_recipe(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("size", "train"), 10**9, "size.train: .*1000000"),
        (("structures", "field"), 1e9, "structures.field: .*2000"),
        (("structures", "thickness"), [8, 1e9], "thickness: ranges go to 2000"),
        (("structures", "layers"), [3, 10**6], "layers: counts go to 200"),
        (("waves", "sampling"), 1e-6, "waves.sampling"),
        (("waves", "sampling"), 0.002, "waves.sampling: .*GB; 0.0056 Å are the least"),
        (("waves", "energy"), 1e-9, "waves.energy"),
        (("images", "sampling"), [1e-9, 1], "images.sampling: .*are the least"),
        (("images", "image_size"), [10**6, 88], "images.image_size.0: .*8192"),
        (("images", "multifocus"), [10**9, 50, 0], "100 images at most"),
        (("images", "log_dose"), [300, 308], "images.log_dose"),
        (("network", "levels"), int(1e30), "network.levels"),
        (("network", "levels"), 10**9, "network.levels: .*10"),
        (("network", "width"), 10**6, "network.width"),
        (("network", "kernel"), 63, "width, levels, kernel and convolutions"),
        (("training", "batch_size"), 10**12, "training.batch_size"),
        (("training", "batch_size"), 10**5 * 4, "training.batch_size"),
        (("training", "stages", 0, "epochs"), 10**9, "training.stages.0.epochs"),
        (("seed",), -1, "seed"),
    ],
)
def test_what_no_machine_can_hold_is_refused_by_its_key(
    place, value, message, tmp_path
) -> None:
    values = put(place, value)
    if place == ("network", "kernel"):
        values["network"]["width"] = 1024
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(RecipeError, match=message):
        read_recipe(path)


def test_a_batch_that_is_too_large_says_how_many_images_are_the_most() -> None:
    values = put(("images", "image_size"), [2048, 2048])
    values["training"]["batch_size"] = 1000
    with pytest.raises(ValueError, match=r"1000 images .* 34 GB; 476 are the most"):
        Recipe.model_validate(values)


BAD_NAMES = [
    *(
        "",
        ".",
        "..",
        "../up",
        "/elsewhere",
        "a/b",
        "a\\b",
        "C:x",
        "x\0y",
        "x\x1b[2J",
        "x\ny",
    ),
    *("con", "NUL.txt", "Lpt1", " x", "x ", "x.", "-x", ".x", "x" * 201, "ü" * 101),
    *("a*", "a?", 'a"', "a<", "a|"),
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_leads_elsewhere_is_refused_when_the_recipe_is_read(
    name, tmp_path
) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(put(("name",), name)), encoding="utf-8")
    with pytest.raises(RecipeError, match="name: "):
        read_recipe(path)
    (tmp_path / "good.json").write_text(WHOLE, encoding="utf-8")
    arguments = [str(tmp_path / "good.json"), str(tmp_path / "run"), "--stem", name]
    result = CliRunner().invoke(dose_study, arguments)
    assert result.exit_code == 2
    assert "--stem" in result.output
    assert not (tmp_path / "run").exists()


@given(name=st.text(max_size=12))
def test_a_name_that_is_taken_stays_in_its_folder(name) -> None:
    try:
        check_file_name(name)
    except ValueError:
        return
    assert os.path.basename(name) == name  # noqa: PTH119 - the system's own view
    assert name not in {"", ".", ".."}
    assert not any(map(is_control, name))


@quick
@given(
    changes=st.dictionaries(
        st.sampled_from(
            [
                "defocus",
                "blur",
                "sampling",
                "debug",
                "label",
                "multifocus",
                "blur_is",
                "image_size",
                "no such key",
            ]
        ),
        ANYTHING,
    )
)
def test_any_change_of_the_images_is_taken_or_refused(changes) -> None:
    recipe = Recipe.model_validate(VALUES)
    with contextlib.suppress(RecipeError):
        change_images(recipe, changes)


TYPED = (
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=12)
    | ANYTHING.map(json.dumps)
    | st.sampled_from(
        ["-1", "1e400", "nan", "0", "{}", '{"a": 1}', "/dev/null", "/", "\0"]
    )
)


@quick
@given(
    command=st.sampled_from([structures, evaluate, dose_study]),
    option=st.sampled_from(
        [
            "--seed",
            "--numproc",
            "--scheduler",
            "--images",
            "--against",
            "--stem",
            "--doses",
            "--steps",
            "--nonsense",
        ]
    ),
    value=TYPED,
)
def test_whatever_is_typed_ends_with_one_message(
    command, option, value, tmp_path
) -> None:
    path = tmp_path / "recipe.json"
    values = put(("structures", "generator"), "database")
    values["structures"] = {"generator": "database", "path": str(tmp_path / "none")}
    path.write_text(json.dumps(values), encoding="utf-8")
    arguments = [str(path), str(tmp_path / "run"), *([option] if option else []), value]
    result = CliRunner().invoke(command, arguments)
    assert isinstance(result.exception, SystemExit | None)
    assert "Traceback" not in result.output
    assert not any(map(is_control, result.output.replace("\r", "")))
