export { readSaleTerms, SaleDesk } from "./sale-desk.ts";
