# k8psh in an image of its own: an init container of it installs k8psh for the others of the Pod, by
# `--install /k8psh/bin/k8pshd` on a volume that they share. Nothing else is in it, not even a shell.
#
#     make image                    this machine's architecture
#     make image ARCH=arm64         another one, under emulation (qemu-user-static)
#
# The build stage may be any Debian; where it has all the packages, and PIP names a directory of wheels, it
# needs no network.
ARG BASE=debian:12-slim
FROM ${BASE} AS bundle
ARG PIP=
WORKDIR /src
COPY packaging/apt-install packaging/apt-install
RUN command -v musl-gcc make objdump python3-config >/dev/null || \
    packaging/apt-install binutils gcc libc-bin libpython3-dev make musl-tools python3-venv
COPY requirements.lock build/wheels* wheels/
RUN python3 -m venv /venv && \
    /venv/bin/python -m pip install --quiet --disable-pip-version-check --no-cache-dir ${PIP} \
        --constraint=wheels/requirements.lock pyinstaller pyyaml trio
COPY . .
RUN make --quiet --directory=native && /venv/bin/python packaging/bundle/build.py

FROM scratch AS release
COPY --from=bundle /src/dist/k8psh/ /
LABEL org.opencontainers.image.title="k8psh" \
      org.opencontainers.image.description="Run a program of one container of a Pod from another" \
      org.opencontainers.image.licenses="MIT"
ENTRYPOINT ["/bin/k8psh"]
CMD ["--version"]

# `--target=debug`: every part says what it does. Called by its own name: containers that it installs k8psh
# for set K8PSH_DEBUG themselves.
FROM release AS debug
ENV K8PSH_DEBUG=All

FROM release
