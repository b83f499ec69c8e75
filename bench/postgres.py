"""A real PostgreSQL for tests and benches: in a temporary directory, on a unix socket, by a user who is not root."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

LIMIT_S = 60.0


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs; Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = str(found[-1]) if found else shutil.which(name)
    assert path, f"{name} is not installed: apt-get install postgresql"
    return path


class Server:
    """Ends with the process that made it, however that ends. `durable`: it syncs, as it does where it matters."""

    def __init__(self, durable: bool = False) -> None:
        self._durable = durable
        self.folder = Path(tempfile.mkdtemp(prefix="brender-pg-", dir="/var/tmp"))
        self._as = ["setpriv", "--pdeathsig=INT"]
        if os.geteuid() == 0:  # it refuses to run as root
            self._as += ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(self.folder, "postgres", "postgres")
        words = ["-D", f"{self.folder}/data", "-A", "trust", "-U", "brender", "--no-sync", "-E", "UTF8", "--locale=C"]
        subprocess.run([*self._as, program("initdb"), *words], check=True, stdout=subprocess.DEVNULL, cwd=self.folder)
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and return when it takes connections."""
        words = ["-D", f"{self.folder}/data", "-k", str(self.folder), "-c", "listen_addresses="]
        words += ["-c", "max_connections=30"]
        if not self._durable:  # what a crash of this machine would lose is not what is tested
            words += ["-c", "fsync=off", "-c", "full_page_writes=off"]
        with (self.folder / "log").open("ab") as log:
            whole = [*self._as, program("postgres"), *words]
            self.process = subprocess.Popen(whole, cwd=self.folder, stdout=log, stderr=log)
        end = time.monotonic() + LIMIT_S
        while True:
            try:
                self.admin("SELECT 1")
                return
            except psycopg.OperationalError:
                assert self.process.poll() is None and time.monotonic() < end, (self.folder / "log").read_text()

    def stop(self) -> None:
        """At once, as if the machine had lost it; what it committed is there at the next start."""
        assert self.process is not None
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(LIMIT_S)

    def url(self, name: str = "postgres") -> str:
        return f"postgresql://brender@/{name}?host={self.folder}"

    def another(self) -> str:
        """The URL of an empty database beside those there are."""
        name = f"more_{len(self.admin('SELECT oid FROM pg_database'))}"
        self.admin(f"CREATE DATABASE {name}")
        return self.url(name)

    def admin(self, sql: str) -> list[Any]:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def fresh(self) -> str:
        """The URL of a database without readings, and without anybody who still uses it."""
        self.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'brender storage'")
        self.admin("DROP SCHEMA IF EXISTS brender CASCADE")
        return self.url()

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)
