#!/usr/bin/env bash
# Runs an image as its users are told to: it starts, is healthy by its own
# health check, answers, takes over a config, and ends when it is asked to.
# Usage: run-image.sh IMAGE
set -euo pipefail

docker run --detach --name sameorigin --read-only --cap-drop ALL \
  --security-opt no-new-privileges --publish 9000:9000 "$1"
trap 'docker logs sameorigin; docker rm --force sameorigin' EXIT

# The first look of the health check comes within its interval.
for _ in $(seq 60); do
  health=$(docker inspect --format '{{.State.Health.Status}}' sameorigin)
  test "$health" != starting && break
  sleep 1
done
test "$health" = healthy

# No upstream is there: the proxy says so by itself.
status=$(curl --silent --output /dev/null --write-out '%{http_code}' \
  http://localhost:9000/)
test "$status" = 502

docker exec sameorigin /sameorigin reload -c /etc/sameorigin/config.yaml

docker stop -t 20 sameorigin
code=$(docker inspect --format '{{.State.ExitCode}}' sameorigin)
test "$code" = 0
