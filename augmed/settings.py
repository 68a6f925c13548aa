"""Settings, all from the environment. A missing or odd value stops the start and says how to set it.

ENVIRONMENT is production (default), demo (make demo: SQLite in var/, loopback only) or test (the suite).
docs/operator.md lists every variable.
"""

import secrets
from datetime import timedelta
from pathlib import Path
from zoneinfo import available_timezones

import environ
import import_export.formats.base_formats as import_export_formats
from django.conf import global_settings
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = environ.Env()
environ.Env.read_env(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))

ENVIRONMENT = env.str("ENVIRONMENT", default="production")
if ENVIRONMENT not in {"production", "demo", "test"}:
    raise ImproperlyConfigured(f"ENVIRONMENT is {ENVIRONMENT!r}; it must be production, demo or test.")
PRODUCTION = ENVIRONMENT == "production"

DEBUG = env.bool("DEBUG", default=False)
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("DEBUG is on in production. Unset DEBUG, or set ENVIRONMENT=demo on your own machine.")


def _secret_key() -> str:
    key = env.str("SECRET_KEY", default="")
    if key:
        return key
    if PRODUCTION:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. Make one with: python -c 'import secrets; print(secrets.token_urlsafe(64))' "
            "and put it into the environment as SECRET_KEY."
        )
    if ENVIRONMENT == "test":
        return "a key for the tests only, which are never reachable from outside"
    VAR_DIR.mkdir(exist_ok=True)
    path = VAR_DIR / "demo-secret-key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(64))
    return path.read_text().strip()


SECRET_KEY = _secret_key()

ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]", "testserver"]
)
if PRODUCTION and not ALLOWED_HOSTS:
    raise ImproperlyConfigured(
        "ALLOWED_HOSTS is not set. Name the hosts you serve, for example ALLOWED_HOSTS=study.example.org"
    )
if PRODUCTION and "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured(
        "ALLOWED_HOSTS is '*', which production refuses. Name the hosts you serve, separated by commas."
    )

# --- What is installed

INSTALLED_APPS = [
    "augmed.apps.AugmedAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "import_export",
    "django_celery_beat",
    "django_htmx",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "csp",
    "axes",
    "augmed.foundation",
    "augmed.published",
    "participants",
    "omop",
    "cases",
    "experiments",
    *(["augmed.demo"] if ENVIRONMENT != "production" else []),
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "participants.language.ScreenLocaleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "augmed.urls"
WSGI_APPLICATION = "augmed.wsgi.application"
APPEND_SLASH = True
ADMIN_PATH = env.str("ADMIN_PATH", default="admin/").strip("/") + "/"
if ADMIN_PATH == "/":
    raise ImproperlyConfigured("ADMIN_PATH is empty. Name a path for the admin, for example ADMIN_PATH=manage/")
SUPPORT_CONTACT = env.str("SUPPORT_CONTACT", default="the study team")  # whom refusals of log-in and mail name
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
CLIENT_URL = env.str("CLIENT_URL", default="").rstrip("/")  # where AugMed's published client is served, if elsewhere

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "augmed" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database: SQLite needs no server; PostgreSQL is what a study runs on

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'augmed.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    if str(DATABASES["default"]["NAME"]).startswith(str(VAR_DIR)):
        VAR_DIR.mkdir(exist_ok=True)
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # FULL: an answer that was confirmed survives a power cut. Recursive triggers: without them INSERT OR REPLACE
        # takes the old row away unseen by the append-only triggers.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON;",
    }
else:
    DATABASES["default"].setdefault("CONN_MAX_AGE", env.int("CONN_MAX_AGE", default=60))
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # Lets augmed.foundation.prepared keep its few statements prepared on the server. A pooler that shares connections
    # between transactions cannot keep them: then PREPARE_STATEMENTS=false.
    if env.bool("PREPARE_STATEMENTS", default=True):
        DATABASES["default"].setdefault("OPTIONS", {})["prepare_threshold"] = 0
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People and how they sign in

AUTH_USER_MODEL = "participants.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# The last one reads passwords that came over from AugMed; the first log-in replaces them.
PASSWORD_HASHERS = [*global_settings.PASSWORD_HASHERS, "participants.hashers.AugMedScryptPasswordHasher"]
# 8 is what AugMed's published client lets its users type, and the least that is taken here.
PASSWORD_MIN_LENGTH = env.int("PASSWORD_MIN_LENGTH", default=8)
if PASSWORD_MIN_LENGTH < 8:
    raise ImproperlyConfigured("PASSWORD_MIN_LENGTH must be 8 or more.")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": PASSWORD_MIN_LENGTH},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 2 * 24 * 3600
INVITATION_LIFETIME = timedelta(days=env.int("INVITATION_DAYS", default=14))
LOGIN_LIFETIME = timedelta(hours=12)  # sliding renewal never goes beyond this
# The published client has no refresh token: its one token is renewed by use, and ends after this long without any.
SLIDING_LIFETIME = timedelta(minutes=env.int("SLIDING_TOKEN_MINUTES", default=120))
# Whoever knows an address of the roster may set its first password, as with AugMed. Off: a link is mailed to it.
ROSTER_SIGNUP = env.bool("ROSTER_SIGNUP", default=ENVIRONMENT == "demo")
REFRESH_GRACE = timedelta(seconds=30)  # a refresh token used again within this gives a new pair (lost response)
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(hours=12),
    "UPDATE_LAST_LOGIN": False,
    "ALGORITHM": "HS256",
    "SIGNING_KEY": SECRET_KEY,
}
AXES_FAILURE_LIMIT = env.int("LOGIN_FAILURE_LIMIT", default=10)
AXES_COOLOFF_TIME = timedelta(minutes=env.int("LOGIN_COOLOFF_MINUTES", default=15))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "participants.lockout.client_username"
AXES_CLIENT_IP_CALLABLE = "participants.lockout.client_address"
AXES_LOCKOUT_CALLABLE = "participants.lockout.locked_out"
AXES_DISABLE_ACCESS_LOG = True  # log-ins are in the audit trail
AXES_VERBOSE = False  # never log e-mail addresses
# What axes must not keep of a failed attempt's form.
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "code", "email", "new_password1", "new_password2", "next"]
OTP_TOTP_ISSUER = "AugMed"  # how an authenticator app names the account
SECOND_FACTOR_FOR_STAFF = env.str("SECOND_FACTOR_FOR_STAFF", default="optional")
if SECOND_FACTOR_FOR_STAFF not in {"optional", "required"}:
    raise ImproperlyConfigured(
        f"SECOND_FACTOR_FOR_STAFF is {SECOND_FACTOR_FOR_STAFF!r}; it must be optional or required."
    )
PROXY_COUNT = env.int("PROXY_COUNT", default=0)  # how many proxies in front are ours; others' headers are not believed

# --- Web security

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = int(LOGIN_LIFETIME.total_seconds())
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
HTTPS = env.bool("HTTPS", default=PRODUCTION)
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign_in"
# Nothing is loaded from anywhere else, and nothing inline runs: what a page needs is a file of this server.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "manifest-src": ["'self'"],
    }
}
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS and env.bool("SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^api/healthcheck/?$"]
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31536000 if HTTPS else 0)
if env.bool("TRUST_PROXY_PROTO", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000  # the disclosure matrix of a large layout is one form

# --- API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["participants.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["augmed.foundation.permissions.DenyAll"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["augmed.foundation.parsers.BoundedJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "augmed.foundation.pagination.CursorPagination",
    "DEFAULT_SCHEMA_CLASS": "augmed.foundation.openapi.ProblemSchema",
    "EXCEPTION_HANDLER": "augmed.foundation.errors.exception_handler",
    "DEFAULT_THROTTLE_RATES": {"account": env.str("ACCOUNT_THROTTLE", default="30/min")},
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "NUM_PROXIES": PROXY_COUNT,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "AugMed API",
    "DESCRIPTION": "Studies of clinical judgement: reviews, answers, experiments and exports.",
    "VERSION": "2.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v2",
    "PREPROCESSING_HOOKS": ["augmed.foundation.openapi.without_optional_slash"],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ExperimentStatus": "experiments.models.Experiment.Status",
        "ExperimentKind": "experiments.models.Experiment.Kind",
        "EnrolmentStatus": "experiments.models.Enrolment.Status",
        "EnrolmentKind": "experiments.models.Enrolment.Kind",
        "ConsentKind": "experiments.models.ConsentRecord.Kind",
        "CaseKind": "cases.models.Case.Kind",
        "ReviewStatus": "experiments.api.participant.serializers.REVIEW_STATUSES",
        "ClientEventKind": "experiments.api.participant.serializers.CLIENT_EVENT_KINDS",
        "JobStatus": "augmed.foundation.models.Job.Status",
    },
}

# --- Long work: with a broker a Celery task runs it, without one a child process does

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SCHEDULE = {  # written into the database's schedules, where administrators can change it
    "resume abandoned jobs": {"task": "foundation.resume_abandoned_jobs", "schedule": timedelta(minutes=5)},
    "send reminders": {"task": "experiments.send_reminders", "schedule": timedelta(hours=1)},
    "remove old exports": {"task": "experiments.purge_exports", "schedule": timedelta(days=1)},
    "remove old reports of imports": {"task": "omop.purge_import_reports", "schedule": timedelta(days=1)},
}
EXPORT_DAYS = env.int("EXPORT_DAYS", default=30)  # archives hold people's answers
if EXPORT_DAYS < 1:
    raise ImproperlyConfigured("EXPORT_DAYS must be 1 or more: archives are kept for so many days.")
EXPORT_LIFETIME = timedelta(days=EXPORT_DAYS)
IMPORT_REPORT_DAYS = env.int("IMPORT_REPORT_DAYS", default=90)  # reports of imports quote cells of the files
if IMPORT_REPORT_DAYS < 1:
    raise ImproperlyConfigured("IMPORT_REPORT_DAYS must be 1 or more: reports of imports are kept for so many days.")
CELERY_TASK_ACKS_LATE = True  # jobs are safe to run again
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TIMEZONE = "UTC"
JOB_RUNNER = env.str("JOB_RUNNER", default="celery" if CELERY_BROKER_URL else "process")
if JOB_RUNNER not in {"celery", "process", "inline"}:
    raise ImproperlyConfigured(f"JOB_RUNNER is {JOB_RUNNER!r}; it must be celery, process or inline.")
if JOB_RUNNER == "celery" and not CELERY_BROKER_URL:
    raise ImproperlyConfigured("JOB_RUNNER is celery, but CELERY_BROKER_URL is not set, e.g. redis://127.0.0.1:6379/0")
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(VAR_DIR / "files")))  # uploads and exports; never served as files

OMOP_IMPORT_FOLDERS: list[str] = env.list("OMOP_IMPORT_FOLDERS", default=[])
if not all(Path(folder).is_absolute() for folder in OMOP_IMPORT_FOLDERS):
    raise ImproperlyConfigured("OMOP_IMPORT_FOLDERS must be absolute paths, separated by commas, e.g. /srv/omop")
OMOP_UPLOAD_MAX_MB = env.int("OMOP_UPLOAD_MAX_MB", default=1_000)  # of one upload, all its files together
if OMOP_UPLOAD_MAX_MB < 1:
    raise ImproperlyConfigured("OMOP_UPLOAD_MAX_MB must be 1 or more: an upload may have so many megabytes.")

CACHE_URL = env.str("CACHE_URL", default="")
CACHES = {
    "default": env.cache_url_config(CACHE_URL)
    if CACHE_URL
    # Throttles count across processes, so the cache is shared: the database's, until a Redis is named.
    else {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "foundation_cache"}
}

# --- Mail

if PRODUCTION:
    vars().update(env.email_url("EMAIL_URL", default="smtp://localhost:25"))
elif ENVIRONMENT == "demo":
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(VAR_DIR / "mail")
EMAIL_TIMEOUT = 30  # seconds; without it a mail server that says nothing would hold a worker for ever
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="AugMed <no-reply@localhost>")

# --- Language, time, static files

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("fr", "Français"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "augmed" / "locale"]
FORMAT_MODULE_PATH = ["augmed.formats"]  # English dates as the rest of the world writes them: 21 November 2026, 18:05
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = HTTPS
TIME_ZONE = env.str("TIME_ZONE", default="UTC")  # of times on the screens; what is stored and exported is in UTC
if TIME_ZONE not in available_timezones():
    raise ImproperlyConfigured(f"TIME_ZONE is {TIME_ZONE!r}; it must be a name such as UTC or Europe/Berlin.")
USE_I18N = True
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = not PRODUCTION  # outside production files come from the apps: there is no STATIC_ROOT to read

# --- Small tables through the admin (the bulk import is manage.py import_omop)

IMPORT_EXPORT_FORMATS = [import_export_formats.CSV, import_export_formats.XLSX]
IMPORT_EXPORT_USE_TRANSACTIONS = True
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True
ADMIN_IMPORT_MAX_ROWS = env.int("ADMIN_IMPORT_MAX_ROWS", default=20_000)

# --- Logging: to standard error; never answers, tokens or patient data

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"shortened_paths": {"()": "augmed.foundation.secret_paths.ShortenedPaths"}},
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {
        "handlers": ["console"],
        "level": env.str("LOG_LEVEL", default="INFO" if PRODUCTION else "WARNING"),
    },
    "loggers": {
        "axes": {"level": "ERROR"},
        # Both write the path of a refused request.
        "django.request": {"filters": ["shortened_paths"]},
        "django.security.csrf": {"filters": ["shortened_paths"]},
        # At DEBUG it writes all that a template was given: cases, and the addresses of links.
        "django.template": {"level": "INFO"},
    },
}

if ENVIRONMENT == "test":
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *PASSWORD_HASHERS[-1:]]
    EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    JOB_RUNNER = env.str("JOB_RUNNER", default="inline")
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
