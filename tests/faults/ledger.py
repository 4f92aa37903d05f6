"""A ledger: what one process of clients asked, and what it was told, a line of JSON each."""

import json
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


class Ledger:
    """For the process that writes it; a line is in the file when `write` returns."""

    def __init__(self, file: str) -> None:
        self._file = Path(file).open("a", buffering=1)  # noqa: SIM115 - as long as the process

    def write(self, what: str, **facts: Any) -> None:
        """`what`: asked, told, failed, opened or shown."""
        self._file.write(json.dumps({"what": what, **facts}) + "\n")


class Reading:
    """For whoever reads it while it is written."""

    def __init__(self, file: Path) -> None:
        self._file, self._at, self._entries = file, 0, list[Entry]()

    def entries(self, what: str | None = None) -> list[Entry]:
        """Everything written until now, or all of one kind."""
        self._read_on()
        return [entry for entry in self._entries if what is None or entry["what"] == what]

    def _read_on(self) -> None:
        if not self._file.exists():
            return
        with self._file.open("rb") as ledger:
            ledger.seek(self._at)
            new = ledger.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._at += len(whole)
        self._entries += [json.loads(line) for line in whole.splitlines()]
