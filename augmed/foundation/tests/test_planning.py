"""How PostgreSQL is asked to run statements."""

import pytest
from django.db import connection


@pytest.mark.postgresql
@pytest.mark.django_db
def test_statements_are_not_compiled():
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)
