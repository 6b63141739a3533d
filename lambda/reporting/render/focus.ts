import { toUsdString } from '../../kernel/money.ts';
import { type Day, dayStartEpochMs, formatUtc, MS_PER_DAY, periodDayRange } from '../../kernel/period.ts';
import type { NamedUsageRow, WeeklyReport } from '../weekly-report.ts';
import { type CsvCell, renderCsvRows } from './csv.ts';
import { type FocusCharge, splitIntoCharges } from './focus-charges.ts';

/** Version of the FinOps Open Cost and Usage Specification of the export (focus.finops.org, read 2026-11-25). */
export const FOCUS_VERSION = '1.2';

/**
 * Columns of FOCUS 1.2: all mandatory ones, the conditional ones for providers with resources, unit prices, sub-accounts
 * and tags, and two custom ones, which begin with `x_` as the specification requires.
 */
const COLUMNS: Readonly<Record<string, (charge: FocusCharge, row: NamedUsageRow, report: WeeklyReport) => CsvCell>> = {
  BilledCost: costCell,
  BillingAccountId: (_, __, { environmentName }) => ({ text: `groq-gateway-${environmentName}` }),
  BillingAccountName: (_, __, { environmentName }) => ({ text: `Groq gateway ${environmentName}` }),
  BillingAccountType: () => ({ text: 'Environment' }),
  BillingCurrency: () => ({ text: 'USD' }),
  BillingPeriodEnd: (_, { day }) => ({ text: endOfDay(periodDayRange(day.slice(0, 7)).to) }),
  BillingPeriodStart: (_, { day }) => ({ text: startOfDay(periodDayRange(day.slice(0, 7)).from) }),
  ChargeCategory: () => ({ text: 'Usage' }),
  // Only corrections of an invoiced month have a class; the ledgers correct within the month.
  ChargeClass: () => undefined,
  ChargeDescription: ({ meter, isAssumed }, { model }) => ({
    text: `${meter} of ${model}${isAssumed ? ': calls whose outcome never arrived, at their maximum cost' : ''}`,
  }),
  ChargeFrequency: () => ({ text: 'Usage-Based' }),
  ChargePeriodEnd: (_, { day }) => ({ text: endOfDay(day) }),
  ChargePeriodStart: (_, { day }) => ({ text: startOfDay(day) }),
  ConsumedQuantity: ({ consumedQuantity }) => ({ figure: consumedQuantity }),
  ConsumedUnit: ({ consumedUnit }) => ({ text: consumedUnit }),
  ContractedCost: costCell,
  ContractedUnitPrice: ({ unitPriceUsd }) => ({ figure: unitPriceUsd }),
  EffectiveCost: costCell,
  InvoiceIssuerName: () => ({ text: 'Groq' }),
  ListCost: costCell,
  ListUnitPrice: ({ unitPriceUsd }) => ({ figure: unitPriceUsd }),
  PricingCategory: () => ({ text: 'Standard' }),
  PricingQuantity: ({ pricingQuantity }) => ({ figure: pricingQuantity }),
  PricingUnit: ({ pricingUnit }) => ({ text: pricingUnit }),
  ProviderName: () => ({ text: 'Groq' }),
  PublisherName: () => ({ text: 'Groq' }),
  ResourceId: (_, { keyId }) => ({ text: keyId }),
  ResourceName: (_, { keyName }) => ({ text: keyName }),
  ResourceType: () => ({ text: 'Gateway Key' }),
  ServiceCategory: () => ({ text: 'AI and Machine Learning' }),
  ServiceName: () => ({ text: 'Groq API' }),
  ServiceSubcategory: () => ({ text: 'Generative AI' }),
  SkuId: ({ sku }, { model }) => ({ text: `${model}/${sku}` }),
  SkuMeter: ({ meter }) => ({ text: meter }),
  SkuPriceId: ({ sku, unitPriceUsd }, { model }) => ({ text: `${model}/${sku}@${unitPriceUsd}` }),
  SubAccountId: (_, { team }) => ({ text: team }),
  SubAccountName: (_, { team }) => ({ text: team }),
  SubAccountType: () => ({ text: 'Team' }),
  // FOCUS requires a prefix on tags that the provider defines.
  Tags: (_, { model }, { environmentName }) => ({
    text: JSON.stringify({ 'groq-gateway:environment': environmentName, 'groq-gateway:model': model }),
  }),
  x_IsAssumed: ({ isAssumed }) => ({ text: String(isAssumed) }),
  x_Model: (_, { model }) => ({ text: model }),
};

/** Renders weeks as a FOCUS cost export in CSV with one row per charge. Amounts are exact and add up to the ledgers' spending. */
export function renderFocus(reports: readonly WeeklyReport[]): string {
  const columns = Object.values(COLUMNS);
  const rows = reports.flatMap((report) =>
    report.rows.flatMap((row) =>
      splitIntoCharges(row, report.prices.get(row.model)).map((charge) =>
        columns.map((column) => column(charge, row, report)),
      ),
    ),
  );
  return renderCsvRows(Object.keys(COLUMNS), rows);
}

/** The billed cost, which is also the list and effective cost, as there are no discounts. */
function costCell({ costPicoUsd }: FocusCharge): CsvCell {
  return { figure: toUsdString(costPicoUsd) };
}

function startOfDay(day: Day): string {
  return formatUtc(dayStartEpochMs(day) ?? 0);
}

/** The next midnight, because FOCUS periods exclude their end. */
function endOfDay(day: Day): string {
  return formatUtc((dayStartEpochMs(day) ?? 0) + MS_PER_DAY);
}
