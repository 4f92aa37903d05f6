"""Who may do what: every operation of every service, for an auditor to read in one look."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

ADMINS = ("mall-admin", "national-admin")
KEEPERS = (*ADMINS, "supervisor")
STAFF = ("officer", *KEEPERS)
DESK = ("officer", "supervisor", "mall-admin")
ASSISTANTS = ("officer", "supervisor")

Within = Literal["nation", "mall", "whole mall", "agency", "own", "own or mall"]


@dataclass(frozen=True)
class Right:
    """Who may: these roles, inside their mall or agency, or for what is their own; no role named: everybody.

    within: "whole mall" is closed to whoever is narrowed to an agency.
    hidden: to whoever may not, it does not exist (404); nobody: what is said without a token.
    body: what is sent, so that rights and not shapes are what answers.
    """

    roles: tuple[str, ...] = ()
    within: Within = "nation"
    hidden: bool = False
    nobody: int = 401
    body: Any = None


def everybody(body: Any = None) -> Right:
    return Right(body=body)


def own(body: Any = None, hidden: bool = False) -> Right:
    """A citizen's own; there is only one's own under /me."""
    return Right(("citizen",), "own" if hidden else "nation", hidden, body=body)


def staff(body: Any = None) -> Right:
    """Of a citizen whom this mall registered: to others such a citizen does not exist."""
    return Right(DESK, "mall", hidden=True, body=body)


def office(body: Any = None) -> Right:
    return Right(STAFF, "agency", hidden=True, body=body)


SYSTEM = Right(("system",))
HOURS = {"opens": "08:00", "closes": "15:00", "last_ticket": "14:30"}
WEEK = {"week": [HOURS] * 5 + [None, None]}
STANDARD = {"minutes": 8, "product": "KK"}
SERVICE = {"agency": "disdukcapil", "title": "Kartu Keluarga", "standard": STANDARD}
MALL = {"slug": "bombana", "title": "MPP", "region": "Bombana", "timezone": "Asia/Makassar"}
LINE = {"title": "Dukcapil", "services": ["adminduk.kk-baru"]}
COUNTER = {"title": "Loket 1", "agency": "disdukcapil", "lines": []}
TEXT = {"subject": "((number))", "text": "((number))"}
NOBODY = {"name": "Siti"}
APPLIED = {"mall": "bombana", "service": "adminduk.ktp-cetak-ulang"}
APPLICANT = {"name": "Siti", "phone": "+6281234567890"}

# "METHOD path", and where the answer depends on what is asked for, that in brackets.
CATALOG = {
    "GET /malls": everybody(),
    "GET /malls/{slug}": everybody(),
    "GET /malls/{slug}/days": everybody(),
    "GET /malls/{slug}/agencies": everybody(),
    "GET /malls/{slug}/lines": everybody(),
    "GET /malls/{slug}/counters": everybody(),
    "GET /malls/{slug}/services": everybody(),
    "GET /malls/{slug}/services/{code}": everybody(),
    "GET /services": everybody(),
    "PUT /malls/{slug}": Right(ADMINS, "whole mall", body=MALL),
    "PUT /malls/{slug}/hours": Right(ADMINS, "whole mall", body=WEEK),
    "PUT /malls/{slug}/holidays/{year}": Right(ADMINS, "whole mall", body={"days": {}}),
    "PUT /malls/{slug}/days/{date}": Right(
        ADMINS, "whole mall", body={"reason": "local-holiday", "hours": HOURS}
    ),
    "DELETE /malls/{slug}/days/{date}": Right(ADMINS, "whole mall"),
    "POST /malls/import": Right(ADMINS, "whole mall", body=b"code,agency\n"),
    "PUT /malls/{slug}/agencies/{agency}": Right(ADMINS, "agency", body={"title": "Disdukcapil"}),
    "PUT /malls/{slug}/services/{code}": Right(ADMINS, "agency", body=SERVICE),
    "DELETE /malls/{slug}/services/{code}": Right(ADMINS, "agency"),
    "PUT /malls/{slug}/lines/{line}": Right(ADMINS, "agency", body=LINE),
    "POST /malls/{slug}/lines/{line}/close": Right(KEEPERS, "agency", body={"reason": "fault"}),
    "POST /malls/{slug}/lines/{line}/open": Right(KEEPERS, "agency"),
    "PUT /malls/{slug}/counters/{counter}": Right(ADMINS, "agency", body=COUNTER),
    "GET /internal/events": SYSTEM,
}


def ticket(channel: str) -> dict[str, str]:
    return {"mall": "bombana", "service": "adminduk.kk-baru", "channel": channel}


def booking(channel: str) -> dict[str, str]:
    asked = {"mall": "bombana", "service": "adminduk.kk-baru", "slot": "2026-11-26T09:30:00+08:00"}
    return asked | {"channel": channel, "citizen": str(UUID(int=7))}


SEAT = {"until": "2026-11-24T10:30:00+08:00"}
DELAY = {"kind": "delayed", "minutes": 10}
QUEUE = {
    "GET /bookings/keys": everybody(),
    "GET /malls/{slug}/slots": everybody(),
    "POST /bookings [own]": Right(("citizen", "system"), body=booking("mobile")),
    "POST /bookings [portal]": Right(("system",), body=booking("portal")),
    "POST /bookings [counter]": Right(STAFF, "mall", body=booking("counter")),
    "GET /bookings/{booking}": Right(("citizen", "system", *STAFF), "own or mall"),
    "POST /bookings/{booking}/{action} [action=confirm]": Right(
        ("citizen", "system", *STAFF), "own or mall", body={}
    ),
    "GET /bookings/{booking}/calendar.ics": Right(("citizen", "system", *STAFF), "own or mall"),
    "GET /me/bookings": own(),
    "POST /check-ins": everybody({"code": "none"}),
    "POST /counters/{counter}/{action} [action=pause]": Right(STAFF, "agency", body=SEAT),
    "GET /malls/{slug}/settings": Right(STAFF, "mall"),
    "PUT /malls/{slug}/rules": Right(ADMINS, "mall", body={}),
    "PUT /malls/{slug}/lines/{line}/booking": Right(ADMINS, "mall", body={"per_slot": 500}),
    "DELETE /malls/{slug}/lines/{line}/booking": Right(ADMINS, "mall"),
    "PUT /malls/{slug}/counters/{counter}/profile": Right(KEEPERS, "mall", body={}),
    "PUT /malls/{slug}/pause": Right(KEEPERS, "mall", body={"until": "2026-11-24T00:00:00+08:00"}),
    "DELETE /malls/{slug}/pause": Right(KEEPERS, "mall"),
    "PUT /malls/{slug}/lines/{line}/pause": Right(
        KEEPERS, "mall", body={"until": "2026-11-24T00:00:00+08:00"}
    ),
    "DELETE /malls/{slug}/lines/{line}/pause": Right(KEEPERS, "mall"),
    "GET /malls/{slug}/statistics": Right(("supervisor", *ADMINS, "analyst"), "mall"),
    "GET /malls/{slug}/statistics.csv": Right(("supervisor", *ADMINS, "analyst"), "mall"),
    "GET /statistics": Right(("national-admin", "analyst")),
    "GET /malls/{slug}/devices": Right(STAFF, "mall"),
    "POST /malls/{slug}/devices": Right(ADMINS, "mall", body={"kind": "kiosk", "title": "Kiosk 1"}),
    "DELETE /malls/{slug}/devices/{device}": Right(ADMINS, "mall"),
    "POST /papers/{ticket}": Right(("kiosk", *STAFF), "mall"),
    "GET /papers/{ticket}/{job}": Right(("kiosk", *STAFF), "mall"),
    "POST /papers/{ticket}/{job}/confirm": Right(("kiosk", *STAFF), "mall"),
    "POST /papers/{ticket}/{job}/fail": Right(("kiosk", *STAFF), "mall", body={}),
    "POST /malls/{slug}/calls/{call}/{action} [action=claim]": Right(("display", *STAFF), "mall"),
    "POST /malls/{slug}/messages": Right(STAFF, "mall", body=DELAY),
    "POST /tickets [web]": everybody(ticket("web")),
    "POST /tickets [kiosk]": Right(("kiosk", *KEEPERS), "mall", body=ticket("kiosk")),
    "POST /tickets [counter]": Right(STAFF, "mall", body=ticket("counter")),
    "POST /tickets [telegram]": Right(("citizen", "system"), body=ticket("telegram")),
    "GET /tickets/{ticket}": everybody(),
    "GET /tickets/{ticket}/live": everybody(),
    "POST /tickets/{ticket}/{action} [action=start]": Right(STAFF, "agency", body={}),
    "POST /counters/{counter}/call-next": Right(STAFF, "agency"),
    "POST /counters/{counter}/quick-serve": Right(STAFF, "agency", body={"service": "adminduk.kk-baru"}),
    "GET /malls/{slug}/board": everybody(),
    "GET /malls/{slug}/board/live": everybody(),
    "GET /malls/{slug}/lines": everybody(),
    "GET /malls/{slug}/tickets": Right(STAFF, "mall"),
    "POST /malls/{slug}/day/close": Right(KEEPERS, "mall"),
    "GET /internal/events": SYSTEM,
}
PROFILE = {
    "GET /me": own(),
    "PUT /me": own(NOBODY),
    "PUT /me/contacts": own({}),
    "PUT /me/address": own({"street": "Jalan"}),
    "PUT /me/family": own({"members": []}),
    "PUT /me/consents/{purpose}": own({"given": True, "text": "2026-11"}),
    "GET /me/history": own(),
    "GET /me/readings": own(),
    "GET /me/prefill": own(),
    "GET /me/export": own(),
    "GET /me/forgetting": own(),
    "DELETE /me": own(),
    "POST /citizens": Right(DESK, "mall", body=NOBODY | {"mall": "7406"}),
    "POST /citizens/find": Right(DESK, "mall", body={"mall": "7406", "nik": "7406015507900002"}),
    "GET /citizens/{citizen}": staff(),
    "PUT /citizens/{citizen}": staff(NOBODY),
    "PUT /citizens/{citizen}/contacts": staff({}),
    "PUT /citizens/{citizen}/address": staff({"street": "Jalan"}),
    "PUT /citizens/{citizen}/family": staff({"members": []}),
    "GET /citizens/{citizen}/export": staff(),
    "GET /citizens/{citizen}/forgetting": staff(),
    "DELETE /citizens/{citizen}": staff(),
    "GET /internal/events": SYSTEM,
    "GET /internal/citizens/{citizen}/contacts": SYSTEM,
    "GET /internal/citizens/{citizen}/prefill": SYSTEM,
}
TRACKING = {
    "GET /processes": everybody(),
    "GET /processes/{code}": everybody(),
    "PUT /processes/{code}": Right(("national-admin",), body="the process itself"),
    "GET /processes/{code}/prefill": own(),
    "POST /applications [own]": Right(("citizen", *ASSISTANTS), "agency", body=APPLIED),
    "POST /applications [assisted]": Right(ASSISTANTS, "agency", body=APPLIED | {"applicant": APPLICANT}),
    "GET /applications/{application}": Right(("citizen", *STAFF), "agency", hidden=True),
    "PUT /applications/{application}/answers": own({"answers": {}}, hidden=True),
    "PUT /applications/{application}/documents/{kind}": own(b"%PDF-1.7", hidden=True),
    "POST /applications/{application}/submit": own(hidden=True),
    "POST /applications/{application}/withdraw": own(hidden=True),
    "GET /applications/{application}/documents/{document}/link": Right(
        ("citizen", *STAFF), "agency", hidden=True
    ),
    "POST /applications/{application}/office/{action} [action=claim]": office({}),
    "POST /applications/{application}/office/{action} [action=approve]": office({}),
    "PUT /applications/{application}/product": office(b"%PDF-1.7"),
    "GET /files/{application}/{document}": Right(nobody=403),
    "GET /malls/{slug}/worklist": Right(STAFF, "mall"),
    "GET /me/applications": own(),
    "GET /me/history": own(),
    "POST /follow": everybody({"number": "7406-00000-00000-0", "last4": "0000"}),
    "GET /internal/events": SYSTEM,
    "GET /internal/subjects/{citizen}": SYSTEM,
}
NOTIFY = {
    "GET /me/inbox": own(),
    "GET /me/inbox/live": own(),
    "POST /me/inbox/{notification}/read": own(hidden=True),
    "GET /me/preferences": own(),
    "PUT /me/preferences": own({}),
    "GET /templates": Right(("national-admin",)),
    "PUT /templates/{kind}": Right(("national-admin",), body={"id": TEXT, "en": TEXT}),
    "POST /templates/{kind}/preview": Right(("national-admin",), body={"id": TEXT, "en": TEXT}),
    "GET /failed": Right(("national-admin",)),
    "POST /notifications/{notification}/{channel}/retry": Right(("national-admin",)),
    "GET /internal/events": SYSTEM,
    "GET /internal/subjects/{citizen}": SYSTEM,
}
SURVEY = {"kind": "ticket", "id": "00000000-0000-4000-8000-000000000000", "secret": "", "scores": [1] * 9}
HANDLERS = Right(STAFF, "agency", hidden=True, nobody=401, body={})
FEEDBACK = {
    "POST /surveys": everybody(SURVEY),
    "GET /malls/{slug}/ikm": everybody(),
    "GET /malls/{slug}/ikm/live": everybody(),
    "PUT /malls/{slug}/survey-weights": Right(ADMINS, "mall", body={"weights": "exact"}),
    "GET /malls/{slug}/remarks": Right(STAFF, "mall"),
    "GET /malls/{slug}/complaints": Right(STAFF, "mall"),
    "GET /malls/{slug}/register": everybody(),
    "GET /malls/{slug}/complaint-statistics": everybody(),
    "POST /complaints": everybody({"mall": "bombana", "kind": "complaint", "text": "Loket tutup"}),
    "POST /complaints/{number}/follow": Right(
        ("citizen", *STAFF), "agency", hidden=True, nobody=404, body={}
    ),
    "POST /complaints/{number}/{action} [action=follow-up]": HANDLERS,
    "POST /complaints/{number}/{action} [action=reply]": Right(
        ("citizen",), "own", hidden=True, nobody=404, body={"text": "Belum"}
    ),
    "POST /complaints/{number}/evidence": Right(
        ("citizen",), "own", hidden=True, nobody=404, body=b"%PDF-1.7"
    ),
    "POST /complaints/{number}/evidence/{document}/link": Right(
        ("citizen", *STAFF), "agency", hidden=True, nobody=404, body={}
    ),
    "GET /evidence/{complaint}/{document}": Right(nobody=403),
    "GET /internal/events": SYSTEM,
    "GET /internal/subjects/{citizen}": SYSTEM,
}
RIGHTS: dict[str, dict[str, Right]] = {
    "catalog": CATALOG,
    "queue": QUEUE,
    "profile": PROFILE,
    "tracking": TRACKING,
    "notify": NOTIFY,
    "feedback": FEEDBACK,
}
