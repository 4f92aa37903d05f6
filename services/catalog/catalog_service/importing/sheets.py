"""Sheets: CSV is one list of services; XLSX has a sheet for each list."""

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any

import openpyxl

from catalog_service.document import Fault, Part
from catalog_service.importing.rows import Row, columns, required

SHEETS: tuple[Part, ...] = ("agencies", "services", "lines", "counters")
UNPACKED = 64 * 1024 * 1024  # most bytes that a workbook may unpack to


def csv_rows(content: bytes, faults: list[Fault]) -> list[Row]:
    """Comma, semicolon or tab, as the header has it; rows count records, the header is row 1."""
    try:
        text = content.decode("utf-8-sig")
        header = text.partition("\n")[0]
        delimiter = max(",;\t", key=header.count)
        records = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        faults.append(Fault("services", row, "", "not UTF-8"))
        return []
    except csv.Error as error:
        faults.append(Fault("services", 1, "", f"not CSV: {error}"))
        return []
    return _table("services", records, faults)


def xlsx_rows(content: bytes, faults: list[Fault]) -> list[Row]:
    """Sheets named agencies, services, lines, counters; a single sheet of another name is services."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(item.file_size for item in packed.infolist()) > UNPACKED:
                faults.append(Fault("file", 1, "", "the workbook unpacks to more than 64 MiB"))
                return []
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        tables = {sheet.title: _cells(sheet) for sheet in book.worksheets}
    except Exception:  # a broken workbook surfaces as whatever the parsers below openpyxl raise
        faults.append(Fault("file", 1, "", "not an XLSX workbook"))
        return []
    rows: list[Row] = []
    for title, records in tables.items():
        name = title.strip().lower()
        if len(tables) == 1 and name not in SHEETS:
            name = "services"
        if name in SHEETS:
            rows += _table(name, records, faults)
        elif any(any(record) for record in records):
            faults.append(Fault(title, 1, "", f"sheets are named {', '.join(SHEETS)}"))
    return rows


def _cells(sheet: Any) -> list[list[str]]:
    sheet.reset_dimensions()
    return [[_text(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]


def _text(cell: Any) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case float() if cell.is_integer():
            return str(int(cell))
        case dt.datetime():
            return cell.date().isoformat()
    return str(cell)


def _table(part: Part, records: Iterable[Sequence[str]], faults: list[Fault]) -> list[Row]:
    """Rows below a header; a faulty header is told once instead of in every row."""
    header, *rest = [[cell.strip() for cell in record] for record in records] or [[]]
    names = [name.lower() for name in header]
    while names and not names[-1]:
        names.pop()
    wrong = [Fault(part, 1, name, "no such column") for name in names if name not in columns(part)]
    wrong += [Fault(part, 1, name, "the column is missing") for name in required(part) if name not in names]
    wrong += [Fault(part, 1, n, "the column is there twice") for i, n in enumerate(names) if n in names[:i]]
    if wrong:
        faults += wrong
        return []
    rows = []
    for number, record in enumerate(rest, 2):
        if any(record[len(names) :]):
            faults.append(Fault(part, number, "", "more cells than the header has columns"))
        elif any(record):
            rows.append(Row(part, number, dict(zip(names, record, strict=False))))
    return rows
