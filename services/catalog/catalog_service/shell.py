"""What operators do to the catalog from the shell: seed it, import a file."""

import argparse
import asyncio
import datetime as dt
import sys
from pathlib import Path
from typing import cast

import asyncpg

from catalog_service import importing, intake, queries, rules, seeds
from catalog_service.answers import Imported
from catalog_service.document import BadDocument, ImportMall
from catalog_service.mall import NoSuchMall
from catalog_service.national import this_and_next
from mpp.eventsourcing.decider import Rejected
from mpp.eventsourcing.log import About
from mpp.service import Running
from mpp.web.problems import UnsupportedMediaType


async def seed(running: Running, _: list[str]) -> int:
    """Add the malls that are not there yet; a mall that is there keeps what was changed in it."""
    holidays = this_and_next(_today())
    for code, document in seeds.documents().items():
        command = ImportMall(document, holidays, only_new=True)
        outcome = await running.handle(rules.stream(code), command)
        _say(f"mall {code}: {len(outcome.events)} events, version {outcome.version}")
    return 0


async def import_(running: Running, rest: list[str]) -> int:
    """Import a YAML, CSV or XLSX file, all or nothing; 1 when it is refused, with every fault named."""
    parser = argparse.ArgumentParser(prog="import", description=import_.__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--mall", default="", help="slug or code, for a list; YAML names its mall")
    parser.add_argument("--dry-run", action="store_true", help="say what would happen, change nothing")
    asked = parser.parse_args(rest)
    try:
        report = await _import(running, asked.file, asked.mall, asked.dry_run)
    except BadDocument as refusal:
        for fault in refusal.faults:
            _say(f"{fault.part} row {fault.row}, {fault.column or 'whole row'}: {fault.reason}")
        _say(refusal.detail)
        return 1
    except (OSError, Rejected) as refusal:
        _say(str(refusal))
        return 1
    sys.stdout.write(report.model_dump_json(indent=2) + "\n")
    return 0


async def _import(running: Running, file: Path, mall: str, dry_run: bool) -> Imported:
    kind = importing.format_of(file.name)
    if kind is None:
        raise UnsupportedMediaType("files are .yaml, .csv or .xlsx")
    content = await asyncio.to_thread(file.read_bytes)
    async with running.reader.acquire() as proxy:
        db = cast(asyncpg.Connection, proxy)
        place = await queries.find(db, mall) if mall else None
        if mall and place is None:
            raise NoSuchMall(f"there is no mall {mall}")
        document = importing.read(content, kind, place.code if place else "", _progress)
        code = importing.target(document, place.code if place else "")
        await intake.free_slugs(db, document, code)
    return await intake.take(document, code, About(), None, _today(), dry_run)


def _progress(done: int, total: int) -> None:
    if done == total or done % 50 == 0:
        sys.stderr.write(f"\r{done} of {total} rows read" + ("\n" if done == total else ""))


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()
