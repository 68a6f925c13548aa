from django.db import migrations

from augmed.foundation.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("cases", "0001_initial"), ("foundation", "0002_append_only")]
    operations = [AppendOnly("cases_casesnapshot", "cases_snapshotfeature")]
