"""Install, upgrade, roll back and uninstall against a stand-in: helm's wiring, not a cluster's judgement."""

import json
import os
import subprocess
from pathlib import Path

from .cluster import cluster

DEPLOYMENT = "/apis/apps/v1/namespaces/mpp/deployments/queue"


def test_a_release_is_installed_upgraded_rolled_back_and_taken_away(
    tools: Path, chart: Path, postgres_url: str, tmp_path: Path
) -> None:
    with cluster() as (address, kept):
        access = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": address}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "namespace": "mpp", "user": "me"}}],
            "users": [{"name": "me", "user": {}}],
        }
        (tmp_path / "config").write_text(json.dumps(access))
        env = os.environ | {"KUBECONFIG": str(tmp_path / "config"), "HOME": str(tmp_path)}
        # Releases are kept in PostgreSQL: into a cluster helm writes them in a form that is not JSON.
        env |= {"HELM_DRIVER": "sql", "HELM_DRIVER_SQL_CONNECTION_STRING": f"{postgres_url}?sslmode=disable"}

        def helm(*words: str) -> None:
            whole = [str(tools / "helm"), *words, "--namespace", "mpp"]
            ended = subprocess.run(whole, env=env, capture_output=True, text=True, timeout=60, check=False)
            assert ended.returncode == 0, ended.stdout + ended.stderr

        def image() -> str:
            spec = kept[DEPLOYMENT]["spec"]["template"]["spec"]
            return str(spec["containers"][0]["image"])

        values = ["-f", str(chart / "values" / "nation.yaml"), "--disable-openapi-validation"]
        helm("install", "mpp", str(chart), *values)
        first, selector = image(), kept[DEPLOYMENT]["spec"]["selector"]
        helm("upgrade", "mpp", str(chart), *values, "--set", "global.image.tag=0.2.0")
        assert image() == first.replace("0.1.0", "0.2.0") != first
        assert kept[DEPLOYMENT]["spec"]["selector"] == selector
        helm("rollback", "mpp", "1")
        assert image() == first
        helm("uninstall", "mpp")
        assert kept == {}
