export { asOperator } from "./operator-client.ts";
export { serveOperatorHttp } from "./operator-http.ts";
