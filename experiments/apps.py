from django.apps import AppConfig


class ExperimentsConfig(AppConfig):
    name = "experiments"

    def ready(self) -> None:
        from experiments.actions import exports
        from experiments.roles import verbs_everywhere
        from participants.verbs import register_provider

        register_provider(verbs_everywhere)
        exports.register()
