"""Addresses in words, and who may be listened to and dialled: nobody but this machine, until keys exist."""

from __future__ import annotations

import pytest

from brender import address, cli, client
from brender.errors import Forbidden, Invalid

STRANGERS = ["192.0.2.7:6000", "farm.example", "0.0.0.0:6000", "[2001:db8::7]:6000", "localhost.example:6000"]


def test_an_address_has_a_port_or_gets_the_farms() -> None:
    assert address.parse("farm") == ("farm", 6000)
    assert address.parse("127.0.0.1:6001") == ("127.0.0.1", 6001)
    assert address.parse("[::1]:6001") == ("::1", 6001)
    assert address.parse("::1") == ("::1", 6000)
    assert address.parse(":6001") == ("127.0.0.1", 6001)
    for wrong in ("farm:x", "farm:99999", "[::1]:x"):
        with pytest.raises(Invalid):
            address.parse(wrong)


def test_only_this_machine_is_dialled() -> None:
    """CONTRACT S2: whoever answers elsewhere could be anybody, and a worker runs what its master says."""
    assert address.master("localhost:6001") == ("localhost", 6001)
    assert address.master("") == ("127.0.0.1", 6000)
    for stranger in STRANGERS:
        with pytest.raises(Forbidden, match="without keys"):
            address.master(stranger)
    with pytest.raises(Invalid):
        address.master("127.0.0.1:0")


@pytest.mark.parametrize("stranger", STRANGERS)
def test_no_program_of_ours_dials_a_stranger_and_all_say_why(
    stranger: str, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    """A worker and a command alike, before anything is sent or made."""
    data = f"{tmp_path}/client"
    for run in (
        lambda: client.main(["--master", stranger, "--data", data]),
        lambda: cli.main(["clients", "--master", stranger]),
    ):
        assert run() == 1
        said = capsys.readouterr().err
        assert "without keys" in said and "ssh -N -L" in said and "later release" in said
