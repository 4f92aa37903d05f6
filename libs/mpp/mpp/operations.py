"""What operators do to a service from the shell: migrate, verify, rebuild, look at dead letters."""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mpp.eventsourcing import rebuild, verify
from mpp.messaging.compare import jetstream_is_log
from mpp.messaging.jetstream import JetStream
from mpp.migrate import migrate

if TYPE_CHECKING:
    from mpp.service import Command, Running, Service


NATS_SECONDS = 10.0


def commands(service: "Service") -> "Mapping[str, Command]":
    """Each returns an exit code."""

    async def migrate_(running: "Running", _: list[str]) -> int:
        await migrate(running.settings.database_url, running.schema, service.migrations)
        if running.vault is not None:
            await running.vault.prepare()
            await running.vault.replay(running.reader, datetime.now(UTC))  # before anything can be read
        return 0

    async def verify_(running: "Running", rest: list[str]) -> int:
        parser = argparse.ArgumentParser(prog="verify")
        parser.add_argument("--json", action="store_true", help="one object a check")
        as_json = parser.parse_args(rest).json
        checks = await verified(service, running)
        for check in checks:
            _tell(service.name, check, as_json)
        return 0 if all(check.holds for check in checks) else 1

    async def rebuild_(running: "Running", _: list[str]) -> int:
        def progress(done: int, of: int) -> None:
            sys.stderr.write(f"\r{service.name}: position {done} of {of}")

        dsn, handle = running.settings.database_url, service.handle
        try:
            events = await rebuild.rebuild(
                dsn, running.schema, service.tables, handle.decode, handle.project, progress
            )
        except (rebuild.RebuildRuns, rebuild.ViewsInUse) as refusal:
            sys.stderr.write(f"{refusal}\n")
            return 1
        sys.stdout.write(f"\n{service.name}: views rebuilt from {events} events\n")
        return 0

    async def dead_letters(running: "Running", rest: list[str]) -> int:
        parser = argparse.ArgumentParser(prog="dead-letters")
        parser.add_argument("action", choices=["list", "replay"], nargs="?", default="list")
        if parser.parse_args(rest).action == "replay":
            for source, inbox in running.inboxes.items():
                handled, more = 0, 1
                while more:  # what comes meanwhile is parked behind
                    more, left = await running.parking.replay(inbox, source, service.handle)
                    handled += more
                sys.stdout.write(f"{service.name} ← {source}: {handled} handled, {left} still parked\n")
        for parked in await running.parking.parked():
            m = parked.message
            sys.stdout.write(f"{parked.source} {parked.position} {m.subject} {m.id}: {parked.reason}\n")
        return 0

    return {"migrate": migrate_, "verify": verify_, "rebuild": rebuild_, "dead-letters": dead_letters}


async def verified(service: "Service", running: "Running") -> list[verify.Check]:
    """Every check of one service, on one moment of its log."""
    handle, jetstream = service.handle, running.jetstream
    answers = await _reached(jetstream)  # before the snapshot: nobody waits with that in hand
    connection = await verify.snapshot(running.settings.database_url, running.schema)
    try:
        checks = [
            await verify.contiguous(connection),
            await verify.invariants(connection, handle.decode, service.check),
            await verify.views_are_fold(
                connection, running.schema, service.tables, handle.decode, handle.project
            ),
        ]
        checks.append(
            await jetstream_is_log(connection, jetstream, service.name, handle.decode, service.announce)
            if answers
            else verify.Check("JetStream = log", 0, ("NATS does not answer",))
        )
        return checks
    finally:
        await connection.close()


async def _reached(jetstream: JetStream) -> bool:
    """Whether NATS answers within a few seconds."""
    try:
        async with asyncio.timeout(NATS_SECONDS):
            await jetstream.connect()
    except TimeoutError:
        return False
    return True


def _tell(service: str, check: verify.Check, as_json: bool) -> None:
    facts = {"service": service, "check": check.name, "looked_at": check.looked_at, "holds": check.holds}
    if as_json:
        sys.stdout.write(json.dumps({**facts, "violations": check.violations}) + "\n")
        return
    sys.stdout.write(f"{'ok ' if check.holds else 'BAD'} {service}: {check.name} ({check.looked_at})\n")
    for violation in check.violations:
        sys.stdout.write(f"      {violation}\n")
