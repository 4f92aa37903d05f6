"""What services tell each other: the document of it, the promise behind it, and the messages themselves."""

import datetime as dt
import gzip
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest
import yaml

from mpp.eventsourcing.ids import new_id
from mpp.messaging.message import Message
from mpp_contracts import catalog, queue
from mpp_contracts.asyncapi import DOCUMENT, PROMISED, document, written
from mpp_contracts.evolution import HOW_TO_EVOLVE, broken
from mpp_contracts.published import Published
from mpp_contracts.schemas import OWNERS, events, promised, type_of

HOUSE = Path(__file__).parents[2]
DOCS = HOUSE / "docs"
NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))
TELLING = {"mall": "7406", "date": NOW.date(), "at": NOW}
TICKET = {"ticket": UUID(int=7), "number": "A012", "line": "A"}
HOURS = catalog.Hours(opens=dt.time(7, 30), closes=dt.time(16), last_ticket=dt.time(15, 30))
SAMPLES: list[Published] = [
    queue.HallOpened(**TELLING),
    queue.TicketIssued(**TELLING, **TICKET, service="kk", channel="kiosk"),
    queue.TicketCompleted(**TELLING, **TICKET, counter="7406-3", service="kk", served_seconds=312.5),
    catalog.HoursSet(mall="7406-2", week=(HOURS, None, HOURS, HOURS, HOURS, None, None)),
    catalog.HolidaysSet(mall="7406", year=2026, days={dt.date(2026, 8, 17): "Hari Kemerdekaan"}),
    catalog.LineDefined(mall="7406", line="A", title="Kependudukan", services=("kk",), quotas={"web": 20}),
]


def envelope(published: Published, **changes: Any) -> dict[str, Any]:
    data = published.model_dump(mode="json")
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    sent = Message(new_id(), 12, 9, published.subject, NOW, data, trace).encode()
    return {**json.loads(sent), **changes}


def payload_validator(kind: str) -> jsonschema_rs.Validator:
    told = document()
    payload = told["components"]["messages"][kind.removeprefix("mpp.")]["payload"]
    return jsonschema_rs.validator_for({**payload, "components": told["components"]}, validate_formats=True)


def test_what_was_promised_to_readers_still_holds() -> None:
    before = json.loads((DOCS / PROMISED).read_text())
    wrong = broken(before, promised())
    assert not wrong, "\n".join([*wrong, "", HOW_TO_EVOLVE])


@pytest.mark.parametrize("name", [DOCUMENT, PROMISED])
def test_the_documents_say_what_the_code_says(name: str) -> None:
    assert (DOCS / name).read_text() == written()[name], "run `make contracts` and commit what it writes"


def test_a_breaking_change_is_not_written_down(tmp_path: Path) -> None:
    before = promised()
    before["mpp.queue.ticket-issued.v1"]["properties"]["floor"] = {"type": "string"}
    (tmp_path / PROMISED).write_text(json.dumps(before))
    run = [sys.executable, "-m", "mpp_contracts.asyncapi", str(tmp_path)]
    ended = subprocess.run(run, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "mpp.queue.ticket-issued.v1.floor is gone" in ended.stderr
    assert json.loads((tmp_path / PROMISED).read_text()) == before
    assert not (tmp_path / DOCUMENT).exists()


def test_the_document_is_asyncapi_3_by_its_own_schema() -> None:
    schema = json.loads(
        gzip.decompress((Path(__file__).parent / "asyncapi/schema-3.0.0.json.gz").read_bytes())
    )
    faults = jsonschema_rs.validator_for(schema).iter_errors(yaml.safe_load((DOCS / DOCUMENT).read_text()))
    assert [fault.message for fault in faults] == []


def test_every_reference_in_the_document_leads_somewhere() -> None:
    told = document()
    for path in re.findall(r'"#/([^"]+)"', json.dumps(told)):
        part: Any = told
        for step in path.split("/"):
            part = part[step]
        assert part


def test_every_module_of_contracts_is_in_the_document() -> None:
    folder = HOUSE / "libs/contracts/mpp_contracts"
    telling = {path.stem for path in folder.glob("*.py") if "owner=" in path.read_text()}
    assert telling - {"published"} == {module.__name__.rpartition(".")[2] for module in OWNERS}


def test_no_two_events_share_a_type_or_a_subject() -> None:
    types = [type_of(contract) for contract in events()]
    assert len({*types}) == len(types) == len(document()["channels"])


@pytest.mark.parametrize("published", SAMPLES, ids=lambda published: type_of(type(published)))
def test_a_message_is_what_the_document_says(published: Published) -> None:
    told, kind = document(), type_of(type(published))
    faults = payload_validator(kind).iter_errors(envelope(published))
    assert [fault.message for fault in faults] == []
    address = told["channels"][kind.removeprefix("mpp.")]["address"]
    assert address.format(mall=published.mall) == published.subject


@pytest.mark.parametrize(
    "wrong",
    [{"position": 0}, {"source": "/mpp/catalog"}, {"data": {}}, {"subject": "Bombana"}, {"time": "now"}],
)
def test_the_document_tells_a_wrong_message(wrong: dict[str, Any]) -> None:
    validator = payload_validator("mpp.queue.ticket-issued.v1")
    assert validator.is_valid(envelope(SAMPLES[1]))
    assert not validator.is_valid(envelope(SAMPLES[1], **wrong))
