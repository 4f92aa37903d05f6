"""The tracking number: of the mall, unguessable, readable over the telephone, with a check character."""

import re
from uuid import UUID

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U
LOOK_ALIKES = str.maketrans("ILO", "110")
FORM = re.compile(
    r"(?P<mall>[0-9]{4,8}(?:-[0-9]{1,2})?)-(?P<own>[0-9A-Z]{5}-[0-9A-Z]{5})-(?P<check>[0-9A-Z])"
)
PRIME = 31


def number_of(mall: str, application: UUID) -> str:
    """50 bits of the id: `7406-7K3M9-QXD2C-F`."""
    bits = int.from_bytes(application.bytes[-7:]) & ((1 << 50) - 1)
    own = "".join(LETTERS[bits >> shift & 31] for shift in range(45, -1, -5))
    return f"{mall}-{own[:5]}-{own[5:]}-{_check(own)}"


def read(said: str) -> str | None:
    """The number as we print it, however it was typed; None when its check character says that it is none."""
    typed = re.sub(r"[\s.–—]+", "-", said.strip().upper()).translate(LOOK_ALIKES)
    found = FORM.fullmatch(typed)
    if found is None or not {*found["own"]} - {"-"} <= {*LETTERS}:
        return None
    return typed if found["check"] == _check(found["own"].replace("-", "")) else None


def _check(own: str) -> str:
    """A wrong letter or two neighbours exchanged change it."""
    return LETTERS[sum(place * LETTERS.index(letter) for place, letter in enumerate(own, 1)) % PRIME]
