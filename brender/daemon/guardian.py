"""The guardian: the small parent of every task process, so that no task outlives its worker daemon.

It runs as its own process (`BOOT` in process.py starts it), is child subreaper, and obeys packets from the
daemon's socket; when that socket ends or the daemon dies, it kills every descendant and exits. It must not
know gevent, jobs, logs or retries, and imports the standard library, kin.py and packets.py only: its memory counts into
every task's peak memory.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import time
from collections import deque
from typing import NoReturn

from brender.daemon.kin import TOKEN, family, file_at, kill, processes, row_of, send_signal, token_of
from brender.daemon.packets import Packets, pack

STRAY_LIMIT_S = 2.0  # SIGKILLed strays that still live after this are reported as survivors
_PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 15, 36
_ANCILLARY = socket.CMSG_SPACE(4 * 4)
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_NO_PROGRAM = "no such program on the task's PATH"


def find_program(name: bytes, env: dict[bytes, bytes]) -> bytes:
    """The file to execute, by the task's own PATH and not the guardian's."""
    if b"/" in name:
        return name
    for folder in env.get(b"PATH", os.fsencode(os.defpath)).split(b":"):
        path = folder + b"/" + name
        if folder and os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    raise FileNotFoundError(2, _NO_PROGRAM, name)


def _sentence(error: Exception) -> str:
    if not isinstance(error, OSError) or error.filename is None:
        return str(error)
    why = error.strerror or type(error).__name__
    return f"{os.fsdecode(error.filename)}: {why[:1].lower()}{why[1:]}"


class Task:
    """One attempt's main process, from its start until its exit is reported."""

    __slots__ = ("attempt", "deadline", "ended", "pid", "pipe", "serial", "token")

    def __init__(self, attempt: int, token: str, pipe: int) -> None:
        self.attempt, self.token, self.pipe = attempt, token, pipe
        self.serial = self.pid = 0
        self.deadline = 0.0
        self.ended: tuple[bytes, ...] = ()


class Guardian:
    """The loop: commands in, processes started, signalled and reaped, events out."""

    def __init__(self, sock: socket.socket, daemon: int) -> None:
        self.sock = sock
        self.packets, self.out, self.fds = Packets(), bytearray(), deque[int]()
        self.pipes: dict[int, int] = {}  # slot -> write end
        self.stdins: dict[int, int] = {}  # attempt to be launched -> read end
        self.tasks: dict[int, Task] = {}  # attempt -> task, the running and the ending
        self.mains: dict[int, Task] = {}  # pid -> task, not yet reaped
        self.ending: list[Task] = []  # main reaped, strays still dying
        # Children that are no main process: orphans adopted as subreaper, not reaped, so their pids are
        # theirs. pid -> owner, or the launch serial at which it was first seen.
        self.orphans: dict[int, Task | int] = {}
        self.serial = 0
        self.wake, wake_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        self.poll = select.poll()
        self.poll.register(self.wake, select.POLLIN)
        self.poll.register(sock, select.POLLIN)
        self.daemon = os.pidfd_open(daemon)
        self.poll.register(self.daemon, select.POLLIN)
        try:
            self.children = os.open(f"/proc/self/task/{os.getpid()}/children", os.O_RDONLY)
        except OSError:
            self.children = -1  # a kernel without CONFIG_PROC_CHILDREN

    def run(self) -> None:
        """Until the daemon is gone: its socket's end, or its death though a fork of it holds the socket."""
        while True:
            timeout = 50 if self.ending else None
            for fd, _ in self.poll.poll(timeout):
                if fd == self.wake:
                    os.read(self.wake, 4096)
                elif fd == self.daemon or not self.exchange():
                    return
            self.reap()
            if self.out:
                self.flush()

    def exchange(self) -> bool:
        """Reads and obeys what came; False at the end of the socket."""
        try:
            data, ancillary, _, _ = self.sock.recvmsg(1 << 18, _ANCILLARY, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return True
        except OSError:
            return False
        for _, _, raw in ancillary:
            self.fds.extend(int.from_bytes(raw[i : i + 4], sys.byteorder) for i in range(0, len(raw) - 3, 4))
        launched = False
        for fields in self.packets.feed(data):
            if fields[0] == b"launch":
                self.launch(fields)
                launched = True
            elif fields[0] == b"signal":
                self.signal(int(fields[1]), int(fields[2]))
            elif fields[0] == b"slot":
                self.pipes[int(fields[1])] = self.fds.popleft()
            elif fields[0] == b"stdin":
                self.stdins[int(fields[1])] = self.fds.popleft()
        if launched:
            os.chdir("/")  # so that no task's folder stays busy
        return bool(data)

    def flush(self) -> None:
        """Sends what the socket takes; the rest goes later. Never blocks: stops must get through."""
        try:
            del self.out[: self.sock.send(self.out)]
        except BlockingIOError:
            pass
        except OSError:
            self.out.clear()
        self.poll.modify(self.sock, select.POLLIN | (select.POLLOUT if self.out else 0))

    def tell(self, *fields: bytes) -> None:
        self.out += pack(fields)

    def launch(self, fields: list[bytes]) -> None:
        """launch, attempt, slot, token, cwd, argc, argv..., NAME=value..."""
        number, slot, token, cwd, argc = fields[1:6]
        argv = fields[6 : 6 + int(argc)]
        env = dict(item.split(b"=", 1) for item in fields[6 + len(argv) :])
        env[TOKEN.encode()] = token
        pipe = self.pipes[int(slot)]
        stdin = self.stdins.pop(int(number), None)
        to_pipe = [(os.POSIX_SPAWN_DUP2, pipe, 1), (os.POSIX_SPAWN_DUP2, pipe, 2)]
        to_pipe += [] if stdin is None else [(os.POSIX_SPAWN_DUP2, stdin, 0)]
        task = Task(int(number), token.decode(), pipe)
        try:
            # posix_spawn has no cwd, and this process has one thread and no use for its own. It is vfork
            # inside: the time does not grow with memory, and a failing exec raises here. All other fds are
            # close-on-exec.
            os.chdir(cwd)
            task.pid = os.posix_spawn(
                find_program(argv[0], env),
                argv,
                env,
                file_actions=to_pipe,
                setsid=True,
                setsigmask=(),
                setsigdef=_IGNORED_BY_PYTHON,
            )
        except (OSError, ValueError) as error:
            code = getattr(error, "errno", None) or 22
            self.tell(b"failed", number, b"%d" % code, os.fsencode(_sentence(error)).replace(b"\0", b"?"))
            return
        finally:
            if stdin is not None:
                os.close(stdin)
        self.serial += 1
        task.serial = self.serial
        self.mains[task.pid] = self.tasks[task.attempt] = task
        self.tell(b"started", number, b"%d" % task.pid, b"%d" % time.monotonic_ns())

    def signal(self, attempt: int, signum: int) -> None:
        """To the whole tree: the task's group at once, then members that left it, each verified."""
        task = self.tasks.get(attempt)
        if task is None or task.pid not in self.mains:
            return  # it ended meanwhile; its strays are being killed already
        kill(os.killpg, task.pid, signum)
        self.look()
        table = processes()
        tree = family(table, [task.pid, *self.orphans_of(task)])
        tree.update(pid for pid, row in table.items() if row.sid == task.pid)
        for pid in tree:
            if table[pid].pgid != task.pid:
                send_signal(pid, table[pid].start, signum)

    def reap(self) -> None:
        """All who ended. WNOWAIT first: a pid is ours, and no one else's, until it is reaped."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                break
            if ended is None:
                break
            if ended.si_pid in self.mains:
                self.main_ended(self.mains[ended.si_pid])
            else:
                os.waitpid(ended.si_pid, 0)
                self.orphans.pop(ended.si_pid, None)
        if self.orphans or self.ending:
            self.settle()

    def main_ended(self, task: Task) -> None:
        """Its orphans are our children by now; without any there is nothing of it left."""
        self.look()
        strays = self.orphans_of(task)
        if strays:
            kill(os.killpg, task.pid, signal.SIGKILL)
        _, status, usage = os.wait4(task.pid, 0)
        del self.mains[task.pid]
        task.ended = (
            b"%d" % os.waitstatus_to_exitcode(status),
            b"%d" % time.monotonic_ns(),
            b"%d" % usage.ru_maxrss,
            b"%d" % round((usage.ru_utime + usage.ru_stime) * 1e6),
        )
        if strays:
            task.deadline = time.monotonic() + STRAY_LIMIT_S
            self.ending.append(task)
        else:
            self.report(task, [])

    def report(self, task: Task, survivors: list[int]) -> None:
        del self.tasks[task.attempt]
        self.tell(b"exited", b"%d" % task.attempt, *task.ended, *(b"%d" % pid for pid in survivors))

    def settle(self) -> None:
        """Kills what is left of ended tasks, and orphans whose every possible owner has ended."""
        self.look()
        for task in list(self.ending):
            strays = self.orphans_of(task)
            for pid in strays:
                kill(os.kill, pid, signal.SIGKILL)
            if not strays or time.monotonic() > task.deadline:
                self.ending.remove(task)
                self.report(task, strays)
        oldest = min((task.serial for task in self.tasks.values()), default=self.serial + 1)
        for pid, owner in self.orphans.items():
            serial = owner.serial if isinstance(owner, Task) else owner
            if serial < oldest:
                kill(os.kill, pid, signal.SIGKILL)

    def orphans_of(self, task: Task) -> list[int]:
        return [pid for pid, owner in self.orphans.items() if owner is task]

    def look(self) -> None:
        """Finds new orphans. The usual case, none, costs one read of a file of a few bytes."""
        known = len(self.mains) + len(self.orphans)
        pids = self.child_pids()
        if len(pids) == known:
            return
        for pid in map(int, pids):
            if pid not in self.mains and pid not in self.orphans:
                self.orphans[pid] = self.owner_of(pid) or self.serial

    def child_pids(self) -> list[bytes]:
        """None is missing: only this thread's own reaping takes a child off the kernel's list."""
        if self.children < 0:
            me = os.getpid()
            return [b"%d" % pid for pid, row in processes().items() if row.ppid == me]
        data = chunk = os.pread(self.children, 65536, 0)
        while len(chunk) > 2048:  # the kernel hands out about a page at a time
            chunk = os.pread(self.children, 65536, len(data))
            data += chunk
        return data.split()

    def owner_of(self, pid: int) -> Task | None:
        """By session, by token, by the pipe it writes to; None for one that hid all three."""
        row = row_of(pid)
        token = token_of(pid)
        outputs = {file_at(f"/proc/{pid}/fd/1"), file_at(f"/proc/{pid}/fd/2")}
        for task in self.tasks.values():
            if row is not None and row.sid == task.pid:
                return task
            if token == task.token or file_at(task.pipe) in outputs:
                return task
        return None

    def end_all(self) -> None:
        """Kills and reaps until no descendant is left; orphans come back to us, round after round."""
        pause = 0.01
        while True:
            me, table = os.getpid(), processes()
            for pid in family(table, [me]) - {me}:
                send_signal(pid, table[pid].start, signal.SIGKILL)
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                return
            select.select([self.wake], [], [], pause)
            pause = min(pause * 1.2, 1.0)  # one that SIGKILL cannot end must not cost a core for ever
            with contextlib.suppress(BlockingIOError):
                os.read(self.wake, 4096)


def _settle_in(umask: int, oom_score_adj: int) -> None:
    """Own signals, limits and duties, before the first task can inherit any."""
    import ctypes
    import resource

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "this kernel has no child subreaper")
    libc.prctl(_PR_SET_NAME, b"brender-guard", 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(umask)
    try:
        # When memory ends the kernel should take a task and not the daemon. Tasks inherit this; written for
        # each task it would cost 40 us and race with its first fork. The guardian is the smallest of them, so
        # the last.
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write(str(oom_score_adj))
    except OSError:
        pass  # below what a container's rules allow: tasks run all the same
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for signum in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, *_IGNORED_BY_PYTHON}:
        signal.signal(signum, signal.SIG_DFL)
    # A handler and not SIG_IGN: ignoring is inherited through exec, a handler is not.
    deaf = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
    for signum in (signal.SIGCHLD, *deaf):
        signal.signal(signum, lambda _signum, _frame: None)


def main(argv: list[str]) -> NoReturn:
    """argv: the socket's fd, the daemon's pid, umask and oom_score_adj of the tasks; all decimal."""
    fd, daemon, umask, oom_score_adj = map(int, argv)
    os.set_inheritable(fd, False)
    sock = socket.socket(fileno=fd)
    sock.setblocking(False)
    _settle_in(umask, oom_score_adj)
    try:
        guardian = Guardian(sock, daemon)
    except ProcessLookupError:
        os._exit(0)  # the daemon died while we started: nothing runs yet
    try:
        guardian.run()
    finally:
        guardian.end_all()
    os._exit(0)
