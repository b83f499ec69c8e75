"""spad's files: addresses, what may be done with files, and that nothing leaves the folder it belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest

from brender.errors import BrenderError, Invalid, NotFound
from brender.site import Site, Workflow

WF = Workflow("pr1", "wf1", ["t11", "t12"])


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "mine").write_text("numbers\n")
    return Site(tmp_path / "site", WF)


def test_a_file_goes_to_a_task_from_it_to_another_and_home_again(site: Site, tmp_path: Path) -> None:
    """SP-41, SP-51: by `task:` addresses; a folder as the target keeps the name."""
    place = site.copy(str(tmp_path / "mine"), "task:t11/")
    assert place == tmp_path / "site/tasks/pr1/wf1/t11/mine"
    assert site.named(place) == "task:t11/mine"
    assert site.named(site.copy("task:t11/mine", "task:t12/deep/er")) == "task:t12/deep/er"
    assert site.copy("task:t12/deep/er", str(tmp_path)).read_text() == "numbers\n"
    assert site.named(site.copy("task:t11/mine", "task:t12")) == "task:t12/mine"
    assert site.named(site.copy("task:t11/mine", "home:")) == "home:mine"
    assert [site.named(one) for one in site.listing("task:t12")] == ["task:t12/deep", "task:t12/mine"]
    assert site.listing("bin:") == []


def test_a_file_is_moved_linked_and_removed(site: Site, tmp_path: Path) -> None:
    """SP-51: a link in the site leads to a file in it, wherever the site stands."""
    site.copy(str(tmp_path / "mine"), "bin:tool")
    site.link("bin:tool", "home:tool")
    (tmp_path / "site").rename(tmp_path / "moved")
    moved = Site(tmp_path / "moved", WF)
    assert moved.copy("home:tool", str(tmp_path / "back")).read_text() == "numbers\n"
    assert moved.named(moved.move("bin:tool", "task:t11/")) == "task:t11/tool"
    assert moved.listing("bin:") == []
    moved.remove(["home:tool", "task:t11/tool"])
    assert moved.listing("home:") == moved.listing("task:t11") == []


def test_all_of_a_remove_is_done_or_nothing(site: Site, tmp_path: Path) -> None:
    site.copy(str(tmp_path / "mine"), "home:a")
    with pytest.raises(NotFound):
        site.remove(["home:a", "home:b"])
    assert len(site.listing("home:")) == 1


def test_whoever_reads_while_it_is_copied_sees_a_whole_file(site: Site, tmp_path: Path) -> None:
    """A reader that has the old file open goes on reading the old one."""
    site.copy(str(tmp_path / "mine"), "home:data")
    with site.place("home:data").open() as reader:
        (tmp_path / "mine").write_text("others\n")
        site.copy(str(tmp_path / "mine"), "home:data")
        assert reader.read() == "numbers\n"
    assert [one.name for one in site.listing("home:")] == ["data"]


@pytest.mark.parametrize(
    "word",
    [
        "task:t11/../t12/x",
        "task:t11/../../../../x",
        "task:../x",
        "task:/etc/passwd",
        "task:t11//etc/passwd",
        "bin:../../x",
        "bin:/etc/passwd",
        "home:a/../../bin/x",
        "home:out/passwd",
    ],
)
def test_nothing_leaves_its_folder(site: Site, tmp_path: Path, word: str) -> None:
    """SP-51, SP-59: refused for reading, writing, moving and removing, also by links."""
    (tmp_path / "site/home").mkdir(parents=True)
    (tmp_path / "site/home/out").symlink_to("/etc")
    for act in (
        lambda: site.copy(str(tmp_path / "mine"), word),
        lambda: site.copy(word, str(tmp_path / "stolen")),
        lambda: site.move(str(tmp_path / "mine"), word),
        lambda: site.link("bin:x", word),
        lambda: site.remove([word]),
        lambda: site.listing(word),
    ):
        with pytest.raises(BrenderError):
            act()
    assert (tmp_path / "mine").exists() and not (tmp_path / "stolen").exists()


def test_a_link_that_leads_out_is_not_read_but_may_be_removed(site: Site, tmp_path: Path) -> None:
    """SP-13: bin holds links to programs elsewhere; what they lead to is not handed out."""
    (tmp_path / "site/bin").mkdir(parents=True)
    (tmp_path / "site/bin/sh").symlink_to("/bin/sh")
    with pytest.raises(Invalid, match="leads out"):
        site.copy("bin:sh", str(tmp_path / "got"))
    site.copy(str(tmp_path / "mine"), "bin:sh")
    assert not (tmp_path / "site/bin/sh").is_symlink()
    site.remove(["bin:sh"])
    assert Path("/bin/sh").exists()


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("task:t13/x", "home:", "no task 't13'"),
        ("task:t11/x", "home:", "is no file"),
        ("/nowhere/x", "home:", "is no file"),
        ("home:", "home:x", "is a folder"),
    ],
)
def test_what_is_not_there_is_named(site: Site, tmp_path: Path, source: str, target: str, said: str) -> None:
    (tmp_path / "site/home").mkdir(parents=True)
    with pytest.raises(BrenderError, match=said):
        site.copy(source, target)


def test_a_workflow_may_bear_any_name_a_farm_allows(tmp_path: Path) -> None:
    """`..` is a name too, and no way up."""
    (tmp_path / "mine").write_text("x")
    site = Site(tmp_path / "site", Workflow("..", "..", [".."]))
    with pytest.raises(Invalid):
        site.copy(str(tmp_path / "mine"), "task:../x")
    with pytest.raises(Invalid, match="no workflow"):
        Site(tmp_path / "site").place("task:t/x")
