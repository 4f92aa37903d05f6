"""A booking made through the gateway; then catalog and gateway are gone, and it is checked in."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mpp.testing.node import RunningNode, running_node
from mpp_node.home import Home
from mpp_node.keys import Signer

SERVICE = "adminduk.kk-baru"
PATIENCE = 60.0


@pytest.fixture(scope="module")
def node() -> Iterator[RunningNode]:
    with running_node() as node:
        yield node


class Citizen:
    """Somebody who books through the gateway, and stands at the kiosk of a mall that is cut off."""

    def __init__(self, node: RunningNode) -> None:
        self.home = Home(node.folder / "home")
        self.client = httpx.Client(timeout=30)
        self.public = f"{node.address}/api/queue/v1"
        self.door = f"http://127.0.0.1:{self.home.port('queue')}/api/queue/v1"

    def ask(
        self, method: str, url: str, moment: str, role: str = "citizen", body: Any = None
    ) -> httpx.Response:
        malls = [] if role == "citizen" else ["7406"]
        token = Signer(self.home).token([role], malls=malls, subject=str(uuid4()))
        headers = {"Authorization": f"Bearer {token}", "Mpp-Time": moment}
        return self.client.request(method, url, json=body, headers=headers)

    def books(self, slot: str, eve: str) -> dict[str, Any]:
        body = {"mall": "bombana", "service": SERVICE, "slot": slot, "channel": "mobile"}
        answer = self.ask("POST", f"{self.public}/bookings", eve, body=body)
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def checks_in(self, code: str, moment: str) -> tuple[int, str]:
        answer = self.ask(
            "POST", f"{self.door}/check-ins", moment, "kiosk", {"code": code, "mall": "bombana"}
        )
        told = answer.json()
        return answer.status_code, told["number"] if answer.is_success else told["type"].rpartition(":")[2]


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def stopped(node: RunningNode, part: str) -> int:
    """SIGSTOP: it answers nobody, and nobody starts another."""
    state = json.loads((node.folder / "home" / "state.json").read_text())
    pid = int(state["parts"][part]["pid"])
    os.kill(pid, signal.SIGSTOP)
    return pid


def test_a_booking_counts_by_its_signature_while_catalog_and_gateway_are_gone(node: RunningNode) -> None:
    citizen = Citizen(node)
    day = next(d for n in range(2, 9) if (d := date.today() + timedelta(days=n)).weekday() == 2)
    eve, slot = f"{day - timedelta(days=1)}T09:00:00+08:00", f"{day}T09:00:00+08:00"
    lines = citizen.ask("GET", f"{node.address}/api/catalog/v1/malls/bombana/lines", eve).json()["items"]
    line = next(each["line"] for each in lines if SERVICE in each["services"])
    rules = citizen.ask(
        "PUT", f"{citizen.public}/malls/bombana/lines/{line}/booking", eve, "mall-admin", {"per_slot": 9}
    )
    assert rules.status_code == 204, rules.text
    good, gone = citizen.books(slot, eve), citizen.books(slot, eve)
    cancelled = citizen.ask(
        "POST", f"{citizen.public}/bookings/{gone['id']}/cancel", eve, body={"secret": gone["secret"]}
    )
    assert cancelled.json()["status"] == "cancelled"
    claims = jwt.decode(good["code"], options={"verify_signature": False})
    forged = jwt.encode(
        claims, Ed25519PrivateKey.generate(), "EdDSA", jwt.get_unverified_header(good["code"])
    )
    frozen = [stopped(node, part) for part in ("catalog", "traefik")]
    try:
        with pytest.raises(httpx.TimeoutException):
            httpx.get(f"{node.address}/api/queue/v1/bookings/keys", timeout=1)
        moment = f"{day}T08:50:00+08:00"
        assert citizen.checks_in(good["code"], moment) == (201, f"{line}001")
        assert citizen.checks_in(good["code"], moment) == (409, "booking-used")
        assert citizen.checks_in(forged, moment) == (422, "code-forged")
        assert citizen.checks_in(gone["code"], moment) == (409, "booking-cancelled")
        issued = citizen.ask(
            "POST",
            f"{citizen.door}/tickets",
            moment,
            "kiosk",
            {"mall": "bombana", "service": SERVICE, "channel": "kiosk"},
        )
        assert issued.json()["number"] == f"{line}002"
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    until(lambda: httpx.get(f"{node.address}/api/queue/v1/bookings/keys", timeout=5).status_code == 200)
