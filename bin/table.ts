export { renderTable } from '../lambda/core/report/columns.ts';
