"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from augmed.foundation.content_type import readable_content_type

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "augmed.settings")

application = readable_content_type(get_wsgi_application())
