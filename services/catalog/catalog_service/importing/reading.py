"""Reading a file: its format, its rows, and what is wrong with them."""

from collections.abc import Callable, Iterable

from catalog_service.document import PARTS, BadDocument, Document, Entry, Fault
from catalog_service.importing.rows import Row
from catalog_service.importing.sheets import csv_rows, xlsx_rows
from catalog_service.importing.whole import yaml_rows

Progress = Callable[[int, int], None]  # rows read, rows in all
FORMATS = {
    "yaml": ("application/yaml", "application/x-yaml", "text/yaml", ".yaml", ".yml"),
    "csv": ("text/csv", "application/csv", ".csv"),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"),
}
ROWS = 20_000  # most rows of one file


def format_of(name: str) -> str | None:
    """yaml, csv or xlsx by media type or file name; None for anything else."""
    name = name.partition(";")[0].strip().lower()
    return next((known for known, ends in FORMATS.items() if name.endswith(ends)), None)


def read(content: bytes, format: str, mall: str = "", progress: Progress | None = None) -> Document:  # noqa: A002
    """The file's rows and all that could not be read of them; never raises for what a file holds.

    `mall` is the code of the mall that a list is for; a whole mall names itself.
    """
    faults: list[Fault] = []
    readers = {"yaml": yaml_rows, "csv": csv_rows, "xlsx": xlsx_rows}
    rows = readers[format](content, faults)
    if len(rows) > ROWS:
        return Document((), (Fault("file", ROWS + 1, "", f"more than {ROWS} rows"),))
    rows.sort(key=lambda row: PARTS.index(row.part))
    code = next((str(row.values.get("code", "")) for row in rows if row.part == "mall"), mall)
    entries = _entries(rows, code, faults, progress)
    return Document(tuple(entries), tuple(sorted(faults, key=Fault.place)))


def _entries(rows: list[Row], mall: str, faults: list[Fault], progress: Progress | None) -> Iterable[Entry]:
    for done, row in enumerate(rows, 1):
        found = row.read(mall)
        if isinstance(found, Entry):
            yield found
        else:
            faults += found
        if progress:
            progress(done, len(rows))


def target(document: Document, mall: str = "") -> str:
    """The code of the mall that the document is for; raises BadDocument when that is unclear."""
    named = next((entry for entry in document.entries if entry.part == "mall"), None)
    if named is None and mall:
        return mall
    if named is None:
        why = Fault("file", 1, "", "a list needs to be told its mall; a whole mall describes itself")
        raise BadDocument([*document.faults, why] if not document.faults else list(document.faults))
    if mall and named.key != mall:
        raise BadDocument([*document.faults, Fault("mall", named.row, "code", f"the mall here is {mall}")])
    return named.key
