# The image of any service: buildah bud -f docker/service.Dockerfile --build-arg SERVICE=queue .
# The base is an argument so that a registry of one's own, or a digest, can be named.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS built
ARG SERVICE
RUN python -m venv /uv && /uv/bin/pip install --no-cache-dir --quiet uv==0.13.9
WORKDIR /app
COPY requirements.lock ./
COPY libs/mpp libs/mpp
COPY libs/contracts libs/contracts
COPY services/${SERVICE} services/${SERVICE}
# What is locked is what comes in: every version and hash is the lock's, and only what this service needs.
RUN python -m venv --without-pip /venv \
    && /uv/bin/uv pip install --quiet --system-certs --no-cache --no-sources --compile-bytecode --python /venv/bin/python \
        --constraint requirements.lock --editable libs/mpp --editable libs/contracts --editable "services/${SERVICE}" \
    && rm requirements.lock \
    && /venv/bin/python -m compileall -q libs services \
    && printf '#!/bin/sh\nexec /venv/bin/python -m %s_service "$@"\n' "${SERVICE}" > /venv/bin/service \
    && chmod 755 /venv/bin/service

FROM ${BASE}
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MPP_HOST=0.0.0.0 \
    MPP_PORT=8000
COPY --from=built /venv /venv
COPY --from=built /app /app
WORKDIR /app
# A number, so that Kubernetes can see for itself that it is not root; nothing here is writable to it.
USER 65532:65532
EXPOSE 8000
ENTRYPOINT ["/venv/bin/service"]
CMD ["serve"]
