"""The command table: every command of the farm, one row each, listed by hand. Importing a module registers nothing.

A row's function says what a command takes and does; its role is the least one that may call it ("" is anybody).
"""

from __future__ import annotations

from brender.commands import (
    farm,
    follow,
    history,
    jobs,
    legacy,
    limits,
    projects,
    reports,
    sessions,
    steps,
    tasks,
    workers,
)
from brender.commands.aliases import ALIASES
from brender.commands.calls import ANYBODY, MACHINE
from brender.commands.completion import complete
from brender.commands.table import Row, Table

VIEWER, ARTIST, OPERATOR, ADMIN = "viewer", "artist", "operator", "admin"

TABLE: tuple[Row, ...] = (
    Row("worker.list", workers.listing, VIEWER, "worker list online"),
    Row("worker.show", workers.show, VIEWER, "worker show render-07"),
    Row("worker.enable", workers.enable, OPERATOR, "worker enable render-07"),
    Row("worker.disable", workers.disable, OPERATOR, "worker disable tag=gpu"),
    Row("worker.set", workers.change, OPERATOR, "worker set render-07 tags=gpu,fast"),
    Row("worker.add", workers.add, OPERATOR, "worker add render-08 mac=bc:ae:c5:71:22:fc"),
    Row("worker.delete", workers.delete, OPERATOR, "worker delete render-08"),
    Row("worker.hello", reports.hello, MACHINE, reads=reports.HelloReport, spoken=False),
    Row("worker.heartbeat", reports.heartbeat, MACHINE, reads=reports.HeartbeatReport, spoken=False),
    Row("worker.started", reports.started, MACHINE, reads=reports.StartedReport, spoken=False),
    Row("worker.results", reports.results, MACHINE, reads=reports.ResultsReport, spoken=False),
    Row("worker.returned", reports.returned, MACHINE, reads=reports.ReturnedReport, spoken=False),
    Row("worker.immortal", reports.immortal, MACHINE, reads=reports.ImmortalReport, spoken=False),
    Row("worker.log", reports.log, MACHINE, reads=reports.LogReport, spoken=False),
    Row("worker.progress", reports.progress, MACHINE, reads=reports.ProgressReport, spoken=False),
    Row("worker.bye", reports.bye, MACHINE, reads=reports.ByeReport, spoken=False),
    Row("project.list", projects.listing, VIEWER, "project list"),
    Row("project.show", projects.show, VIEWER, "project show film"),
    Row("project.add", projects.add, OPERATOR, "project add film description='the short one'"),
    Row("project.set", projects.change, OPERATOR, "project set film description='the long one'"),
    Row("project.archive", projects.archive, OPERATOR, "project archive film"),
    Row("project.select", projects.select, VIEWER, "project select film"),
    Row("project.delete", projects.delete, OPERATOR, "project delete film"),
    Row("limit.list", limits.listing, VIEWER, "limit list"),
    Row("limit.show", limits.show, VIEWER, "limit show nuke"),
    Row("limit.add", limits.add, OPERATOR, "limit add nuke 10"),
    Row("limit.set", limits.change, OPERATOR, "limit set nuke count=12"),
    Row("limit.delete", limits.delete, OPERATOR, "limit delete nuke"),
    Row(
        "job.create",
        jobs.create,
        ARTIST,
        "job create shot-010 function=noop frames=1-100 project=film --run",
        selects=True,
    ),
    Row("job.recreate", jobs.recreate, ARTIST, "job recreate -f shot.json", selects=True),
    Row("job.update", jobs.update, ARTIST, "job update -f shot.json", selects=True),
    Row("job.run", jobs.run, ARTIST, "job run film/shot-010", selects=True),
    Row("job.stop", jobs.stop, ARTIST, "job stop shot-010"),
    Row("job.stop_all", jobs.stop_all, ADMIN, "job stop-all"),
    Row("job.unblock", jobs.unblock, ARTIST, "job unblock shot-010"),
    Row("job.pause", jobs.pause, ARTIST, "job pause shot-010"),
    Row("job.resume", jobs.resume, ARTIST, "job resume shot-010"),
    Row("job.status", jobs.status, VIEWER, "job status shot-010"),
    Row("job.watch", follow.watch, VIEWER, "job watch shot-010"),
    Row("job.history", history.of_job, VIEWER, "job history shot-010"),
    Row("job.list", jobs.listing, VIEWER, "job list running"),
    Row("job.show", jobs.show, VIEWER, "job show shot-010"),
    Row("job.dump", jobs.dump, VIEWER, "job dump shot-010"),
    Row("job.priority", jobs.priority, ARTIST, "job priority shot-010 80"),
    Row("job.set", jobs.change, ARTIST, "job set shot-010 tags=gpu"),
    Row("job.delete", jobs.delete, ARTIST, "job delete shot-010", selects=True),
    Row("step.list", steps.listing, VIEWER, "step list shot-010"),
    Row("step.show", steps.show, VIEWER, "step show shot-010/noop"),
    Row("step.add", steps.add, ARTIST, "step add shot-010 check function=noop place=2"),
    Row("step.set", steps.change, ARTIST, "step set shot-010/noop retries=3"),
    Row("step.delete", steps.delete, ARTIST, "step delete shot-010/noop"),
    Row("task.list", tasks.listing, VIEWER, "task list shot-010 failed"),
    Row("task.show", tasks.show, VIEWER, "task show shot-010/noop 3"),
    Row("task.log", follow.log, VIEWER, "task log shot-010/noop 3 --follow"),
    Row("task.history", history.of_task, VIEWER, "task history shot-010/noop 3"),
    Row("task.retry", tasks.retry, ARTIST, "task retry shot-010"),
    Row("task.kill", tasks.kill, ARTIST, "task kill shot-010/noop 3-7"),
    Row("task.set_status", tasks.set_status, OPERATOR, "task set-status shot-010 noop waiting"),
    Row("farm.status", farm.status, VIEWER, "farm status"),
    Row("farm.why", farm.why, VIEWER, "farm why shot-010"),
    Row("farm.save", farm.save, VIEWER, "farm save"),
    Row("farm.subscribe", farm.subscribe, VIEWER, "farm subscribe job.* task.error"),
    Row("farm.unsubscribe", farm.unsubscribe, VIEWER, "farm unsubscribe"),
    Row("session.list", sessions.listing, VIEWER, "session list"),
    Row("session.hello", sessions.hello, ANYBODY, "session hello anna"),
    Row("session.bye", sessions.bye, ANYBODY, "session bye"),
    Row("session.echo", sessions.echo, ANYBODY, "session echo is anybody there"),
    Row("session.test", sessions.test, ANYBODY, "session test"),
    Row("session.interrupt", sessions.interrupt, ANYBODY, spoken=False),
    Row("rpc.help", sessions.assist, ANYBODY, "rpc help worker enable"),
    Row("rpc.discover", sessions.discover, ANYBODY, "rpc discover"),
    Row("legacy.read", legacy.read, VIEWER, spoken=False),
    Row("legacy.update", legacy.update, OPERATOR, spoken=False, silent=True),
    Row("legacy.create", legacy.refuse, OPERATOR, spoken=False),
    Row("legacy.delete", legacy.refuse, OPERATOR, spoken=False),
    Row("legacy.hello", legacy.hello, MACHINE, reads=legacy.Greeting, spoken=False, silent=True),
    Row("legacy.word", legacy.word, MACHINE, reads=legacy.Word, spoken=False, silent=True),
)

COMMANDS = Table(TABLE, ALIASES)

__all__ = ["COMMANDS", "TABLE", "Row", "Table", "complete"]
