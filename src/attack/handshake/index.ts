export { HANDSHAKE_ATTACKS } from "./handshake-attacks.ts";
