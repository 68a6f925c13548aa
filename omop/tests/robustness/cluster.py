"""A PostgreSQL server of our own, whose disk is small and which may be stopped the hard way."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OWNER = "postgres"
MEGABYTE = 1 << 20


class CannotMake(Exception):
    """Why there is no such server or disk here; the tests print it when they are skipped."""


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of that size in memory."""
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        raise CannotMake("only root can mount a small file system")
    options = f"size={megabytes}m,mode=0755"
    mounted = subprocess.run([mount, "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode:
        raise CannotMake(f"mounting is not permitted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@contextmanager
def filled(disk: Path, left: int) -> Iterator[None]:
    """All of the disk is taken but `left` bytes."""
    balloon = disk / "balloon"
    size = shutil.disk_usage(disk).free - left
    with balloon.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    try:
        yield
    finally:
        balloon.unlink()


class Cluster:
    """A server. Its data are in `data`, its write-ahead log beside it: with the log on a full disk a server stops
    altogether, and the tests have another one for that. It is reached by a socket in the folder beside, as a free port
    of the machine may be taken by somebody else before the server has it, or while it is restarted."""

    def __init__(self, data: Path, beside: Path) -> None:
        self._programs = _programs()
        self._data = data
        self._beside = beside

    @property
    def url(self) -> str:
        return f"postgres://{OWNER}@/augmed?host={self._beside}&application_name=killed"

    def make(self) -> None:
        for folder in (self._data, self._beside):
            shutil.chown(folder, OWNER)
        waldir = self._beside / "wal"
        self._run("initdb", "-D", self._data / "data", "--waldir", waldir, "-A", "trust", "-N", "--wal-segsize=1")
        with (self._data / "data" / "postgresql.conf").open("a") as conf:
            conf.write(
                f"listen_addresses = ''\nunix_socket_directories = '{self._beside}'\n"
                "fsync = off\nshared_buffers = 16MB\nmax_wal_size = 64MB\nautovacuum = off\n"
            )
        self.start()

    def start(self) -> None:
        self._control("start", "-w")

    def restart_at_once(self) -> None:
        """As after a crash: no connection is closed, no transaction ended."""
        self._control("restart", "-w", "-m", "immediate")

    def stop(self) -> None:
        self._control("stop", "-w", "-m", "immediate")

    def create_like(self, url: str) -> None:
        """A database with the tables of another one, without rows."""
        dump = subprocess.run(
            [self._programs / "pg_dump", "--schema-only", "--no-owner", "--dbname", url],
            capture_output=True,
            text=True,
        )
        if dump.returncode:
            raise CannotMake(f"pg_dump cannot read the tests' database: {dump.stderr.strip()}")
        admin = ["-h", str(self._beside), "-U", OWNER]
        self._run("createdb", *admin, "augmed")
        self._run("psql", *admin, "-q", "-v", "ON_ERROR_STOP=1", "augmed", text=dump.stdout)

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", self._data / "data", "-l", self._beside / "log", *arguments)

    def _run(self, program: str, *arguments: str | Path, text: str | None = None) -> None:
        owner = pwd.getpwnam(OWNER)
        done = subprocess.run(
            [self._programs / program, *arguments],
            input=text,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            user=owner.pw_uid,
            group=owner.pw_gid,
            extra_groups=[],
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")


def _programs() -> Path:
    if os.geteuid() != 0:
        raise CannotMake("only root can start a server as another user")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise CannotMake("there is no PostgreSQL server installed on this machine (/usr/lib/postgresql)")
    try:
        pwd.getpwnam(OWNER)
    except KeyError as error:
        raise CannotMake(f"there is no user {OWNER}") from error
    return found[-1].parent
