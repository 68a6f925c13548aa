# The application served by gunicorn, as a user without rights. Build: docker build -t augmed .
FROM python:3.12-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY requirements.txt /tmp/requirements.txt
RUN /opt/venv/bin/pip install --require-hashes -r /tmp/requirements.txt

FROM python:3.12-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    STATIC_ROOT=/srv/augmed/static \
    MEDIA_ROOT=/srv/augmed/files
RUN useradd --system --uid 10001 --home-dir /srv/augmed --create-home augmed \
    && mkdir -p /srv/augmed/static /srv/augmed/files \
    && chown -R augmed:augmed /srv/augmed
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY manage.py pyproject.toml LICENSE ./
COPY augmed augmed
COPY omop omop
COPY cases cases
COPY participants participants
COPY experiments experiments
USER 10001
# Static files are gathered at build time; the values below are never used to serve.
RUN ENVIRONMENT=production SECRET_KEY=build ALLOWED_HOSTS=localhost DATABASE_URL=sqlite:////tmp/build.sqlite3 \
    python manage.py collectstatic --noinput
VOLUME /srv/augmed/files
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
    CMD ["python", "-m", "augmed.probe"]
CMD ["gunicorn", "augmed.wsgi:application", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "4", \
     "--worker-tmp-dir", "/dev/shm", "--access-logfile", "-", "--access-logformat", "%(t)s %(m)s %(s)s %(B)s %(L)s"]
