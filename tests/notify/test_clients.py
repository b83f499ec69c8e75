"""The seed's client and server of the mail logger, with a real farm and a real mail server."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from doors.peers import LIMIT, ROOT, Farm, until
from ports import free_port

from brender import MailLoggerClient
from brender.errors import Invalid, NoMaster

from .sink import Sink, credentials
from .test_mail import about


def records(farm: Farm) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = farm.json().call("log.list", logger="raspberry")["records"]
    return found


def test_the_seeds_program_runs_as_it_is_written(own: Farm) -> None:
    """RM-06, RM-07, RM-08, RM-09, RM-10, RM-11; the text of the seed, with its words."""
    transport = f"127.0.0.1:{own.port}"
    logger = MailLoggerClient.open(transport, name="raspberry")
    logger.config(logger.levels.DEBUG, logger.schedule.SILENTLY)
    logger.config(logger.levels.INFO, logger.schedule.DAILY)
    logger.config(logger.levels.ALERT, logger.schedule.INSTANTANEOUSLY)
    logger.config(logger.levels.WARNING, logger.schedule.INSTANTANEOUSLY)
    logger.config(logger.levels.ERROR, logger.schedule.INSTANTANEOUSLY)
    logger.debug("Un mensaje con trazas y demas.")
    logger.info("Informacion de cualquier tipo.")
    logger.warning("Cuidadin.")
    logger.alert("Algo muy malo ha pasado.")
    logger.error("Algo malo pero recuperable.")
    logger.close()
    logger.close()
    assert [(one["level"], one["schedule"], one["text"]) for one in records(own)] == [
        ("DEBUG", "SILENTLY", "Un mensaje con trazas y demas."),
        ("INFO", "DAILY", "Informacion de cualquier tipo."),
        ("WARNING", "INSTANTANEOUSLY", "Cuidadin."),
        ("ALERT", "INSTANTANEOUSLY", "Algo muy malo ha pasado."),
        ("ERROR", "INSTANTANEOUSLY", "Algo malo pero recuperable."),
    ]
    assert records(own)[0]["host"] == socket.gethostname()


def test_text_takes_arguments_as_printf_does_and_a_clone_has_a_name_of_its_own(own: Farm) -> None:
    """RM-44, RM-47."""
    with MailLoggerClient.open(f"127.0.0.1:{own.port}", name="raspberry") as logger:
        logger.info("%d of %s, 100%%", 3, "seven")
        logger.info("100% as it is")
        other = logger.clone("pi")
        logger.write(logger.levels.INFO, "third")
    other.info("the connection is still open")
    other.close()
    assert [one["text"] for one in records(own)] == ["3 of seven, 100%", "100% as it is", "third"]
    assert own.json().call("log.list", logger="pi")["records"][0]["text"] == "the connection is still open"
    with pytest.raises(Invalid, match="closed"):
        logger.info("too late")


def test_a_level_or_schedule_that_is_none_is_an_error(own: Farm) -> None:
    """RM-07."""
    with MailLoggerClient.open(f"127.0.0.1:{own.port}") as logger:
        with pytest.raises(Invalid, match="no level 'LOUD'"):
            logger.config("LOUD", logger.schedule.DAILY)
        with pytest.raises(Invalid, match="no schedule 'YEARLY'"):
            logger.config(logger.levels.INFO, "YEARLY")
        with pytest.raises(AttributeError):
            logger.config(logger.levels.LOUD, logger.schedule.DAILY)
        with pytest.raises(Invalid, match="4000"):
            logger.info("x" * 4001)


def test_without_a_master_it_says_so_and_after_a_restart_it_goes_on(own: Farm) -> None:
    logger = MailLoggerClient.open(f"127.0.0.1:{own.port}", name="raspberry")
    own.master.process.kill()
    own.master.wait()
    with pytest.raises(NoMaster):
        logger.info("nobody hears this")
    own.start()
    logger.info("somebody hears this")
    logger.close()
    assert [one["text"] for one in records(own)] == ["somebody hears this"]


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "beside a farm"])
def test_mail_logger_server_mails_with_a_farm_or_starts_one(tmp_path: Path, alone: bool) -> None:
    """RM-13: `MailLoggerServer /etc/mail_credentials`; RM-46. `alone` is also `brender up --credentials`."""
    sink, farm = Sink(), None if alone else Farm(tmp_path)
    port = farm.port if farm else free_port()
    path = credentials(tmp_path, sink.port)
    words = [str(path), "--master", f"127.0.0.1:{port}", "--data", str(tmp_path / "own")]
    with (tmp_path / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "brender.mail_server", *words], stdout=log, stderr=log, cwd=ROOT
        )
    try:
        until(lambda: about(sink, "brender notify started"), "the first letter")
        with MailLoggerClient.open(f"127.0.0.1:{port}", name="pi") as logger:
            logger.alert("Algo muy malo ha pasado.")
            logger.info("for tomorrow")
        until(lambda: about(sink, "Algo muy malo"), "the alert")
        server.send_signal(signal.SIGTERM)
        assert server.wait(LIMIT) == 0, (tmp_path / "server.log").read_text()
        assert len(about(sink, "for tomorrow")) == 1
        assert len(about(sink, "brender notify stops")) == 1
    finally:
        server.kill()
        server.wait()
        sink.close()
        if farm:
            farm.end()
    assert "Traceback" not in (tmp_path / "server.log").read_text()
