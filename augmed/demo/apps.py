from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "augmed.demo"
    label = "demo"
