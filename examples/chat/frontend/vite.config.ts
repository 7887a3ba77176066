import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// What the browser sees is the proxy in front, on whatever host and port it
// has. So no name is refused here, and hmr has no port: Vite's client then asks
// for its WebSocket where the page came from.
const behindProxy = {
  host: "127.0.0.1",
  port: 5173,
  strictPort: true,
  allowedHosts: true,
} as const;

export default defineConfig({
  plugins: [react()],
  server: behindProxy,
  preview: behindProxy,
});
