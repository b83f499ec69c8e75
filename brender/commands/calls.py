"""What a command is given (Call), what it may answer besides data and events (acts), and who may call it (roles).

It knows no command and no grammar; everything else in this room stands on it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from brender.core.farm import Farm
from brender.core.rows import Job
from brender.errors import Forbidden, Unauthorised
from brender.wire.logs import Piece
from brender.wire.progress import Mark, Marks
from brender.wire.readings import Batch, Columns

if TYPE_CHECKING:
    from brender.commands.table import Table

ROLES = ("viewer", "artist", "operator", "admin")
ANYBODY = ""
MACHINE = "machine"


class Who(Struct, frozen=True):
    """The person or machine at the other end. `door` is the codec's kind (telnet, json, packed, ...)."""

    name: str = ""
    role: str = ANYBODY
    door: str = "json"
    session: int = 0

    @property
    def actor(self) -> str | int:
        """Whom what is done here belongs to: the name that was said, else this session."""
        return self.name or self.session


class Lesson(Struct, frozen=True):
    """How far somebody is in the tutorial: the step shown last, when all began, what they have used since that step."""

    step: int
    began: float
    used: frozenset[str] = frozenset()


def _nothing() -> dict[str, Any]:
    return {}


def _unnumbered() -> int:
    return 0


def _nobody() -> list[dict[str, Any]]:
    return []


class Call(Struct):
    """Everything a command may look at. The farm is for reading only.

    `now` is seconds since the epoch, `uptime` seconds since the master started, `project` the name of the
    session's current project (SP-18), `info()` what the hub knows for `farm status` (version,
    addresses, store, writer), `sessions()` gives a row for each session: id, name, role, door, peer, since, project.
    `marks` says how far running attempts are, `lesson` how far the caller is in the tutorial, `seq()` is the number of
    the newest event, `zone` the time zone of the machine the master runs on.
    """

    farm: Farm
    who: Who
    table: Table
    now: float = 0.0
    uptime: float = 0.0
    project: str = ""
    info: Callable[[], dict[str, Any]] = _nothing
    sessions: Callable[[], list[dict[str, Any]]] = _nobody
    marks: Mapping[int, Mark] = MappingProxyType({})
    seq: Callable[[], int] = _unnumbered
    lesson: Lesson | None = None
    zone: str = "UTC"

    @property
    def wall(self) -> float:
        """What the clock on the wall shows, in seconds since the epoch: people may have set it since the start."""
        return self.now + self.farm.shift


class Act(Struct, frozen=True):
    """Base of what concerns only the asking session; the hub carries it out and answers `data`."""


class Subscribe(Act, frozen=True):
    """Send the events on these topics (globs), from `since` on when it is not None.

    `channels`, ids, are those whose values are told where channel.values is one of the topics; None: all.
    """

    topics: list[str]
    since: int | None = None
    channels: list[int] | None = None


class Unsubscribe(Act, frozen=True):
    """Send no more events on these topics; an empty list means none at all."""

    topics: list[str]


class SelectProject(Act, frozen=True):
    """Remember the current project of this session."""

    name: str


class SetType(Act, frozen=True):
    """Say what kind of client this session is."""

    type: str


class Introduce(Act, frozen=True):
    """Say who is there. A token, where given, decides the role.

    `remember`: see Row.selects; `web`: where the page is that it serves.
    """

    name: str
    token: str = ""
    remember: bool = True
    web: str = ""


class Unhurried(Act, frozen=True):
    """Base of what is answered later: it asks the disk or a worker, or waits for something to happen."""


class Lookup(Unhurried, frozen=True):
    """Ask history.py's function `query` about what is on the disk; `answer` makes data of what it returns."""

    query: str
    arguments: tuple[Any, ...]
    answer: Callable[[Any], dict[str, Any]]


class Stepwise(Unhurried, frozen=True):
    """Work in memory that is long in all and short in each step: others have their turn in between, and may change the
    farm. What `steps` returns in the end is the answer."""

    steps: Generator[None, None, dict[str, Any]]


class ReadLog(Unhurried, frozen=True):
    """The log of an attempt of a task (its newest when None), from a position or the last lines; and what follows."""

    step: int
    task: int
    attempt: int | None = None
    start: int | None = None
    lines: int | None = None
    follow: bool = False


class ReadOwnLog(Unhurried, frozen=True):
    """What the daemon of a worker has said, from a position or the last lines; and what it says from now on."""

    worker: int
    start: int | None = None
    lines: int | None = None
    follow: bool = False


class WatchJob(Unhurried, frozen=True):
    """Tell how far a job is, as often as that changes, and answer when its run has ended."""

    job: int


class Packet(Struct, frozen=True):
    """One machine to wake: the MAC of its card (12 hex digits), and HOST:PORT of the broadcast that reaches it."""

    id: int
    name: str
    mac: str
    where: str


class Wake(Unhurried, frozen=True):
    """Send the magic packets; answer who was woken, who was passed over and why, and what could not be sent."""

    packets: list[Packet]
    passed: list[dict[str, Any]]


class Teach(Act, frozen=True):
    """Answer `shown`, and remember how far the caller is now; None: at the end."""

    lesson: Lesson | None
    shown: dict[str, Any]


class Watch(Act, frozen=True):
    """Tell what a reading command answers, `first` now, then whenever it differs but for the names that are `moving`.

    `name` is how the session calls it; `wire` the params of the command `method`.
    """

    name: str
    method: str
    wire: Struct
    first: Any
    moving: tuple[str, ...] = ()


class Unwatch(Act, frozen=True):
    """End one watch of this session, or all of them."""

    name: str


class RunLines(Unhurried, frozen=True):
    """Run command lines one after the other, as this session: [number of the line, its words]."""

    lines: list[tuple[int, list[str]]]


class ReloadInventory(Unhurried, frozen=True):
    """Read devices, keys and channels from the database and apply what somebody edited there."""


class KeepReadings(Unhurried, frozen=True):
    """Keep samples. `names` are those of the channels, `refused` what was refused already: name, why, how many."""

    columns: Columns
    names: dict[int, str]
    refused: list[tuple[str, str, int]]


class AskReadings(Unhurried, frozen=True):
    """Ask for readings, and answer them together with `about`.

    `question` is (channel, from, to, step, agg, most) as in storage's Question; without it how the storage is.
    """

    question: tuple[Any, ...] | None
    about: dict[str, Any]


class Heard(Act, frozen=True):
    """A worker's words that are no event of the farm: a piece of a log, how far its tasks are, readings."""

    said: Piece | Marks | Batch


class Quit(Act, frozen=True):
    """Answer, then close this session."""


def may(role: str, needed: str) -> bool:
    """Whether a session of one role may call a command that needs another. What is not known is refused."""
    if needed == ANYBODY:
        return True
    if needed == MACHINE:
        return role == MACHINE
    return role in ROLES and needed in ROLES and ROLES.index(role) >= ROLES.index(needed)


def check(role: str, needed: str, command: str) -> None:
    """Raise Unauthorised (nobody yet) or Forbidden (the wrong role) unless the role may call the command."""
    if may(role, needed):
        return
    asks = (
        "a machine" if needed == MACHINE else f"the role {needed} or above" if needed in ROLES else "a role that exists"
    )
    if role == ANYBODY:
        raise Unauthorised(
            f"{command} needs {asks}, and this session has no role yet.",
            hint="Say worker.hello first." if needed == MACHINE else "Say session hello, and session type user.",
        )
    raise Forbidden(f"{command} needs {asks}; this session is {role}.", hint="Ask an administrator of the farm.")


def check_owner(call: Call, job: Job) -> None:
    """An artist changes only jobs of their own; operators change all. Raises Forbidden."""
    if call.who.role == "artist" and job.submitter != call.who.name:
        owner = job.submitter or "nobody that is known"
        raise Forbidden(
            f"Job {job.name} was submitted by {owner}; an artist changes only their own jobs.",
            hint="Ask its owner or an operator.",
        )
