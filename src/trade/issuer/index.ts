export { readSaleTerms } from "./read-sale-terms.ts";
export { SaleDesk } from "./sale-desk.ts";
