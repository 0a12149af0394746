export { declareMcp } from "./mcp-command.ts";
