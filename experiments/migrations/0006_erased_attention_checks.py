from django.db import migrations, models

from augmed.foundation.append_only import RenewAppendOnly


class Migration(migrations.Migration):
    dependencies = [("experiments", "0005_append_only_attention_checks")]
    operations = [
        migrations.AlterField(
            model_name="attentioncheckanswer",
            name="passed",
            field=models.BooleanField(help_text="empty once erased: it would tell the answer", null=True),
        ),
        RenewAppendOnly("experiments_attentioncheckanswer"),
    ]
