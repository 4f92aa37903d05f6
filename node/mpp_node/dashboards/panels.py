"""What a dashboard is made of: charts, numbers, rows, and the variables one chooses by."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import Dashboard as Model
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableHide,
    VariableRefresh,
    VariableSort,
)

TAG = "mpp"
SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
Query = tuple[str, str]  # PromQL, and what a line is called


@dataclass(frozen=True)
class Chart:
    """Lines over time; `unit` is Grafana's name of it."""

    title: str
    queries: Sequence[Query]
    unit: str = "short"
    width: int = 8
    says: str = ""

    def built(self, number: int) -> timeseries.Panel:
        legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST)
        panel = timeseries.Panel().title(self.title).description(self.says).id(number)
        panel = panel.datasource(SOURCE).unit(self.unit).span(self.width).height(8).min(0)
        panel = panel.show_points(VisibilityMode.NEVER).fill_opacity(8).line_width(1)
        panel = panel.legend(legend.placement(LegendPlacement.BOTTOM).show_legend(True))
        return panel.targets([_target(query, place) for place, query in enumerate(self.queries)])


@dataclass(frozen=True)
class Number:
    """One number now; `good` says up to where it is green, `bad` from where it is red."""

    title: str
    query: str
    unit: str = "short"
    good: float | None = None
    bad: float | None = None
    width: int = 4
    says: str = ""

    def built(self, number: int) -> stat.Panel:
        panel = stat.Panel().title(self.title).description(self.says).id(number)
        panel = panel.datasource(SOURCE).unit(self.unit).span(self.width).height(4)
        panel = panel.graph_mode(BigValueGraphMode.AREA).color_mode(BigValueColorMode.VALUE)
        colours = dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(self._steps())
        panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        return panel.thresholds(colours).no_value("–").targets([_target((self.query, ""), 0)])

    def _steps(self) -> list[Threshold]:
        judged = self.good is not None or self.bad is not None
        steps = [Threshold(value=None, color="green" if judged else "blue")]
        if self.good is not None:
            steps.append(Threshold(value=self.good, color="orange"))
        if self.bad is not None:
            steps.append(Threshold(value=self.bad, color="red"))
        return steps


@dataclass(frozen=True)
class Row:
    """A headed group of panels."""

    title: str
    panels: Sequence[Chart | Number]


@dataclass(frozen=True)
class Page:
    """A whole dashboard; `choose` maps a variable to the metric whose label of that name it lists."""

    uid: str
    title: str
    says: str
    rows: Sequence[Row]
    choose: dict[str, str] = field(default_factory=dict)

    def built(self) -> Model:
        page = dashboard.Dashboard(self.title).uid(self.uid).description(self.says).tags([TAG])
        page = page.timezone("browser").time("now-6h", "now").refresh("30s").readonly()
        page = page.tooltip(DashboardCursorSync.CROSSHAIR).with_variable(_source())
        page = page.link(_others()).annotations([])
        for name, metric in self.choose.items():
            page = page.with_variable(_variable(name, metric))
        number = 0
        for row in self.rows:
            number += 1
            page = page.with_row(dashboard.Row(row.title).id(number))
            for panel in row.panels:
                number += 1
                page = page.with_panel(panel.built(number))
        return page.build()


def _target(query: Query, place: int) -> prometheus.Dataquery:
    expr, name = query
    return prometheus.Dataquery().expr(expr).legend_format(name).ref_id("ABCDEFGH"[place]).range()


def _source() -> dashboard.DatasourceVariable:
    return (
        dashboard.DatasourceVariable("source")
        .label("Prometheus")
        .type("prometheus")
        .hide(VariableHide.HIDE_VARIABLE)
    )


def _variable(name: str, metric: str) -> dashboard.QueryVariable:
    listed = dashboard.QueryVariable(name).label(name.capitalize()).datasource(SOURCE)
    listed = listed.query(f"label_values({metric}, {name})").sort(VariableSort.ALPHABETICAL_ASC)
    return listed.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)


def _others() -> dashboard.DashboardLink:
    link = dashboard.DashboardLink("Dashboards").type(DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.as_dropdown(True).keep_time(True)
