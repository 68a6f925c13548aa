from django.db import migrations

from augmed.foundation.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [
        ("published", "0001_came_over"),
        ("foundation", "0004_stronger_triggers"),
    ]
    operations = [AppendOnly("published_cameover")]
