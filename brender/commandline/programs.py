"""The programs of `brender`: words that are in no command table, with the module whose main they start."""

from __future__ import annotations

from collections.abc import Sequence

Program = tuple[str, str]  # the module, and what it is

# Words of no command table -> the module whose main takes the words after them, and what it is.
PROGRAMS: dict[str, Program] = {
    "up": ("brender.up", "start a farm on this machine: a master and workers"),
    "demo": ("brender.demo", "render an animation on a farm of this machine"),
    "master": ("brender.master", "start the master"),
    "storage": ("brender.storage.__main__", "keep readings without a farm"),
    "client": ("brender.client", "start a worker on this machine"),
    "shell": ("brender.shell", "the prompt of a farm on this terminal, as telnet has it"),
    "notify": ("brender.notify.program", "send the farm's letters: mail, chat, the screen"),
    "web": ("brender.web", "serve the page of a farm to browsers"),
    "render": ("brender.render", "render a scene: submit, watch, end with the paths"),
    "config": ("brender.commandline.configuration", "which master, name, colour and format hold, and who says so"),
    "completion": ("brender.commandline.completion", "the script that completes words and names in bash, zsh or fish"),
}
# The same for two words; what they read is read where the person is. Their module is told the second word, too.
SUBMITTED: dict[str, Program] = {
    "job submit": ("brender.submit", "make and start a job from an Open Job Description template"),
    "job check": ("brender.submit", "check such a template"),
}
ALL: dict[str, Program] = {**PROGRAMS, **SUBMITTED}


def program(words: Sequence[str]) -> str:
    """The program that a command line begins with, as it is named in ALL; empty for a command of the table."""
    return next((name for name in (" ".join(words[:2]), *words[:1]) if name in ALL), "")
