"""The console of the page is the prompt: the same words, read by the same table, answered in the same sentences."""

from __future__ import annotations

from doors.peers import Plain

from .conftest import Room


def test_a_line_is_answered_with_the_sentences_of_the_prompt(room: Room) -> None:
    """BR-18: one vocabulary at every door."""
    page = room.page()
    prompt = Plain(room.farm.port)
    prompt.say("disable nobody-of-that-name")
    refused = prompt.until("ERR", "\n").strip()
    prompt.close()

    assert page.call("gateway.say", line="disable nobody-of-that-name")["text"] in refused
    assert "render-01" in page.call("gateway.say", line="worker list")["text"]
    assert page.call("gateway.say", line="disable render-01", columns=100)["text"].startswith("OK 1 worker disabled")
    assert _state(room) == "disabled"
    assert page.call("gateway.say", line="undo")["text"].startswith("OK")
    assert _state(room) == "enabled"


def _state(room: Room) -> str:
    return str(room.farm.json().call("worker.show", workers=["render-01"])["workers"][0]["admin_state"])


def test_a_refusal_is_text_with_its_code_and_the_next_step(room: Room) -> None:
    page = room.page()

    assert page.call("gateway.say", line="job show nowhere")["text"].startswith("ERR 1003 ")
    assert page.call("gateway.say", line="jbo list")["text"].startswith("ERR -32601 ")
    assert page.call("gateway.say", line="job show 'open")["text"].startswith("ERR -32602 ")
    assert page.call("gateway.say", line="  ")["text"] == ""
    assert page.refused("gateway.say", line=7)["code"] == -32602


def test_the_current_project_is_that_of_the_page(room: Room) -> None:
    page = room.page()
    page.call("gateway.say", line="project create paged")
    page.call("gateway.say", line="select_project paged")

    page.call("gateway.say", line="job create line-made function=simple")

    assert page.call("job.show", job="line-made")["project"] == "paged"


def test_what_goes_on_after_its_answer_is_refused_with_the_place_to_look(room: Room) -> None:
    page = room.page()

    said = page.call("gateway.say", line="watch worker list")["text"]

    assert said.startswith("ERR ") and "move by themselves" in said


def test_lines_are_no_wider_than_the_console_and_turn_no_text_around(room: Room) -> None:
    page = room.page()
    page.call("job.create", name="gpj.\u202eexe <b>", function="simple")

    said = page.call("gateway.say", line="job list", columns=60)["text"]

    assert "\\u202e" in said and "\u202e" not in said
    assert max(len(line) for line in page.call("gateway.say", line="help", columns=60)["text"].splitlines()) <= 60
