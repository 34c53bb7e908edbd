# Images, made by `make docker-build`:
#   train   the main job and every command, on a GPU host or, with CPU=1, without one; those that need an extra of
#           pyproject.toml with EXTRAS=baselines,teach
#   serve   a bundle behind HTTP, without torch # needs project/serve
# Packages are those of requirements/, whose README says what is guaranteed.
ARG BASE_IMAGE=python:3.11.14-slim-bookworm

FROM ${BASE_IMAGE} AS base
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONUNBUFFERED=1 \
    PATH=/opt/venv/bin:$PATH

# needs project/serve
# ---- serve -------------------------------------------------------------------------------------------------------
FROM base AS serve-packages
RUN python -m venv --without-pip /opt/venv
COPY requirements/build.txt requirements/serve.txt /source/requirements/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --only-binary :all: --require-hashes -r /source/requirements/build.txt && \
    pip --python /opt/venv/bin/python install --no-deps --only-binary :all: --require-hashes \
      -r /source/requirements/serve.txt
COPY pyproject.toml setup.py README.md LICENSE /source/
COPY project /source/project
COPY configs /source/configs
# built by the setuptools of build.txt, outside of the environment that is served from
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels /source && \
    pip --python /opt/venv/bin/python install --no-deps --no-index /wheels/*.whl

# needs project/serve
FROM base AS serve
COPY --from=serve-packages /opt/venv /opt/venv
# any user, with no home and nothing to write: the root file system may be read-only
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["sentiment", "serve", "/bundle", "--host", "0.0.0.0", "--port", "8000"]

# ---- train -------------------------------------------------------------------------------------------------------
FROM base AS train
# the index of torch and of nothing else: https://download.pytorch.org/whl/cpu has its build without CUDA
ARG TORCH_INDEX=
# with pip, through which the corpora come
RUN python -m venv /opt/venv
COPY requirements/torch.txt /app/requirements/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --only-binary :all: ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} -r /app/requirements/torch.txt
COPY requirements /app/requirements
# the CUDA packages where torch's own metadata asks for them
RUN --mount=type=cache,target=/root/.cache/pip \
    if grep -q '^Requires-Dist: cuda' /opt/venv/lib/python*/site-packages/torch-*/METADATA; then set -- -r cuda.txt; fi && \
    cd /app/requirements && \
    pip install --no-deps --only-binary :all: --require-hashes -r build.txt -r main.txt "$@"
# names with commas between them: one file of requirements/ each
ARG EXTRAS=
RUN --mount=type=cache,target=/root/.cache/pip \
    cd /app/requirements && for extra in $(echo "$EXTRAS" | tr , ' '); do \
      pip install --no-deps --only-binary :all: --require-hashes -r "$extra.txt" || exit 1; \
    done
COPY pyproject.toml setup.py README.md LICENSE /app/
COPY project /app/project
COPY configs /app/configs
RUN pip install --no-deps --no-build-isolation --editable /app
# whatever a run reads and writes is in /volume, which is a volume: data, caches, logs, checkpoints.
# USER: --user may give an id that has no name, and libraries ask for one
ENV HOME=/volume \
    USER=sentiment \
    XDG_CACHE_HOME=/volume/.cache \
    XDG_CONFIG_HOME=/volume/.config
RUN mkdir /volume && chown 10001:10001 /volume
VOLUME /volume
WORKDIR /volume
USER 10001:10001
ENTRYPOINT ["sentiment"]
CMD ["fit"]
