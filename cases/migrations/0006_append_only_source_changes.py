from django.db import migrations

from augmed.foundation.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("cases", "0005_source_changes")]
    operations = [AppendOnly("cases_sourcechange")]
