"""Undo as people meet it: by name over sessions and restarts of the client, by session without one, in memory only."""

from __future__ import annotations

from pathlib import Path

from .peers import Farm


def test_undo_goes_by_name_in_every_session_and_else_by_the_session_alone(doors: Farm) -> None:
    anna, again, nobody = doors.json(), doors.json(), doors.json()
    for peer in (anna, again):
        peer.call("session.hello", name="anna")
    anna.call("worker.disable", workers=["render-01"])

    assert nobody.refused("session.undo")["code"] == 1005
    assert again.call("session.undo")["done"] == [{"id": 1, "name": "render-01", "value": "enabled"}]
    nobody.call("worker.disable", workers=["render-01"])
    assert anna.refused("session.undo")["code"] == 1005
    assert nobody.call("session.undo")["done"][0]["value"] == "enabled"


def test_the_command_line_undoes_what_an_earlier_one_did(doors: Farm) -> None:
    """Each `brender …` is a connection of its own; the person's name is what they have in common."""
    assert doors.cli("worker", "disable", "all")[0] == 0
    code, answer = doors.cli("undo")
    assert (code, answer["verb"], doors.workers()["render-01"]["state"]) == (0, "disable", "enabled")
    assert doors.cli("undo")[0] == 1


def test_after_a_restart_there_is_nothing_to_undo_and_the_farm_is_as_it_was(tmp_path: Path) -> None:
    """Decided in docs/decisions/0014: what people did before lives in memory."""
    farm = Farm(tmp_path)
    try:
        peer = farm.json()
        peer.call("session.hello", name="anna")
        peer.call("worker.add", name="box", values={"mac": "beef00000001"})
        peer.call("worker.disable", workers=["box"])
        farm.master.stop()
        farm.start()
        peer = farm.json()
        peer.call("session.hello", name="anna")
        assert peer.refused("session.undo")["code"] == 1005
        assert farm.workers()["box"]["state"] == "disabled"
    finally:
        farm.end()
