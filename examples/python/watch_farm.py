"""Watch a farm and write a mail when a job has ended or a machine was lost.

    python watch_farm.py anna@film.example
    while python watch_farm.py anna@film.example --mails 1 --seen last.txt | sendmail -t; do :; done

It may be left alone for months: a master that is restarted is waited for. With --seen the number of the last event is
kept in a file, so that nothing is missed while this program itself does not run.
"""

from __future__ import annotations

import argparse
import sys
from email.message import EmailMessage
from pathlib import Path

import brender


def main() -> int:
    words = argparse.ArgumentParser(description="Mails about a farm.")
    words.add_argument("to", help="whom to write to")
    words.add_argument("--mails", type=int, default=0, help="end after so many")
    words.add_argument("--seen", type=Path, help="keep the number of the last event in this file")
    given = words.parse_args()
    seen = int(given.seen.read_text()) if given.seen and given.seen.exists() else None
    written = 0
    with (
        brender.connect(patience=float("inf")) as farm,
        farm.events("job.ended", "worker.lost", "farm.lagged", since=seen) as events,
    ):
        while written < (given.mails or sys.maxsize):
            if given.seen:
                given.seen.write_text(str(events.last))
            print(mail(farm, next(events), given.to), flush=True)
            written += 1
        if given.seen:
            given.seen.write_text(str(events.last))
    return 0


def mail(farm: brender.Farm, event: brender.Event, to: str) -> str:
    """One event as a mail, with its headers."""
    if event.topic == "farm.lagged":
        subject, lines = "some news of the farm were missed", ["Look for yourself: brender job list"]
    elif event.topic == "worker.lost":
        subject = f"{event.data['name']} is lost"
        lines = ["Its tasks are given to others unless it comes back soon.", "", *machines(farm)]
    else:
        subject = f"{event.data['name']} has ended: {event.data['state']}"
        lines = [*ending(farm, event.data["id"]), "", *machines(farm)]
    made = EmailMessage()
    made["To"] = to
    made["Subject"] = f"[farm] {subject}"
    made.set_content("\n".join(lines) + "\n", cte="8bit")
    return made.as_string()


def ending(farm: brender.Farm, number: int) -> list[str]:
    """What became of a job; it may have been deleted since."""
    try:
        job = farm.jobs[number]
        sums, cost = job.progress, job.history()["machine_hours"]
        lines = [f"{job.path}: {sums['done']} of {sums['total']} tasks are a success, {cost:.2f} machine hours."]
        for task in job.tasks("failed"):
            lines.append(f"  frame {task.frames or '-'}: {task.state} on {task.worker}: {task.reason}")
            if len(lines) > 10:
                return [*lines, "  …"]
        return lines
    except brender.NotFound:
        return ["It was deleted meanwhile."]


def machines(farm: brender.Farm) -> list[str]:
    """The farm in a line."""
    found = list(farm.workers)
    online = [worker for worker in found if worker.presence == "online"]
    busy = [worker for worker in online if worker.activity == "busy"]
    return [f"{len(online)} of {len(found)} machines are online, {len(busy)} of them at work."]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except brender.BrenderError as error:
        sys.exit(f"{error.message}\n{error.hint}")
