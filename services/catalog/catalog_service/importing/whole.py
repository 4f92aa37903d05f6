"""A whole mall in YAML: mall, hours, days, agencies, services, lines, counters.

Every scalar is read as the text that stands there: `03` stays 03, `no` stays no, 07:30 is not a number.
"""

from typing import Any, cast

import yaml

from catalog_service.document import PARTS, Fault, Part
from catalog_service.importing.rows import Row

SINGLE = ("mall", "hours")  # a mapping; the other parts are lists of mappings


def yaml_rows(content: bytes, faults: list[Fault]) -> list[Row]:
    """Rows count the lines of the file."""
    try:
        loader = yaml.BaseLoader(content)
        root = loader.get_single_node()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
        faults.append(Fault("file", mark.line + 1 if mark else 1, "", str(reason)))
        return []
    except RecursionError:
        faults.append(Fault("file", 1, "", "nested too deep"))
        return []
    if not isinstance(root, yaml.MappingNode):
        faults.append(Fault("file", 1, "", f"expected a mapping of {', '.join(PARTS)}"))
        return []
    rows: list[Row] = []
    for key, value in root.value:
        if key.value not in PARTS:
            faults.append(Fault("file", _line(key), str(key.value), f"parts are {', '.join(PARTS)}"))
            continue
        part = cast(Part, key.value)
        items = [value] if part in SINGLE else value.value
        if part not in SINGLE and not isinstance(value, yaml.SequenceNode):
            faults.append(Fault(part, _line(key), "", "expected a list"))
            continue
        rows += [row for item in items if (row := _row(part, item, loader, faults))]
    return rows


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1


def _row(part: Part, node: Any, loader: yaml.BaseLoader, faults: list[Fault]) -> Row | None:
    if not isinstance(node, yaml.MappingNode):
        faults.append(Fault(part, _line(node), "", "expected `name: value` pairs"))
        return None
    lines: dict[str, int] = {}
    for key, _ in node.value:
        name = str(key.value)
        if name in lines:
            faults.append(Fault(part, _line(key), name, f"stands in line {lines[name]} already"))
        lines.setdefault(name, _line(key))
    try:
        values = cast(dict[str, Any], loader.construct_object(node, deep=True))
    except (yaml.YAMLError, RecursionError):
        faults.append(Fault(part, _line(node), "", "cannot be read"))
        return None
    return Row(part, _line(node), values, lines)
