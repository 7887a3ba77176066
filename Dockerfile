# syntax=docker/dockerfile:1

# Compiles on the builder's own platform, for the image's.
FROM --platform=$BUILDPLATFORM denoland/deno:debian-2.9.6 AS build
WORKDIR /src
COPY deno.json deno.lock config.yaml main.ts ./
COPY tools tools
COPY lib lib
# @std comes from JSR, in the version of deno.lock, or there is no image. On a
# network that reaches only npm: --build-arg SAMEORIGIN_STD=npm.
ARG SAMEORIGIN_STD=jsr
ARG TARGETARCH
# Not by deno task, which would install the packages of the tests too.
RUN case "$TARGETARCH" in \
      amd64) target=x86_64-unknown-linux-gnu ;; \
      arm64) target=aarch64-unknown-linux-gnu ;; \
      *) echo "no executable for $TARGETARCH" >&2; exit 1 ;; \
    esac \
    && deno run -A tools/compile.ts --target "$target" --output /out/sameorigin \
    && mkdir /out/state

# glibc and libgcc, which the executable is linked with, and no shell.
FROM gcr.io/distroless/cc-debian13:nonroot
COPY --from=build /out/sameorigin /sameorigin
COPY config.yaml /etc/sameorigin/config.yaml
# The state_dir of acme, for a volume: with it a new container asks for no new
# certificates. Nothing is written anywhere else.
COPY --from=build --chown=65532:65532 /out/state /var/lib/sameorigin
# Where the config is looked for.
WORKDIR /etc/sameorigin
USER 65532:65532
EXPOSE 9000
STOPSIGNAL SIGTERM
# It asks the proxy that runs and reads no file, which may have been broken
# since. A config that listens elsewhere needs a health check with its port.
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s --retries=3 \
  CMD ["/sameorigin", "health", "--listen", "9000"]
ENTRYPOINT ["/sameorigin"]
CMD ["run", "-c", "/etc/sameorigin/config.yaml"]
