"""What people are told reaches them by real protocols, once; what the other sides refuse is dealt with."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from mpp.service import Running
from notify_service import queries
from notify_service.kinds import KINDS
from notify_service.notification import Retry, Want
from notify_service.preferences import HearConsent, HearContacts

from .conftest import Outside, People

CHAT = 4711


async def somebody(running: Running, people: People, *channels: str) -> UUID:
    """Who agreed to be told, by these channels."""
    citizen = uuid4()
    people.contacts[citizen] = {"email": f"{citizen}@example.id", "telegram": CHAT, "phone": "+628123"}
    await running.handle(f"preferences-{citizen}", HearContacts(channels))  # type: ignore[arg-type]
    await running.handle(f"preferences-{citizen}", HearConsent(True))
    return citizen


async def told(running: Running, citizen: UUID, kind: str = "ticket-called", **facts: str) -> UUID:
    id_, known = uuid4(), KINDS[kind]
    said = {name: facts.get(name, name) for name in known.facts}
    now = datetime.now(UTC)
    want = Want(
        citizen=citizen, mall="7406", kind=kind, facts=said, urgent=known.urgent, at=now, lives=known.lives
    )
    await running.handle(f"notification-{id_}", want)
    return id_


async def state(running: Running, id_: UUID) -> dict[str, tuple[str, str | None]]:
    rows = await running.reader.fetch(
        "select channel, state, reason from deliveries where notification = $1", id_
    )
    return {row["channel"]: (row["state"], row["reason"]) for row in rows}


async def test_a_call_goes_out_by_mail_and_telegram_and_into_the_inbox(
    running: Running, people: People, outside: Outside
) -> None:
    citizen = await somebody(running, people, "email", "telegram")
    id_ = await told(running, citizen, number="A012", counter="Loket 3")
    await outside.sender().look(running, urgent=True)
    (mail,) = outside.mailbox.to(f"{citizen}@example.id")
    assert mail.subject == "Giliran Anda: A012"
    assert mail.text.strip() == "Giliran Anda! Nomor A012 silakan ke Loket 3 sekarang."
    assert mail.message_id == f"<{id_}@example.go.id>"
    assert outside.bot.to(CHAT) == [mail.text.strip()]
    assert await state(running, id_) == {"email": ("sent", None), "telegram": ("sent", None)}
    assert await outside.sender().look(running, urgent=True) == 0
    assert [row["id"] for row in await queries.inbox(running.reader, citizen, None, 10)] == [id_]


async def test_a_text_message_is_sent_where_there_is_no_other_way(
    running: Running, people: People, outside: Outside
) -> None:
    citizen = await somebody(running, people, "sms")
    id_ = await told(running, citizen)
    await outside.sender().look(running, urgent=True)
    assert [(each["id"], each["to"]) for each in outside.sms.messages] == [(str(id_), "+628123")]


async def test_who_did_not_agree_is_told_in_the_inbox_alone(
    running: Running, people: People, outside: Outside
) -> None:
    citizen = await somebody(running, people, "email")
    await running.handle(f"preferences-{citizen}", HearConsent(False))
    id_ = await told(running, citizen)
    await outside.sender().look(running, urgent=True)
    assert await state(running, id_) == {}
    assert await queries.unread(running.reader, citizen) == 1


async def test_what_is_put_off_is_tried_again_and_what_is_refused_is_not(
    running: Running, people: People, outside: Outside
) -> None:
    citizen = await somebody(running, people, "email", "telegram")
    outside.mailbox.answers = ["451 come later"]
    outside.bot.troubles = [403]
    id_ = await told(running, citizen)
    await outside.sender().look(running, urgent=True)
    assert await state(running, id_) == {"email": ("waiting", "smtp-451"), "telegram": ("failed", "blocked")}
    later = outside.sender(timedelta(seconds=30))
    await later.look(running, urgent=True)
    assert (await state(running, id_))["email"] == ("sent", None)
    assert len(outside.mailbox.to(f"{citizen}@example.id")) == 1
    assert outside.bot.to(CHAT) == []


async def test_a_lost_answer_is_never_sent_again_by_itself(
    running: Running, people: People, outside: Outside
) -> None:
    citizen = await somebody(running, people, "email", "telegram")
    outside.mailbox.answers, outside.bot.troubles = [""], [0]
    id_ = await told(running, citizen)
    await outside.sender().look(running, urgent=True)
    assert await state(running, id_) == {"email": ("failed", "unsure"), "telegram": ("failed", "unsure")}
    await outside.sender(timedelta(minutes=2)).look(running, urgent=True)
    assert len(outside.mailbox.mails) == len(outside.bot.messages) == 1
    await running.handle(f"notification-{id_}", Retry("email", datetime.now(UTC)))  # a human takes the risk
    await outside.sender().look(running, urgent=True)
    assert (await state(running, id_))["email"] == ("sent", None)


async def test_what_comes_too_late_is_not_said_any_more(
    running: Running, people: People, outside: Outside
) -> None:
    citizen = await somebody(running, people, "email")
    outside.mailbox.answers = ["451 later"] * 9
    id_ = await told(running, citizen)
    await outside.sender().look(running, urgent=True)
    await outside.sender(timedelta(minutes=6)).look(running, urgent=True)
    assert await state(running, id_) == {"email": ("failed", "expired")}


async def test_while_profile_is_away_it_waits(running: Running, people: People, outside: Outside) -> None:
    citizen = await somebody(running, people, "email")
    people.away = True
    id_ = await told(running, citizen)
    await outside.sender().look(running, urgent=True)
    assert await state(running, id_) == {"email": ("waiting", "profile-away")}
    people.away = False
    await outside.sender(timedelta(seconds=30)).look(running, urgent=True)
    assert await state(running, id_) == {"email": ("sent", None)}
