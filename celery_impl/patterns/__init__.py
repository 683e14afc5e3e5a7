"""The capability patterns on Celery on Redis, a module a row."""
