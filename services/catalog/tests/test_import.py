"""Files about malls: what is read of them, what is wrong with them, and all or nothing."""

import io
from collections.abc import Callable
from typing import Any

import httpx
import openpyxl
import pytest
from hypothesis import example
from hypothesis import given as for_all
from hypothesis import settings as how
from hypothesis import strategies as st

from catalog_service import importing, intake
from catalog_service.command import Command
from catalog_service.counter import CounterDefined, DefineCounter
from catalog_service.document import BadDocument, Document, Entry, Fault, ImportMall, Rehearsed
from catalog_service.hours import HolidaysSet, SetHolidays
from catalog_service.line import DefineLine, LineDefined
from catalog_service.mall import Mall, NoSuchMall
from catalog_service.rules import check, decider
from catalog_service.standard import Duration, PublishService
from mpp.eventsourcing.decider import Event, fold
from mpp.testing.scenario import given

Client = Callable[..., httpx.AsyncClient]

KENDARI = """\
mall:
  code: 7471
  slug: kendari-mpp
  title: MPP Kota Kendari
  region: Kota Kendari
  timezone: Asia/Makassar
hours:
  mon-thu: 07:30-16:00
  fri: {opens: 07:30, closes: 16:30, last_ticket: 15:30}
days:
  - {date: 2026-12-31, hours: 08:00-12:00, reason: year-end}
agencies:
  - {agency: disdukcapil, title: Disdukcapil}
services:
  - code: adminduk.ktp-baru
    agency: disdukcapil
    title: Penerbitan KTP-el
    minutes: 8
    fee: 0
    duration: {hours: 24}
    requirements: [Kartu Keluarga, Berusia 17 tahun]
    legal_basis: PP 24/2014; Permendagri 19/2018
lines:
  - {line: A, title: Disdukcapil, services: [adminduk.ktp-baru], capacity: 100, quotas: {kiosk: 60, web: 40}}
counters:
  - {counter: 03, title: Loket 3, agency: disdukcapil, lines: [A]}
"""
HEADER = "code,agency,title,minutes,fee,duration_hours,requirements\n"


def yaml(text: str) -> Document:
    return importing.read(text.encode(), "yaml")


def csv(text: str) -> Document:
    return importing.read(text.encode(), "csv", "7406")


def xlsx(mall: str = "7406", **sheets: list[list[Any]]) -> Document:
    return importing.read(workbook(**sheets), "xlsx", mall)


def workbook(**sheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def commands(document: Document) -> list[Command]:
    assert document.faults == ()
    return [entry.command for entry in document.entries]


def test_a_yaml_file_holds_a_whole_mall_and_every_text_stays_as_written() -> None:
    document = yaml(KENDARI)
    events = decider.decide(ImportMall(document), Mall())
    mall = fold(decider, events)
    assert check("mall-7471", events) == []
    assert mall.code == "7471" and set(mall.counters) == {"7471-03"}
    assert [bool(day) for day in mall.calendar.week] == [True] * 5 + [False] * 2
    standard = mall.services["adminduk.ktp-baru"].standard
    assert standard.legal_basis == ("PP 24/2014", "Permendagri 19/2018")
    assert standard.duration == Duration(hours=24)
    assert mall.lines["A"].defined.quotas == {"kiosk": 60, "web": 40}


def test_importing_the_same_file_again_changes_nothing() -> None:
    document = yaml(KENDARI)
    mall = fold(decider, decider.decide(ImportMall(document), Mall()))
    assert decider.decide(ImportMall(document), mall) == []


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_file_is_a_list_of_services_with_any_usual_separator(separator: str) -> None:
    header = HEADER.replace(",", separator)
    row = separator.join(["a.b", "samsat", "Cek fisik", "7.5", "", "2", '"STNK; BPKB"'])
    (service,) = commands(importing.read(f"\ufeff{header}{row}\r\n".encode(), "csv", "7406"))
    assert isinstance(service, PublishService)
    assert service.standard.requirements == ("STNK", "BPKB")
    assert (service.standard.minutes, service.standard.fee) == (7.5, None)
    assert service.standard.duration == Duration(hours=2)


def test_an_xlsx_file_has_sheets_for_services_lines_and_counters() -> None:
    service, line, counter = commands(
        xlsx(
            counters=[["counter", "title", "lines"], [3, "Loket 3", "A"]],
            services=[["code", "agency", "title", "minutes", "fee"], ["a.b", "samsat", "Cek", 5.0, 30000]],
            lines=[["line", "title", "services", "capacity", "quota_web"], ["A", "Samsat", "a.b", 50, 10]],
        )
    )
    assert isinstance(service, PublishService) and service.standard.fee == 30_000
    assert line == DefineLine(line="A", title="Samsat", services=("a.b",), capacity=50, quotas={"web": 10})
    assert counter == DefineCounter(counter="7406-03", title="Loket 3", lines=("A",))


def test_a_single_sheet_of_any_name_holds_services() -> None:
    rows: list[list[Any]] = [["code", "agency", "title", "minutes"], ["a.b", "samsat", "Cek", 5]]
    assert len(commands(xlsx(Sheet1=rows))) == 1


def where(document: Document) -> list[tuple[str, int, str]]:
    return [(fault.part, fault.row, fault.column) for fault in document.faults]


def test_each_fault_of_a_csv_file_names_row_and_column() -> None:
    document = csv(
        HEADER
        + "a.b,samsat,Cek,seven,,,\n"
        + "a.c,samsat,Cek,5,,,\n"
        + "UPPER,samsat,,5,-1,0,\n"
        + "a.d,samsat,Cek,5,,,,surplus\n"
    )
    assert where(document) == [
        ("services", 2, "minutes"),
        ("services", 4, "code"),
        ("services", 4, "duration_hours"),
        ("services", 4, "fee"),
        ("services", 4, "title"),
        ("services", 5, ""),
    ]
    assert all(fault.reason for fault in document.faults)


def test_each_fault_of_an_xlsx_file_names_sheet_row_and_column() -> None:
    document = xlsx(
        services=[["code", "agency", "title", "minutes"], ["a.b", "samsat", "Cek", -5]],
        lines=[["line", "title", "capacity", "quota_kiosk"], ["A", "Samsat", 50, "many"]],
        counters=[["counter", "title"], [3, None]],
        notes=[["do not forget"]],
    )
    assert where(document) == [
        ("notes", 1, ""),
        ("services", 2, "minutes"),
        ("lines", 2, "quota_kiosk"),
        ("counters", 2, "title"),
    ]


def test_each_fault_of_a_yaml_file_names_the_line_where_it_stands() -> None:
    text = KENDARI.replace("minutes: 8", "minutes: eight").replace("Asia/Makassar", "Asia/Kendari")
    text = text.replace("mon-thu: 07:30-16:00", "mon-thu: always").replace("{counter: 03,", "{desk: 03,")
    lines = text.splitlines()
    document = yaml(text)
    assert where(document) == [
        ("mall", 6, "timezone"),
        ("hours", 8, "mon-thu"),
        ("services", 18, "minutes"),
        ("counters", 26, "counter"),
        ("counters", 26, "desk"),
    ]
    assert [lines[row - 1].split(":")[0].strip(" -{") for _, row, _ in where(document)] == [
        "timezone",
        "mon-thu",
        "minutes",
        "desk",
        "desk",
    ]


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("code,agency,title\na,b,c\n", "minutes"),
        ("code,agency,title,minutes,colour\na,b,c,1,red\n", "colour"),
        ("code,agency,title,minutes,code\na,b,c,1,a\n", "code"),
    ],
)
def test_a_wrong_header_is_told_once_and_not_in_every_row(text: str, column: str) -> None:
    assert where(csv(text)) == [("services", 1, column)]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\xfe\xff", "csv"),
        (b'code,agency,title,minutes\n"open', "csv"),
        (b"", "csv"),
        (b"not a workbook", "xlsx"),
        (b"PK\x03\x04broken", "xlsx"),
        (b"mall: [", "yaml"),
        (b"- a\n- b\n", "yaml"),
        (b"", "yaml"),
        (b"services: {a: b}", "yaml"),
        (b"services: [plain]", "yaml"),
        (b"colours: []", "yaml"),
        (b"[" * 5000, "yaml"),
        (b"\x00", "yaml"),
        (b"mall: {code: 7471, code: 7472}", "yaml"),
        (b"lines: [{line: A, title: A, quotas: x, quota_web: 1}]", "yaml"),
        (b"hours: {someday: 08:00-12:00}", "yaml"),
        (b"days: [{date: 2026-01-01, hours: soon, reason: x}]", "yaml"),
        (b"services: [{? [a] : b}]", "yaml"),
    ],
)
def test_a_broken_file_has_faults_and_no_crash(content: bytes, kind: str) -> None:
    document = importing.read(content, kind, "7406")
    assert document.faults
    assert all(fault.row >= 1 and fault.reason for fault in document.faults)


@for_all(st.binary(max_size=200), st.sampled_from(["yaml", "csv", "xlsx"]))
@example(b"mall: &a [*a]", "yaml")
@example(b"mall: {<<: {code: 1}}", "yaml")
@how(max_examples=200, deadline=None)
def test_whatever_bytes_come_reading_them_never_fails(content: bytes, kind: str) -> None:
    document = importing.read(content, kind, "7406")
    assert document.entries == () or document.rows


def test_every_row_is_told_as_it_is_read() -> None:
    told: list[tuple[int, int]] = []
    rows = "".join(f"a.b{n},samsat,Cek,5,,,\n" for n in range(3))
    importing.read((HEADER + rows).encode(), "csv", "7406", lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def faults(mall: list[Event], document: Document) -> list[Fault]:
    refusal = given(decider, *mall).when(ImportMall(document)).refused(BadDocument)
    assert isinstance(refusal, BadDocument)
    return refusal.faults


def test_a_document_that_breaks_rules_is_refused_whole_and_names_every_broken_rule(
    mall: list[Event],
) -> None:
    document = xlsx(
        services=[
            ["code", "agency", "title", "minutes"],
            ["good", "samsat", "Good", 5],
            ["bad", "imigrasi", "Bad", 5],
            ["good", "samsat", "Twice", 5],
        ],
        lines=[["line", "title", "services"], ["C", "C", "ktp; good; bad; missing"]],
        counters=[["counter", "title", "lines"], ["7406-05", "Loket 5", "Z"], ["3271-01", "Loket 1", "A"]],
    )
    assert [(fault.part, fault.row, fault.column, fault.reason) for fault in faults(mall, document)] == [
        ("services", 3, "agency", "imigrasi is not in this mall"),
        ("services", 4, "", "good is in row 2 already"),
        ("lines", 2, "services", "not offered here: missing"),
        ("lines", 2, "services", "already in line A: ktp"),
        ("counters", 2, "lines", "no such line: Z"),
        ("counters", 3, "counter", "3271-01 does not begin with 7406-"),
    ]


def test_what_an_unreadable_row_would_have_brought_is_not_missed_elsewhere(mall: list[Event]) -> None:
    document = xlsx(
        services=[["code", "agency", "title", "minutes"], ["new", "samsat", "New", "many"]],
        lines=[["line", "title", "services"], ["C", "C", "new"]],
    )
    assert [(fault.part, fault.column) for fault in faults(mall, document)] == [("services", "minutes")]


def test_services_trade_lines_within_one_document(mall: list[Event]) -> None:
    document = xlsx(lines=[["line", "title", "services"], ["A", "A", "stnk; kk"], ["B", "B", "ktp"]])
    given(decider, *mall).when(ImportMall(document)).then(
        LineDefined(line="A", title="A", services=("stnk", "kk")),
        LineDefined(line="B", title="B", services=("ktp",)),
    )


def test_a_rehearsal_tells_what_would_happen_and_what_would_be_refused(mall: list[Event]) -> None:
    good = xlsx(counters=[["counter", "title"], [2, "Loket 2"]])
    bad = xlsx(counters=[["counter", "title", "lines"], [2, "Loket 2", "Z"]])
    rehearsed = given(decider, *mall).when(ImportMall(good, rehearsal=True)).refused(Rehearsed)
    assert isinstance(rehearsed, Rehearsed)
    assert rehearsed.events == (CounterDefined(counter="7406-02", title="Loket 2"),)
    given(decider, *mall).when(ImportMall(bad, rehearsal=True)).refused(BadDocument)


def test_a_list_needs_a_mall_that_exists() -> None:
    given(decider).when(ImportMall(csv(HEADER + "a.b,samsat,Cek,5,,,\n"))).refused(NoSuchMall)


def test_seeding_leaves_a_mall_that_exists_as_it_is_but_brings_new_years(mall: list[Event]) -> None:
    entry = Entry("counters", 1, DefineCounter(counter="7406-01", title="Renamed"))
    years = (SetHolidays(year=2027, days={}),)
    given(decider, *mall).when(ImportMall(Document((entry,)), years, only_new=True)).then(
        HolidaysSet(year=2027, days={})
    )


async def upload(client: Client, content: bytes, kind: str, **query: Any) -> httpx.Response:
    admin = client("mall-admin", malls=["7406"])
    headers = {"Content-Type": kind}
    return await admin.post("/malls/import", content=content, headers=headers, params=query)


async def test_a_bad_upload_changes_nothing_and_names_its_faults(client: Client) -> None:
    before = (await client().get("/malls/bombana")).headers["etag"]
    content = (HEADER + "x.good,samsat,Good,5,,,\nx.bad,atlantis,Bad,5,,,\nx.worse,samsat,,0,,,\n").encode()
    answer = await upload(client, content, "text/csv", mall="bombana")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:mpp:problem:bad-document")
    assert [(e["row"], e["column"]) for e in answer.json()["errors"]] == [
        (3, "agency"),
        (4, "minutes"),
        (4, "title"),
    ]
    assert (await client().get("/malls/bombana")).headers["etag"] == before
    assert (await client().get("/malls/bombana/services/x.good")).status_code == 404


async def test_an_upload_is_rehearsed_first_and_then_taken_over(client: Client) -> None:
    content = workbook(
        services=[["code", "agency", "title", "minutes"], ["x.new", "samsat", "Baru", 5]],
    )
    kind = importing.FORMATS["xlsx"][0]
    told = {"services": 1}, {"service-published": 1}
    rehearsed = (await upload(client, content, kind, mall="7406", dry_run=True)).json()
    assert (rehearsed["dry_run"], rehearsed["rows"], rehearsed["changes"]) == (True, *told)
    assert (await client().get("/malls/7406/services/x.new")).status_code == 404
    taken = (await upload(client, content, kind, mall="7406")).json()
    assert (taken["dry_run"], taken["rows"], taken["changes"]) == (False, *told)
    assert (await client().get("/malls/7406/services/x.new")).status_code == 200
    assert (
        await client("mall-admin", malls=["7406"]).delete("/malls/7406/services/x.new")
    ).status_code == 200


async def test_a_form_brings_a_whole_new_mall_when_a_national_admin_sends_it(client: Client) -> None:
    whole = KENDARI.replace("7471", "7401").replace("kendari-mpp", "kolaka")
    form = {"file": ("kolaka.yaml", whole.encode(), "application/octet-stream")}
    refused = await client("mall-admin", malls=["7401"]).post("/malls/import", files=form)
    assert refused.status_code == 403
    taken = await client("national-admin").post("/malls/import", files=form)
    assert taken.status_code == 200 and taken.json()["mall"] == "7401"
    mall = (await client().get("/malls/kolaka/days", params={"from": "2026-12-31", "days": 2})).json()[
        "items"
    ]
    assert mall[0]["reason"] == "year-end" and mall[1]["why"] == "holiday"


@pytest.mark.parametrize(
    ("content", "kind", "query", "status"),
    [
        (b"x", "image/png", {"mall": "7406"}, 415),
        (b"", "text/csv", {"mall": "7406"}, 422),
        (HEADER.encode(), "text/csv", {}, 422),
        (HEADER.encode(), "text/csv", {"mall": "atlantis"}, 404),
        (KENDARI.encode(), "application/yaml", {"mall": "7406"}, 422),
        (b"--x\r\n", "multipart/form-data; boundary=x", {"mall": "7406"}, 400),
        (b"x", "multipart/form-data", {"mall": "7406"}, 400),
        (KENDARI.replace("kendari-mpp", "bombana").encode(), "application/yaml", {}, 403),
    ],
)
async def test_an_upload_that_makes_no_sense_is_a_clear_problem(
    client: Client, content: bytes, kind: str, query: dict[str, str], status: int
) -> None:
    answer = await upload(client, content, kind, **query)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_upload_may_not_take_another_malls_slug(client: Client) -> None:
    whole = KENDARI.replace("7471", "7402").replace("kendari-mpp", "bombana")
    answer = await client("national-admin").post(
        "/malls/import", content=whole.encode(), headers={"Content-Type": "application/yaml"}
    )
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:mpp:problem:slug-taken")


def test_every_format_is_known_by_media_type_and_by_file_name() -> None:
    names = {"yaml": "a.YML", "csv": "text/csv; charset=utf-8", "xlsx": "list.xlsx"}
    assert {kind: importing.format_of(name) for kind, name in names.items()} == {k: k for k in names}
    assert importing.format_of("a.pdf") is None and set(intake.BODIES) >= {"text/csv", "multipart/form-data"}
