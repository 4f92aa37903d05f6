"""A clock of its own for one process, by libfaketime; the machine's clock stays as it is."""

import time
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import jwt
import pytest

from mpp_node.home import Home
from mpp_node.keys import ALGORITHM, Signer

PLACES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/local/lib/faketime/libfaketime.so.1")
DAY = 24 * 3600
MORNING = 10  # o'clock


def wrong_clock(seconds: float) -> dict[str, str]:
    """What a process is told whose clock goes so much ahead; the one that measures durations is right."""
    return {
        "LD_PRELOAD": _library(),
        "FAKETIME": f"{seconds:+.0f}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def _library() -> str:
    found = [str(file) for place in PLACES for file in Path("/").glob(place.lstrip("/"))]
    if not found:
        pytest.skip("libfaketime is not installed (Debian: libfaketime)")
    return found[0]


def until_morning(zone: str) -> float:
    """Seconds from now to the next morning there: a moment far from midnight, for clocks that differ."""
    now = datetime.now(ZoneInfo(zone))
    morning = now.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    return (morning - now).total_seconds() % DAY


def day_in(seconds: float, zone: str) -> date:
    return (datetime.now(ZoneInfo(zone)) + timedelta(seconds=seconds)).date()


def token(home: Home, roles: Iterable[str], malls: Iterable[str], since: float, until: float) -> str:
    """The node's issuer gave it `since` seconds from now, and it is good for `until` seconds from now."""
    signer, now = Signer(home), int(time.time())
    claims = jwt.decode(signer.token(roles, malls=malls), options={"verify_signature": False})
    claims |= {"iat": now + int(since), "exp": now + int(until)}
    key, head = (home.folder / "issuer.pem").read_text(), {"kid": signer.jwk["kid"]}
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers=head)
