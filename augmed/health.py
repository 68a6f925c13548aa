"""Is the service up? Only while its database answers."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse


def healthcheck(_request: HttpRequest) -> JsonResponse:
    """200 while the database answers, else 503. Open to all, and says nothing else."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "ERROR", "message": "The database does not answer."}, status=503)
    return JsonResponse({"status": "OK", "message": "Service is up and running."})
