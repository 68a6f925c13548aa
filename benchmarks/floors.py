"""What the least possible request costs here: the same server, the same token, one row by key, as many bytes.

read: token, one SELECT by key. write: token, one locked SELECT, one INSERT of as many bytes, COMMIT.
"""

from django.db import connection, transaction
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from augmed.foundation.permissions import SignedIn

SCHEMA = """
CREATE TABLE IF NOT EXISTS bench_floor (key integer PRIMARY KEY, payload text NOT NULL);
CREATE TABLE IF NOT EXISTS bench_written (id bigserial PRIMARY KEY, key integer NOT NULL, payload text NOT NULL);
"""


class ReadFloor(APIView):
    permission_classes = [SignedIn]

    def get(self, request: Request, key: int) -> HttpResponse:
        with connection.cursor() as cursor:
            cursor.execute("SELECT payload FROM bench_floor WHERE key = %s", [key])
            (payload,) = cursor.fetchone()
        return HttpResponse(payload, content_type="application/json")


class WriteFloor(APIView):
    permission_classes = [SignedIn]

    def post(self, request: Request, key: int) -> HttpResponse:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT payload FROM bench_floor WHERE key = %s FOR UPDATE", [key])
            (payload,) = cursor.fetchone()
            cursor.execute("INSERT INTO bench_written (key, payload) VALUES (%s, %s)", [key, payload])
        return HttpResponse(payload, content_type="application/json")
