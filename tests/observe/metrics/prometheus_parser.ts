/**
 * Prometheus's own parsers, those of its client for Python (PyPI's
 * `prometheus-client`): of OpenMetrics, which is strict, and of the older text.
 *
 * @module
 */
import { findProgram } from "../../support/skip.ts";
import type { Format } from "../../../lib/observe/metrics/openmetrics.ts";

export interface ParsedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

export interface PrometheusParser {
  /** Why it can't be had; null if it can. */
  readonly missing: string | null;
  /** @throws {Error} with the parser's words, if it does not read the text. */
  parse(text: string, format: Format): Promise<ParsedFamily[]>;
}

const SCRIPT = `
import json, sys
if sys.argv[1] == "openmetrics":
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
else:
    from prometheus_client.parser import text_string_to_metric_families
print(json.dumps([
    {
        "name": family.name,
        "type": family.type,
        "help": family.documentation,
        "samples": [
            {"name": it.name, "labels": it.labels, "value": it.value}
            for it in family.samples
        ],
    }
    for family in text_string_to_metric_families(sys.stdin.read())
]))
`;

export function prometheusParser(): PrometheusParser {
  const python = findProgram("python3");
  return {
    missing: python === undefined
      ? "python3 not installed"
      : hasModule(python)
      ? null
      : "Python's prometheus-client not installed",
    async parse(text, format) {
      const process = new Deno.Command(python ?? "python3", {
        args: ["-c", SCRIPT, format],
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const output = process.output();
      const input = process.stdin.getWriter();
      await input.write(new TextEncoder().encode(text));
      await input.close();
      const { success, stdout, stderr } = await output;
      if (!success) throw new Error(new TextDecoder().decode(stderr));
      return JSON.parse(new TextDecoder().decode(stdout));
    },
  };
}

function hasModule(python: string): boolean {
  return new Deno.Command(python, {
    args: ["-c", "import prometheus_client"],
    stdout: "null",
    stderr: "null",
  }).outputSync().success;
}
