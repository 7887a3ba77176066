import assert from "node:assert/strict";
import { startFrontend } from "../../demo/frontend.ts";
import { matchLocations } from "./locations.ts";
