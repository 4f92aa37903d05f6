"""Grafana's dashboards as code; `python -m mpp_node.dashboards FOLDER` writes them."""
