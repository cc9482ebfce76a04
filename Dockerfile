# The image that an init container installs k8psh from: `--install /k8psh/bin/k8pshd` on a shared volume.
#
#     make image
#
# fills build/wheels and builds it; nothing is fetched while the image is built. The base is any image with
# Python 3.11 or later and its venv module.
ARG BASE=python:3.11-slim
FROM ${BASE}
RUN --mount=type=bind,source=build/wheels,target=/wheels \
    python3 -m venv /opt/k8psh && \
    /opt/k8psh/bin/python -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-index \
        --find-links=/wheels k8psh
LABEL org.opencontainers.image.title="k8psh" \
      org.opencontainers.image.description="Run a program of one container of a Pod from another" \
      org.opencontainers.image.licenses="MIT"
ENTRYPOINT ["/opt/k8psh/bin/k8psh"]
CMD ["--version"]
