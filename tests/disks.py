"""A small disk for a program that a test starts: a tmpfs on a folder that it alone sees. It must not know programs.

Who looks at it from outside goes by way of the program's own root in /proc.
"""

from __future__ import annotations

from pathlib import Path


def on_disk(folder: Path, megabytes: int, taken: int = 0) -> list[str]:
    """The words before those of a program; `folder` is made, and so many MiB of its disk are taken by the ballast."""
    folder.mkdir(exist_ok=True)
    inside = f'mount -t tmpfs -o size={megabytes}m none "{folder}"'
    inside += f' && head -c {taken}m /dev/zero > "{folder}/ballast" && exec "$@"'
    return ["unshare", "--mount", "--map-root-user", "sh", "-c", inside, "sh"]


def ballast(folder: Path, pid: int) -> Path:
    """What takes room on the disk of this process."""
    return Path(f"/proc/{pid}/root{folder}/ballast")
