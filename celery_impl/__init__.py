"""The jobs on Celery and Redis."""
