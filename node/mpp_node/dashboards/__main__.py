"""`python -m mpp_node.dashboards FOLDER` writes every dashboard as JSON."""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from mpp_node.dashboards import event_paths, one_mall, one_service, overview

PAGES = (overview.PAGE, one_service.PAGE, one_mall.PAGE, event_paths.PAGE)


def written() -> dict[str, str]:
    """File name → JSON of each dashboard."""
    return {f"{page.uid}.json": _json(page.built()) for page in PAGES}


def _json(model: Dashboard) -> str:
    return json.dumps(model, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in written().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
