export { asOperator } from "./as-operator.ts";
export { addIssuerCommands } from "./issuer-commands.ts";
