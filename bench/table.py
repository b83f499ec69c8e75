"""What a bench found, as rows, and how they are printed: medians with their range, the peer, the target, the verdict.

It must not know how anything is measured.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

HEAD = ("what", "brender", "peer", "ratio", "target", "")
SYNCS = 200


@dataclass
class Row:
    """One line of the table; all texts but the verdict (None: no target)."""

    what: str
    value: str
    peer: str = ""
    ratio: str = ""
    target: str = ""
    met: bool | None = None

    def cells(self) -> tuple[str, ...]:
        verdict = "" if self.met is None else "met" if self.met else "SHORT"
        return self.what, self.value, self.peer, self.ratio, self.target, verdict


@dataclass
class Report:
    """Rows in the order they were found, and what limits them, in words."""

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Keep a row, and print it at once: a bench that is cut short has still said something."""
        self.rows.append(row)
        print("   ", " | ".join(cell for cell in row.cells() if cell), flush=True)

    def note(self, text: str) -> None:
        """Keep a sentence that belongs under the table."""
        self.notes.append(text)
        print("   ", text, flush=True)

    def rates(self, what: str, ours: Sequence[float], theirs: Sequence[float], floor: float, times: float) -> None:
        """A row of rates: met when our median reaches `floor` and `times` the peer's median (0: no such target)."""
        middle = statistics.median(ours)
        ratio = middle / statistics.median(theirs) if theirs else 0.0
        wanted = [f"≥ {floor:,.0f}/s"] if floor else []
        wanted += [f"≥ {times:g} ×"] if times else []
        met = middle >= floor and ratio >= times if wanted else None
        peer = spread(theirs) if theirs else ""
        self.add(Row(what, f"{spread(ours)}/s", peer, f"{ratio:.2f}" if theirs else "", ", ".join(wanted), met))

    def ceiling(self, what: str, value: float, unit: str, most: float, peer: str = "") -> None:
        """A row of a cost that must not exceed `most`."""
        self.add(Row(what, f"{figure(value)} {unit}", peer, "", f"≤ {figure(most)} {unit}", value <= most))

    def floor(self, what: str, value: float, unit: str, least: float) -> None:
        """A row that is met when the value is at least `least`."""
        self.add(Row(what, f"{figure(value)}{unit}", target=f"≥ {figure(least)}{unit}", met=value >= least))

    def late(self, during: str, figures: dict[str, float]) -> None:
        """A row of how late a 5 ms tick of the master was at worst, in milliseconds."""
        text = f"{figures['worst_ms']:.1f} ms (p99 {figures['p99_ms']:.1f})"
        self.add(Row(f"hub: worst tick, {during}", text, target="≤ 50 ms", met=figures["worst_ms"] <= 50))

    def show(self) -> None:
        """The whole table, then the notes."""
        if not self.rows:
            return
        lines = [HEAD, *(row.cells() for row in self.rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
        print()
        for at, line in enumerate(lines):
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
            if at == 0:
                print("  ".join("-" * width for width in widths))
        for note in self.notes:
            print(f"  {note}")


def figure(value: float) -> str:
    """A number as people read it: three digits that matter, thousands apart."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def spread(values: Sequence[float]) -> str:
    """The median, and the range when there is more than one."""
    middle = figure(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({figure(min(values))}–{figure(max(values))})"


def share(values: Sequence[float], part: float) -> float:
    """The value that `part` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def machine(directory: Path) -> str:
    """One line on what this ran on: cores, load, and what a durable write costs there."""
    with open(directory / "sync", "wb", buffering=0) as file:
        file.write(bytes(4096 * SYNCS))
        os.fsync(file.fileno())
        took = []
        for page in range(SYNCS):
            os.pwrite(file.fileno(), b"x" * 4096, 4096 * page)
            begin = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - begin)
    (directory / "sync").unlink()
    costs = f"fdatasync p50 {share(took, 0.5) * 1000:.2f} ms, p99 {share(took, 0.99) * 1000:.2f} ms"
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {costs}"
