/**
 * Commands to copy.
 */

/** The same request on a command line; what was masked is to be filled in. */
export function curl({ method, scheme, received }) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const host = received.fields.find(([name]) => name === "host")?.[1] ?? "";
  const fields = received.fields
    .filter(([name]) =>
      !["host", "content-length", "connection"].includes(name)
    )
    .map(([name, value]) => `  -H ${quoted(`${name}: ${value}`)}`);
  return [
    `curl ${method === "HEAD" ? "-I" : `-i -X ${method}`} ` +
    quoted(`${scheme}://${host}${received.target}`),
    ...fields,
  ].join(" \\\n");
}

/** The command that says what another config would do with it. */
export const explainCommand = ({ id }) =>
  `sameorigin explain --recorded '${id}' -c proposed.yaml`;
