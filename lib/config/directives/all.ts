/**
 * All directives but those that hold others of these: `locations`, `servers`
 * and `upstreams` are in schema.ts.
 *
 * @module
 */
import type * as v from "valibot";
import { client } from "./client.ts";
import { limits } from "./limits.ts";
import { listen } from "./listen.ts";
import { log } from "./log.ts";
import { process } from "./process.ts";
import { proxy } from "./proxy.ts";
import { websocket } from "./websocket.ts";

/** By name; in this order they stand in the JSON Schema. */
export const directives = {
  ...listen,
  ...proxy,
  ...client,
  ...websocket,
  ...limits,
  ...log,
  ...process,
};

type All = typeof directives;

/** The values of the directives that locations inherit, under their names. */
export type Inherited = {
  readonly [
    Name in keyof All as All[Name]["kind"] extends "inherited" ? Name : never
  ]: v.InferOutput<All[Name]["value"]>;
};

/** What a location may have of {@link Inherited} itself. */
export type Set<Values> = { readonly [Name in keyof Values]?: Values[Name] };
