export { declareIssuer } from "./issuer-commands.ts";
