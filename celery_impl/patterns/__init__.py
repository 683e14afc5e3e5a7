"""The capability patterns on Celery and Redis, a module a row."""
