"""The JSON Schema of every published event, by its type."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from mpp_contracts import catalog, feedback, notify, profile, queue, tracking
from mpp_contracts.published import Published

Schema = dict[str, Any]
OWNERS: tuple[ModuleType, ...] = (catalog, queue, profile, tracking, notify, feedback)


def events() -> list[type[Published]]:
    """Every contract that is told, in the order of the files; not the classes they share."""
    return [
        contract
        for module in OWNERS
        for contract in vars(module).values()
        if isinstance(contract, type)
        and issubclass(contract, Published)
        and contract.__module__ == module.__name__
        and not contract.__subclasses__()
    ]


def type_of(contract: type[Published]) -> str:
    """The event's type in the envelope: `mpp.queue.ticket-issued.v1`."""
    return f"mpp.{contract.owner}.{contract.event}.v{contract.version}"


def promised() -> dict[str, Schema]:
    """Type → the schema of its data, each complete in itself."""
    return {type_of(contract): schema_of(contract) for contract in events()}


def schema_of(contract: type[Published]) -> Schema:
    """The data of one event. Whether a field is required is said for readers: an older event may lack it."""
    schema = contract.model_json_schema()
    return dict(_inlined(schema, schema.get("$defs", {})))


def _inlined(part: Any, parts: Mapping[str, Any]) -> Any:
    match part:
        case {"$ref": str(named)}:
            return _inlined(parts[named.rpartition("/")[2]], parts)
        case dict():
            return {key: _inlined(value, parts) for key, value in part.items() if key != "$defs"}
        case list():
            return [_inlined(value, parts) for value in part]
    return part
