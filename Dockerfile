# Three stages: front-end packages, Python packages, and a last one with neither npm nor pip's cache.

FROM node:22.20-bookworm-slim AS front-end
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM python:3.12-slim-bookworm AS packages
WORKDIR /app
COPY requirements.txt ./
RUN python -m venv /app/.venv \
    && /app/.venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements.txt
COPY placewise ./placewise
# The process that reads a file may write nothing, and would compile its modules anew for every file.
RUN /app/.venv/bin/python -m compileall -q placewise
COPY --from=front-end /build/node_modules ./node_modules
RUN /app/.venv/bin/python -m placewise.web.assets && rm -rf node_modules

FROM python:3.12-slim-bookworm
# Debian's own security updates matter more here than a version fixed on the day of writing.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-liberation libseccomp2 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --shell /usr/sbin/nologin placewise \
    && install --directory --owner=placewise --mode=0700 /data
WORKDIR /app
COPY --from=packages /app ./
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PLACEWISE_ENV=production \
    PLACEWISE_DATA_DIR=/data \
    NUMBA_CACHE_DIR=/tmp/compiled \
    PLACEWISE_BIND=0.0.0.0 \
    PLACEWISE_PORT=8000
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["python", "-m", "placewise"]
CMD ["serve"]
