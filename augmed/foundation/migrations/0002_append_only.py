from django.db import migrations

from augmed.foundation.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("foundation", "0001_initial")]
    operations = [AppendOnly("foundation_auditevent")]
