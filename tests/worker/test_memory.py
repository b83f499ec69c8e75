"""When a machine has too little memory to start another task."""

from __future__ import annotations

import pytest

from brender.worker.memory import Floor, floor_of


@pytest.mark.parametrize(("total", "floor"), [(1024, 128), (4096, 512), (8192, 512), (65536, 3276), (262144, 13107)])
def test_five_percent_are_kept_free_at_least_512_mib_and_never_the_larger_part(total: int, floor: int) -> None:
    assert floor_of(total) == floor


def test_under_the_floor_it_says_so_until_there_is_clearly_more() -> None:
    floor = Floor(1000)
    assert floor.see(1000) == ""
    assert floor.see(999) == "only 999 MiB of memory available, 1000 are kept free: no task is started"
    assert floor.see(1200) and floor.low
    assert floor.see(1250) == "" and floor.see(1100) == ""


def test_no_floor_is_never_met() -> None:
    assert Floor(0).see(0) == ""
