"""A stand-in for a cluster's API: it keeps what it is told, and admits and schedules nothing."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

KINDS = {
    "v1": {
        "ConfigMap": "configmaps",
        "Secret": "secrets",
        "Service": "services",
        "ServiceAccount": "serviceaccounts",
    },
    "apps/v1": {"Deployment": "deployments", "StatefulSet": "statefulsets"},
    "autoscaling/v2": {"HorizontalPodAutoscaler": "horizontalpodautoscalers"},
    "policy/v1": {"PodDisruptionBudget": "poddisruptionbudgets"},
    "networking.k8s.io/v1": {"NetworkPolicy": "networkpolicies"},
    "gateway.networking.k8s.io/v1": {"Gateway": "gateways", "HTTPRoute": "httproutes"},
    "monitoring.coreos.com/v1": {"ServiceMonitor": "servicemonitors", "PrometheusRule": "prometheusrules"},
    "postgresql.cnpg.io/v1": {"Cluster": "clusters", "Database": "databases"},
}
Object = dict[str, Any]


class Api(BaseHTTPRequestHandler):
    """Discovery, and create, read, list, apply and delete of namespaced objects."""

    protocol_version = "HTTP/1.1"
    kept: dict[str, Object]

    def log_message(self, *_: object) -> None:
        pass

    def told(self) -> Object:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return dict(yaml.safe_load(body) or {})

    def answer(self, status: int, body: Object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def missing(self) -> None:
        why = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
        self.answer(404, why)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path.rstrip("/")
        if (found := discovery(path)) is not None or (found := self.kept.get(path)) is not None:
            self.answer(200, found)
        elif path.rsplit("/", 1)[-1] in {plural for kinds in KINDS.values() for plural in kinds.values()}:
            self.answer(200, {"kind": "List", "apiVersion": "v1", "metadata": {}, "items": self.listed(path)})
        else:
            self.missing()

    def listed(self, path: str) -> list[Object]:
        asked = parse_qs(urlsplit(self.path).query).get("labelSelector", [""])[0]
        wanted = dict(pair.split("=", 1) for pair in asked.split(",") if "=" in pair)
        inside = [each for place, each in self.kept.items() if place.rsplit("/", 1)[0] == path]
        return [each for each in inside if wanted.items() <= each["metadata"].get("labels", {}).items()]

    def do_POST(self) -> None:
        told = self.told()
        self.keep(f"{urlsplit(self.path).path}/{told['metadata']['name']}", told, 201)

    def do_PUT(self) -> None:
        self.keep(urlsplit(self.path).path, self.told(), 200)

    def do_PATCH(self) -> None:
        self.keep(urlsplit(self.path).path, self.told(), 200)

    def keep(self, path: str, told: Object, status: int) -> None:
        told["metadata"]["resourceVersion"] = str(len(self.kept) + 1)
        told["metadata"].setdefault("uid", path)
        self.kept[path] = told
        self.answer(status, told)

    def do_DELETE(self) -> None:
        self.told()  # how to delete: all the same here
        found = self.kept.pop(urlsplit(self.path).path, None)
        self.missing() if found is None else self.answer(200, found)


def discovery(path: str) -> Object | None:
    """What the API says of itself."""
    groups = [version for version in KINDS if "/" in version]
    if path == "/version":
        return {"major": "1", "minor": "37", "gitVersion": "v1.37.0"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        named = [
            (group.split("/")[0], {"groupVersion": group, "version": group.split("/")[1]}) for group in groups
        ]
        told = [{"name": name, "versions": [at], "preferredVersion": at} for name, at in named]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": told}
    version = path.removeprefix("/apis/") if path.startswith("/apis/") else path.removeprefix("/api/")
    if version not in KINDS:
        return None
    verbs = ["get", "list", "create", "update", "patch", "delete"]
    names = [
        {"name": plural, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": verbs}
        for kind, plural in KINDS[version].items()
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": names}


@contextmanager
def cluster() -> Iterator[tuple[str, dict[str, Object]]]:
    """Its address and what it keeps."""
    kept: dict[str, Object] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Kept", (Api,), {"kept": kept}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", kept
    finally:
        server.shutdown()
        server.server_close()
