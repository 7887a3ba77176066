/**
 * `sameorigin init`: writes a config to start from.
 *
 * @module
 */
import { DEFAULT_NAME } from "./config_reader.ts";
import { FAILURE, OK } from "./exit_code.ts";
import { failure, type Terminal } from "./terminal.ts";

/** The config that is written: three services, and the most used directives. */
export const STARTER = `\
# The config of sameorigin. Directives are named as in nginx.
# After a change: sameorigin check
# Which location takes a request: sameorigin explain GET /api/rooms/
#
# An editor checks this file while you type once a schema is beside it
# (sameorigin schema > config.schema.json) and a comment here reads
# "yaml-language-server: $schema=./config.schema.json".

# 9000 is on all addresses; "127.0.0.1:9000" on this machine only.
listen: 9000

# The names the site has. The first is $server_name.
server_name: [localhost, 127.0.0.1]

# The services behind. \${NAME:-default} is an environment variable.
upstreams:
  backend: \${BACKEND:-localhost:8000}
  frontend: \${FRONTEND:-localhost:5173}
  # centrifugo: \${CENTRIFUGO:-localhost:8001}

# What each upstream is told about the request. These are the defaults.
# proxy_set_header:
#   Host: $http_host
#   X-Real-IP: $remote_addr
#   X-Forwarded-For: $proxy_add_x_forwarded_for
#   X-Forwarded-Host: $http_host
#   X-Forwarded-Proto: $scheme

# Which paths go where. The longest prefix wins, whatever the order.
# WebSockets need nothing more.
locations:
  /api: http://backend
  /admin: http://backend
  /static: http://backend
  # /connection/websocket: http://centrifugo
  /: http://frontend

  # With directives of its own:
  # /upload:
  #   proxy_pass: http://backend
  #   client_max_body_size: 100m    # 1m where nothing is said
  #   proxy_read_timeout: 5m        # 60s where nothing is said

# The access log: combined (nginx's format) or json.
# log_format: combined

# Error pages that say which upstream failed and what to do: not in public.
# dev: true
`;

/**
 * Writes `config.yaml` into the working directory, never over an existing file.
 * Without the permission to write files, which the executable does not have,
 * prints the text instead: `sameorigin init > config.yaml`.
 */
export function init(terminal: Terminal): number {
  const { state } = Deno.permissions.querySync({
    name: "write",
    path: DEFAULT_NAME,
  });
  if (state !== "granted") {
    terminal.print(STARTER);
    if (terminal.outputIsTerminal) {
      terminal.note(
        `\nNo file is written. To write it: sameorigin init > ${DEFAULT_NAME}\n`,
      );
    }
    return OK;
  }
  try {
    Deno.writeTextFileSync(DEFAULT_NAME, STARTER, { createNew: true });
  } catch (error) {
    const why = error instanceof Deno.errors.AlreadyExists
      ? "it already exists"
      : error instanceof Error
      ? error.message
      : String(error);
    failure(terminal, `${DEFAULT_NAME} is not written: ${why}`);
    return FAILURE;
  }
  terminal.note(`${DEFAULT_NAME} is written. Next: sameorigin check\n`);
  return OK;
}
