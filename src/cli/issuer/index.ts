export { asOperator } from "./as-operator.ts";
export { declareIssuer } from "./issuer-commands.ts";
