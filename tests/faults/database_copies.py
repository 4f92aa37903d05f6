"""Copies of a database, made while it runs: of its files, or as a dump; and a new cluster made from one."""

import os
import shutil
from pathlib import Path

import asyncpg

from mpp_node.services import DATABASE
from mpp_servers.postgres import Postgres


def base_backup(of: Postgres, place: Path, *words: str) -> None:
    """The cluster's files as they are now, with its password beside them; blocks."""
    _own_folder(of, place)
    of.run("pg_basebackup", "-D", str(place), "-X", "stream", "-c", "fast", *words)
    shutil.copy2(_password(of.data), _password(place))
    _give(of, _password(place))


def dump(of: Postgres, folder: Path) -> None:
    """Everything in the services' database as pg_dump sees it now; blocks."""
    _own_folder(of, folder)
    of.run("pg_dump", "-Fd", "-f", str(folder / "dump"), DATABASE)


def load(into: Postgres, folder: Path) -> None:
    """A dump into the services' database, in the place of what is there; blocks."""
    how = ("--clean", "--if-exists", "--exit-on-error", "--single-transaction")
    into.run("pg_restore", *how, "-d", DATABASE, str(folder / "dump"))


async def same_password(new: Postgres, old: Postgres) -> None:
    """The superuser of the new cluster is known by the password of the old one."""
    connection = await asyncpg.connect(new.url())
    try:
        await connection.execute(f"alter role postgres password '{old.password}'")
    finally:
        await connection.close()
    _password(new.data).write_text(old.password)


def exchange(place: Path, other: Path) -> None:
    """Two folders change their names."""
    aside = place.with_name(f"{place.name}.aside")
    place.rename(aside)
    other.rename(place)
    aside.rename(other)


def _own_folder(of: Postgres, place: Path) -> None:
    place.mkdir(parents=True, mode=0o700)
    _give(of, place)


def _give(of: Postgres, place: Path) -> None:
    if (user := of.user()) is not None:
        os.chown(place, user, user)


def _password(data: Path) -> Path:
    place = data.resolve()
    return place.with_name(f"{place.name}.password")
