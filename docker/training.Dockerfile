# Training with open_clip, and the evaluation. The wheels of torch bring CUDA; the host brings the driver.
#
#   docker build -f docker/training.Dockerfile -t pmc15m-training .
#   docker run --gpus all --ipc=host -v RELEASE:/release:ro -v RUNS:/runs pmc15m-training --help
ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python3 -m venv /opt/venv
COPY constraints-train.txt ./
RUN /opt/venv/bin/pip install --require-hashes --only-binary :all: -r constraints-train.txt
COPY pyproject.toml README.md LICENSE ./
COPY pmc15m pmc15m
COPY pipelines pipelines
RUN /opt/venv/bin/pip install --no-deps --no-build-isolation . && /opt/venv/bin/pip check

FROM python:${PYTHON_VERSION}-slim
ARG REVISION=unknown
LABEL org.opencontainers.image.title="pmc15m-training" \
      org.opencontainers.image.description="CLIP training and evaluation on releases of pmc15m" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/venv /opt/venv
# No wheel holds these two: `eval` is no name for site-packages.
COPY training /opt/pmc15m/training
COPY eval /opt/pmc15m/eval
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin pmc15m \
    && install --directory --owner=pmc15m --group=pmc15m /runs
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/pmc15m
WORKDIR /runs
USER 10001
ENTRYPOINT ["python", "-m", "training"]
