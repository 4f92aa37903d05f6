"""The tables: as the code speaks of them, and made anew from the log they are the same."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg

from mpp.eventsourcing.views import create_statements
from mpp.migrate import migrate
from mpp.operations import verified
from mpp.service import Running
from notify_service import notification as n
from notify_service import preferences as p
from notify_service.__main__ import service
from notify_service.template import SaveTemplate
from notify_service.texts import shipped
from notify_service.views import TABLES

from .test_notification import NOON, again, want

NAMES = [str(table.__tablename__) for table in TABLES]
COLUMNS = """select table_name, column_name, data_type, is_nullable from information_schema.columns
    where table_schema = $1 and table_name = any($2) order by 1, 2"""
INDEXES = """select tablename, replace(indexdef, $1 || '.', '') from pg_indexes
    where schemaname = $1 and tablename = any($2) order by 1, 2"""


async def test_migrations_and_models_describe_the_same_tables(postgres_url: str) -> None:
    await migrate(postgres_url, "notify", service.migrations)
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute("create schema wished; set search_path to wished")
        for statement in create_statements(TABLES):
            await connection.execute(statement)
        for sql in (COLUMNS, INDEXES):
            made, wished = [await connection.fetch(sql, schema, NAMES) for schema in ("notify", "wished")]
            assert made == wished
    finally:
        await connection.close()


async def test_what_was_lived_is_what_the_log_says(running: Running) -> None:
    citizen, now = uuid4(), datetime.now(UTC)
    wish = p.SetPreferences({"calls": ("sms",)}, None, "Asia/Jayapura", "en")
    for said in (p.HearContacts(("email", "telegram")), p.HearConsent(True), wish):
        await running.handle(f"preferences-{citizen}", said)
    for last in (n.Sent("telegram", NOON), n.GiveUp("telegram", NOON, n.UNSURE), n.ForgetRecipient(NOON)):
        stream = f"notification-{uuid4()}"
        for asked in (
            want(),
            n.Choose(("email", "telegram"), NOON),
            n.Begin("email", NOON),
            again(timedelta()),
            n.GiveUp("email", NOON, "blocked"),
            n.Retry("email", NOON),
            n.Begin("telegram", NOON),
            n.Read(NOON),
            last,
        ):
            await running.handle(stream, asked)
    texts = shipped()["ticket-missed"]
    await running.handle("template-ticket-missed", SaveTemplate("ticket-missed", texts, now))
    await running.handle(f"preferences-{uuid4()}", p.HearConsent(True))
    checks = (await verified(service, running))[:3]  # what was told last may not be in JetStream yet
    assert [violation for check in checks for violation in check.violations] == []
