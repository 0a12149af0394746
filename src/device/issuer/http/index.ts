export { serveOperatorHttp } from "./hardening.ts";
export { asOperator } from "./operator-client.ts";
