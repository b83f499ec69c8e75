"""The allow-list of a worker: names to exact argv, and refusals that help."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.core.orders import StepSpec
from brender.errors import BrenderError, Invalid, InvalidParams, NotFound
from brender.worker.functions import Call, Catalogue, read_templates

JOIN = {
    "argv": ["ffmpeg", "-r", "{rate}", "-i", "{source}", "--name={title}", "{frames}", "{loud}"],
    "params": {
        "source": {"type": "path"},
        "rate": {"type": "int", "min": 1, "max": 120, "default": 24},
        "title": {"type": "str", "default": "x"},
        "loud": {"type": "bool", "default": False},
        "codec": {"type": "str", "choices": ["-a", "b"], "default": "b"},
        "gain": {"type": "float", "max": 2.5, "default": 1},
    },
    "env": {"THREADS": "2"},
    "cwd": "/srv",
}
CATALOGUE = Catalogue(
    {"simple": "/opt/bin/simple", "tidy.py": "/opt/bin/tidy.py", "go.sh": "/opt/bin/go.sh"},
    read_templates({"functions": {"join": JOIN}}),
    blender=True,
    python="/usr/bin/python3",
    bash="/bin/bash",
)


def spec(function: str, params: Any = (), frames: str = "", chunk: int = 1) -> StepSpec:
    given_params = params if isinstance(params, dict) else list(params)
    return StepSpec(7, 3, "step", "job", function, given_params, frames=frames, chunk=chunk)


def test_a_worker_offers_built_ins_programs_templates_and_blender() -> None:
    assert CATALOGUE.names() == ["blender", "echo", "go.sh", "join", "noop", "simple", "sleep", "tidy.py"]


def test_a_program_gets_the_list_of_parameters_as_its_arguments() -> None:
    """SP-02, SP-52: spad's params, never through a shell."""
    call = CATALOGUE.resolve(spec("simple", ["a b", "$(rm -rf /)", 3, 0.5, True]), 0)

    assert call.argv == ("/opt/bin/simple", "a b", "$(rm -rf /)", "3", "0.5", "true")
    assert call.env == {"BRENDER_JOB": "job", "BRENDER_JOB_ID": "3", "BRENDER_STEP": "step", "BRENDER_TASK": "0"}


@pytest.mark.parametrize(
    ("name", "argv"),
    [("tidy.py", ("/usr/bin/python3", "/opt/bin/tidy.py")), ("go.sh", ("/bin/bash", "/opt/bin/go.sh"))],
)
def test_the_ending_chooses_the_interpreter(name: str, argv: tuple[str, ...]) -> None:
    """SP-52."""
    assert CATALOGUE.resolve(spec(name), 0).argv == argv


def test_a_program_learns_its_frames_from_the_environment() -> None:
    call = CATALOGUE.resolve(spec("simple", frames="1-10", chunk=4), 2)

    assert (call.env["BRENDER_FRAME"], call.env["BRENDER_FRAMES"], call.frames) == ("9", "9-10", (9, 10))


def test_a_template_is_filled_word_by_word_with_defaults() -> None:
    call = CATALOGUE.resolve(spec("join", {"source": "/in/a b.png", "title": "{rate}; ls"}, frames="1-3", chunk=3), 0)

    assert call.argv == ("ffmpeg", "-r", "24", "-i", "/in/a b.png", "--name={rate}; ls", "1-3", "false")
    assert (call.env["THREADS"], call.cwd) == ("2", "/srv")


def test_a_template_takes_a_list_in_the_order_of_its_parameters() -> None:
    call = CATALOGUE.resolve(spec("join", ["/in", 30], frames="5"), 0)

    assert call.argv[:5] == ("ffmpeg", "-r", "30", "-i", "/in")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "parameter source is missing"),
        ({"source": "-y"}, "may not begin with '-'"),
        ({"source": ""}, "empty path"),
        ({"source": "/a\0b"}, "NUL"),
        ({"source": 3}, "is text"),
        ({"source": "/a", "title": "-f"}, "may not begin with '-'"),
        ({"source": "/a", "rate": 0}, "under its least, 1"),
        ({"source": "/a", "rate": 121}, "over its most, 120"),
        ({"source": "/a", "rate": 1.5}, "of type int"),
        ({"source": "/a", "rate": True}, "of type int"),
        ({"source": "/a", "rate": "9"}, "of type int"),
        ({"source": "/a", "rate": None}, "of type int"),
        ({"source": "/a", "gain": float("nan")}, "of type float"),
        ({"source": "/a", "loud": 1}, "true or false"),
        ({"source": "/a", "codec": "c"}, "one of -a, b"),
        ({"source": "/a", "rat": 3}, "Did you mean rate?"),
        (["/a", 1, "x", True, "b", 1.0, "one too many"], "takes 6 parameters, 7 were given"),
    ],
)
def test_a_template_refuses_what_breaks_its_types(params: Any, words: str) -> None:
    """CONTRACT 4.7, SP-52."""
    with pytest.raises(InvalidParams) as refused:
        CATALOGUE.resolve(spec("join", params, frames="1"), 0)

    assert words in refused.value.sentence() and "join" in refused.value.sentence()


def test_a_command_with_frames_needs_a_step_with_frames() -> None:
    with pytest.raises(InvalidParams, match="join needs frames"):
        CATALOGUE.resolve(spec("join", {"source": "/a"}), 0)


def test_built_ins_need_no_process() -> None:
    assert CATALOGUE.resolve(spec("noop", ["x"]), 0) == Call("noop")
    assert CATALOGUE.resolve(spec("echo", ["a", 1, {"b": None}]), 0).text == 'a 1 {"b":null}\n'
    assert CATALOGUE.resolve(spec("echo", {"a": 1}), 0).text == "a=1\n"
    assert CATALOGUE.resolve(spec("sleep", [2.5]), 0).seconds == 2.5
    assert CATALOGUE.resolve(spec("sleep", {"seconds": 3}), 0).seconds == 3.0


@pytest.mark.parametrize("params", [[-1], ["x"], [float("inf")], [1, 2], {"minutes": 1}, [None], [1e12]])
def test_a_sleep_that_is_no_time_is_refused(params: Any) -> None:
    with pytest.raises(InvalidParams, match="sleep"):
        CATALOGUE.resolve(spec("sleep", params), 0)


def test_an_unknown_function_names_the_nearest_or_the_offer() -> None:
    with pytest.raises(NotFound, match="no function 'simpl'") as refused:
        CATALOGUE.resolve(spec("simpl"), 0)
    assert refused.value.hint == "Did you mean simple?"

    with pytest.raises(NotFound) as refused:
        CATALOGUE.resolve(spec("/bin/sh", ["-c", "id"]), 0)
    assert refused.value.hint.startswith("It offers blender, echo")


def test_blender_takes_its_own_parameters_and_frames() -> None:
    params = {"blend": "/a.blend", "output": "/out", "samples": 4}

    call = CATALOGUE.resolve(spec("blender", params, frames="1-9", chunk=5), 1)

    assert call.kind == "blender" and call.job is not None
    assert (call.job.samples, call.frames) == (4, (6, 7, 8, 9))
    with pytest.raises(InvalidParams, match="names no frames"):
        CATALOGUE.resolve(spec("blender", params), 0)
    with pytest.raises(NotFound):
        Catalogue().resolve(spec("blender", params, frames="1"), 0)


@pytest.mark.parametrize(
    ("given_file", "words"),
    [
        ([], "one key, functions"),
        ({"function": {}}, "one key, functions"),
        ({"functions": [1]}, "one key, functions"),
        ({"functions": {"a": {"argv": []}}}, "fixed program"),
        ({"functions": {"a": {"argv": ["{tool}"], "params": {"tool": {}}}}}, "fixed program"),
        ({"functions": {"a": {"argv": ["x", "{y}"]}}}, "{y} is no parameter"),
        ({"functions": {"a": {"argv": ["x"], "shell": True}}}, "shell"),
        ({"functions": {"a": {"argv": ["x"], "params": {"n": {"type": "int", "default": "x"}}}}}, "of type int"),
        ({"functions": {"a": {"argv": ["x"], "params": {"frame": {}}}}}, "plain name"),
        ({"functions": {"noop": {"argv": ["x"]}}}, "brender has itself"),
        ({"functions": {"a/b": {"argv": ["x"]}}}, "no usable name"),
    ],
)
def test_a_function_file_is_checked_when_it_is_read(given_file: Any, words: str) -> None:
    with pytest.raises((Invalid, InvalidParams)) as refused:
        read_templates(given_file)

    assert words in refused.value.sentence()


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@given(
    st.sampled_from([*CATALOGUE.names(), "", "../x"]),
    st.lists(VALUES, max_size=7) | st.dictionaries(st.sampled_from([*JOIN["params"], "x"]), VALUES, max_size=7),
    st.sampled_from(["", "1-3", "5", "x"]),
)
def test_whatever_a_master_sends_becomes_a_fixed_program_or_a_reason(function: str, params: Any, frames: str) -> None:
    try:
        call = CATALOGUE.resolve(spec(function, params, frames), 0)
    except BrenderError as error:
        assert error.sentence()
        return
    programs = {"/opt/bin/simple", "/usr/bin/python3", "/bin/bash", "ffmpeg"}
    assert call.kind != "process" or call.argv[0] in programs
    assert all(isinstance(word, str) and "\0" not in word for word in call.argv)
