export { Linked } from "./host.ts";
export { LINK_ATTACKS, requireLinksWork } from "./links.ts";
