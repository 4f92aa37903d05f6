"""The gateway's routes: the services' public API and the node's own pages, nothing internal."""

from collections.abc import Mapping
from typing import Any

from mpp_node.home import Home
from mpp_node.services import SERVICES

SITE, WEB = "site", "web"
PEOPLE = "!PathPrefix(`/health/`) && !Path(`/metrics`) && !PathPrefix(`/api/`) && !PathPrefix(`/internal/`)"
LOGGED = ("time", "RouterName", "RequestMethod", "DownstreamStatus", "Duration")
# A buffering middleware must never be added: it holds back the first event of a live stream for seconds.
API = ["problems", "rate-limit"]


def routes(home: Home, rate: int) -> Mapping[str, Any]:
    """Traefik's dynamic configuration; an address may ask `rate` times a second, twice that at once."""
    api = {
        name: {"rule": f"PathPrefix(`/api/{name}/v1/`)", "service": name, "middlewares": API}
        for name in (service.name for service in SERVICES)
    }
    own = "PathPrefix(`/oidc/`) || PathPrefix(`/.well-known/`) || PathPrefix(`/problems/`) || Path(`/papan`)"
    pages = {
        SITE: {"rule": f"{own} || PathPrefix(`/static/`)", "service": SITE, "middlewares": API},
        WEB: {"rule": PEOPLE, "service": WEB, "middlewares": ["rate-limit"], "priority": 1},
    }
    middlewares = {
        "rate-limit": {"rateLimit": {"average": rate, "burst": 2 * rate}},
        # Only what the gateway itself answers: a service's own 503 is a problem+json already.
        "problems": {
            "errors": {"status": ["429", "502", "504"], "service": SITE, "query": "/problems/{status}"}
        },
    }
    names = [*api, SITE, WEB]
    return {
        "http": {
            "routers": api | pages,
            "middlewares": middlewares,
            "services": {name: {"loadBalancer": _backend(home.port(name))} for name in names},
            "serversTransports": {"local": {"maxIdleConnsPerHost": 512}},
        }
    }


def static(home: Home) -> Mapping[str, Any]:
    """Traefik's static configuration: failures are logged, without addresses of people."""
    return {
        "accessLog": {
            "filePath": str(home.logs / "gateway-access.log"),
            "format": "json",
            "filters": {"statusCodes": ["500-599"]},
            "fields": {
                "defaultMode": "drop",
                "names": dict.fromkeys(LOGGED, "keep"),
                "headers": {"defaultMode": "drop", "names": {"X-Request-Id": "keep", "Traceparent": "keep"}},
            },
        },
    }


def _backend(port: int) -> Mapping[str, Any]:
    return {"servers": [{"url": f"http://127.0.0.1:{port}"}], "serversTransport": "local"}
