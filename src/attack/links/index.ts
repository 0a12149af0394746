export { LINK_ATTACKS, requireLinksWork } from "./links.ts";
