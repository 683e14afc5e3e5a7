# One image for every part: the facade, the workers of both engines, the effect sink, Flower, Locust.
#
#   docker build -t changeover .
#
# Which build of torch goes in is pip's choice. The plain index gives the CUDA build on Linux; for a
# CPU build, or another CUDA version, name the index that PyTorch's install page gives for it:
#
#   docker build -t changeover --build-arg PIP_EXTRA_INDEX_URL=<that index> .
#
# pip prefers its `2.13.0+cpu` to a plain `2.13.0`, and both satisfy constraints.txt.

ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ARG PIP_EXTRA_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app
# Dependencies first: this layer, by far the largest, is rebuilt only when they change.
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN pip install --constraint constraints.txt '.[images,faces,postgres,monitoring]'
COPY shared shared
COPY celery_impl celery_impl
COPY temporal_impl temporal_impl
COPY bench bench
RUN pip install --no-deps --editable .

FROM ${PYTHON_IMAGE}
RUN useradd --uid 10001 --create-home changeover \
    && install --directory --owner=changeover /var/lib/changeover/artifacts \
        /var/lib/changeover/effects /var/lib/changeover/models /var/lib/changeover/load
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HF_HOME=/var/lib/changeover/models
# Which build ran what: `--build-arg BUILD_ID=$(git describe --always --dirty)`. There is no git tree
# in the image, so without it a build is called by the package's version.
ARG BUILD_ID
ENV CHANGEOVER_BUILD_ID=${BUILD_ID}
USER 10001
WORKDIR /home/changeover
# No entrypoint: a service names its command, and its init (compose: `init: true`) hands signals on.
CMD ["python", "-m", "shared.facade", "--host", "0.0.0.0", "--port", "8000"]
