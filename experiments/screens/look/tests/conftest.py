from experiments.tests.conftest import draft, lead, study

__all__ = ["draft", "lead", "study"]
