from django.apps import AppConfig


class ExperimentsConfig(AppConfig):
    name = "experiments"

    def ready(self) -> None:
        from experiments import tasks  # noqa: F401  registers the mail tasks, which web processes look up by name
        from experiments.actions import allocation_requests, completion, exports
        from experiments.roles import holds_study_role, verbs_everywhere
        from participants.verbs import register_provider, register_role_test

        register_provider(verbs_everywhere)
        register_role_test(holds_study_role)
        allocation_requests.register()
        completion.register()
        exports.register()
