from django.db import migrations

from augmed.foundation.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("omop", "0003_import_runs"), ("foundation", "0004_stronger_triggers")]
    operations = [AppendOnly("omop_importrun", "omop_importedfile", "omop_tableload", "omop_checkoutcome")]
