/**
 * What an answer says, or the failure to get one.
 *
 * @module
 */
import type { Field } from "../../exchange/fields.ts";
import type { ProbeAnswer, ProbeError } from "../../transport/probe.ts";

/** The first value of a field, null without one. */
export function valueOf(
  fields: readonly Field[],
  name: string,
): string | null {
  return fields.find(([each]) => each === name)?.[1] ?? null;
}

/** All values of a field. */
export function valuesOf(fields: readonly Field[], name: string): string[] {
  return fields.filter(([each]) => each === name).map(([, value]) => value);
}

/** The answer of a proxy without one of an upstream. */
export function isGatewayError({ status }: ProbeAnswer): boolean {
  return status === 502 || status === 504;
}

/** Whether a TLS record (RFC 8446 section 5.1) has come: an alert or a handshake. */
export function isTls(received: string): boolean {
  return received.startsWith("\x15\x03") || received.startsWith("\x16\x03");
}

/** What the system says of a failure. */
export function reasonOf(error: ProbeError): string {
  const { cause } = error;
  const words = cause instanceof Error ? cause.message : error.failure;
  return words.replace(/ \(os error \d+\)/, "");
}

/** The first words of a body, without its tags. */
export function excerpt({ body }: ProbeAnswer): string {
  const text = body.replace(
    /<(style|script|title)[\s\S]*?<\/\1>|<[^>]*>/gi,
    " ",
  )
    .replace(/\s+/g, " ").trim();
  return text.slice(0, 100) || "(no text)";
}
