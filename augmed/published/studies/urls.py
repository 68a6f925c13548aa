from django.urls import URLPattern, re_path

from augmed.published.studies.batch import BatchView
from augmed.published.studies.experiments import ExperimentStatusView, ExperimentsView, ExperimentView
from augmed.published.studies.runs import RunsView

EXPERIMENT = r"^api/v1/experiments/(?P<experiment_id>[A-Za-z0-9_-]{1,64})"

urlpatterns: list[URLPattern] = [
    re_path(r"^api/v1/experiments/?$", ExperimentsView.as_view(), name="published-experiments"),
    re_path(rf"{EXPERIMENT}/?$", ExperimentView.as_view(), name="published-experiment"),
    re_path(rf"{EXPERIMENT}/status/?$", ExperimentStatusView.as_view(), name="published-experiment-status"),
    re_path(rf"{EXPERIMENT}/runs/?$", RunsView.as_view(), name="published-experiment-runs"),
    re_path(r"^api/v1/configs/batch/?$", BatchView.as_view(), name="published-configs-batch"),
]
