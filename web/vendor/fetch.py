"""Brings the page's libraries here from npm and writes VENDOR.md: `python3 web/vendor/fetch.py`.

The page has no build step and a strict CSP, so bare specifiers become relative paths and source maps are not named.
It must not change anything else of them: what is served is what was published.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SPECIFIERS = {"preact": "preact", "preact/hooks": "hooks", "@preact/signals-core": "signals-core", "htm": "htm"}
# package, version, file in it, name here, what is put behind it
FILES = (
    ("preact", "11.2.0", "dist/preact.mjs", "preact.mjs", ""),
    ("preact", "11.2.0", "hooks/dist/hooks.mjs", "hooks.mjs", ""),
    ("htm", "3.1.1", "dist/htm.module.js", "htm.mjs", ""),
    ("@preact/signals", "2.11.4", "dist/signals.mjs", "signals.mjs", ""),
    ("@preact/signals-core", "1.14.5", "dist/signals-core.mjs", "signals-core.mjs", ""),
    ("uplot", "1.6.32", "dist/uPlot.iife.min.js", "uplot.mjs", "export default uPlot;\n"),
    ("uplot", "1.6.32", "dist/uPlot.min.css", "uplot.css", ""),
)
HEAD = """# What the page stands on

Copies from npm, made by `python3 web/vendor/fetch.py` and never edited by hand; `tests/web/test_vendor.py` compares the
hashes. Bare import names are relative paths here and source maps are not named; uPlot's minified file gets an `export`.
Licences stand in `licences/`.

| file | package | version | licence | sha256 |
|---|---|---|---|---|
"""


def fetched(package: str, version: str, folder: Path) -> Path:
    """The unpacked package."""
    said = subprocess.run(
        ["npm", "pack", "--silent", f"{package}@{version}"], cwd=folder, check=True, capture_output=True, text=True
    )
    archive = folder / said.stdout.split()[-1]
    place = folder / archive.stem
    with tarfile.open(archive) as packed:
        packed.extractall(place, filter="data")
    return place / "package"


def relative(text: str) -> str:
    """The same module with relative imports and no source map."""
    named = re.sub(
        r'(from|import)\s*"([^".][^"]*)"',
        lambda found: f'{found[1]}"./{SPECIFIERS[found[2]]}.mjs"',
        text,
    )
    return re.sub(r"\n?//# sourceMappingURL=.*", "", named).rstrip() + "\n"


def main() -> None:
    rows = []
    (HERE / "licences").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        for package, version, source, name, tail in FILES:
            place = fetched(package, version, Path(temporary))
            text = (place / source).read_text()
            text = relative(text) + tail if name.endswith(".mjs") else text
            (HERE / name).write_text(text)
            licence = json.loads((place / "package.json").read_text())["license"]
            (HERE / "licences" / f"{package.replace('/', '-')}.txt").write_text((place / "LICENSE").read_text())
            digest = hashlib.sha256(text.encode()).hexdigest()
            rows.append(f"| {name} | {package} | {version} | {licence} | {digest} |\n")
    (HERE / "VENDOR.md").write_text(HEAD + "".join(rows))


if __name__ == "__main__":
    main()
