export { declareAuthority } from "./authority-commands.ts";
