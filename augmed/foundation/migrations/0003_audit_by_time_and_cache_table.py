from typing import Any

from django.core.management import call_command
from django.db import migrations, models


def create_cache_table(_apps: Any, schema_editor: Any) -> None:
    # Throttles count in the database's cache until a Redis is named, so its table is always there.
    call_command("createcachetable", "foundation_cache", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("foundation", "0002_append_only")]
    operations = [
        migrations.AddIndex(
            model_name="auditevent", index=models.Index(fields=["-at"], name="audit_newest_first")
        ),
        migrations.RunPython(create_cache_table, migrations.RunPython.noop),
    ]
