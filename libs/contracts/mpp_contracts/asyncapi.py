"""AsyncAPI 3 of everything that is published: `python -m mpp_contracts.asyncapi docs`.

Writes `asyncapi.yaml` and `events.json` into the folder. `events.json` is what readers were promised:
a change that breaks it is refused.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mpp_contracts.evolution import HOW_TO_EVOLVE, broken
from mpp_contracts.published import MALL_CODE, Published
from mpp_contracts.schemas import OWNERS, Schema, events, promised, schema_of, type_of

PROMISED, DOCUMENT = "events.json", "asyncapi.yaml"
CONTENT = "application/cloudevents+json"
ABOUT = """\
What the services of a public-service mall tell each other, as CloudEvents 1.0 in structured JSON. \
Each service has one JetStream stream, mpp-<service>, written by its relay alone in the order of its log \
and kept for 14 days. Older events are read from the owner's GET /internal/events?after=<position>. \
Events gain optional fields only; readers skip types they do not know."""
FIELDS: Schema = {
    "specversion": {"const": "1.0"},
    "id": {"type": "string", "format": "uuid", "description": "the event's id in its owner's log"},
    "source": {"type": "string", "pattern": "^/mpp/[a-z-]+$", "description": "the owner: /mpp/queue"},
    "type": {"type": "string", "description": "the subject without the mall"},
    "subject": {"type": "string", "pattern": MALL_CODE, "description": "code of the mall spoken of"},
    "time": {"type": "string", "format": "date-time", "description": "when it was recorded"},
    "datacontenttype": {"const": "application/json"},
    "position": {"type": "integer", "minimum": 1, "description": "its place in the owner's log"},
    "previous": {
        "type": "integer",
        "minimum": 0,
        "description": "place of the event told before: a reader who stands elsewhere lacks something",
    },
    "previousid": {
        "type": "string",
        "format": "uuid",
        "description": "id of that event: a reader who heard another one has heard another history",
    },
    "traceparent": {
        "type": "string",
        "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
        "description": "W3C trace context of the command that led to it",
    },
    "data": {"type": "object"},
}
ENVELOPE: Schema = {
    "type": "object",
    "description": "CloudEvents 1.0 with the extensions position, previous, previousid and traceparent.",
    "required": [name for name in FIELDS if name not in ("previousid", "traceparent")],
    "properties": FIELDS,
}


def document() -> Schema:
    """The AsyncAPI 3.0 document."""
    told = events()
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "MPP events", "version": "1.0.0", "description": ABOUT},
        "defaultContentType": CONTENT,
        "channels": {_name(contract): _channel(contract) for contract in told},
        "operations": {f"{_name(contract)}.tell": _operation(contract) for contract in told},
        "components": {
            "messages": {_name(contract): _message(contract) for contract in told},
            "schemas": {"Envelope": ENVELOPE}
            | {f"{contract.owner}.{contract.__name__}": schema_of(contract) for contract in told},
        },
    }


def _name(contract: type[Published]) -> str:
    return type_of(contract).removeprefix("mpp.")


def _channel(contract: type[Published]) -> Schema:
    name = _name(contract)
    return {
        "address": f"mpp.{contract.owner}.{{mall}}.{contract.event}.v{contract.version}",
        "summary": contract.__doc__,
        "parameters": {
            "mall": {
                "description": "mall code: 7406, or 7406-2 for a region's second mall",
                "location": "$message.payload#/subject",
            }
        },
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }


def _operation(contract: type[Published]) -> Schema:
    name = _name(contract)
    return {
        "action": "send",
        "summary": f"{contract.owner}: {contract.__doc__}",
        "channel": {"$ref": f"#/channels/{name}"},
        "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
    }


def _message(contract: type[Published]) -> Schema:
    told = {
        "type": {"const": type_of(contract)},
        "source": {"const": f"/mpp/{contract.owner}"},
        "data": {"$ref": f"#/components/schemas/{contract.owner}.{contract.__name__}"},
    }
    return {
        "name": type_of(contract),
        "title": contract.__name__,
        "summary": contract.__doc__,
        "contentType": CONTENT,
        "payload": {
            "allOf": [{"$ref": "#/components/schemas/Envelope"}, {"type": "object", "properties": told}]
        },
    }


def yaml(value: Any, indent: str = "") -> Iterator[str]:
    """Lines of YAML; this folder needs pydantic alone."""
    items = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    for key, item in items:
        head = f"{indent}-" if key is None else f"{indent}{_scalar(key)}:"
        if isinstance(item, dict | list) and item:
            yield head
            yield from yaml(item, indent + "  ")
        else:
            yield f"{head} {_scalar(item)}"


def _scalar(value: Any) -> str:
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*", value)
    if plain and value.lower() not in {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}:
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def written() -> dict[str, str]:
    """File name → what it should say."""
    return {
        DOCUMENT: "# Written by `make contracts`.\n" + "\n".join(yaml(document())) + "\n",
        PROMISED: json.dumps(promised(), indent=2, ensure_ascii=False) + "\n",
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m mpp_contracts.asyncapi", description=ABOUT)
    parser.add_argument("folder", type=Path, help="where the two files are")
    folder: Path = parser.parse_args().folder
    files = written()
    if (folder / PROMISED).exists():
        wrong = broken(json.loads((folder / PROMISED).read_text()), json.loads(files[PROMISED]))
        if wrong:
            sys.exit("\n".join(["This would break readers:", *wrong, "", HOW_TO_EVOLVE]))
    for name, text in files.items():
        (folder / name).write_text(text)
    sys.stdout.write(f"{len(events())} events of {len(OWNERS)} services\n")


if __name__ == "__main__":
    main()
