import { usdText } from '../../kernel/money.ts';
import { type Day, dayStartsAtEpochMs, daysOf, MS_PER_DAY, utcText } from '../../kernel/period.ts';
import type { NamedRow, WeeklyReport } from '../weekly-report.ts';
import { type Cell, renderCells } from './csv.ts';
import { chargesOf, type FocusCharge } from './focus-charges.ts';

/** The version of the FinOps Open Cost and Usage Specification that the export conforms to (focus.finops.org, read 2026-11-25). */
export const FOCUS_VERSION = '1.2';

/**
 * The columns of FOCUS 1.2: all mandatory ones, the conditional ones that apply to something with resources, unit prices,
 * sub-accounts and tags, and two of our own, which begin with `x_` as the specification wants.
 */
const COLUMNS: Readonly<Record<string, (charge: FocusCharge, row: NamedRow, report: WeeklyReport) => Cell>> = {
  BilledCost: costOf,
  BillingAccountId: (_, __, { environmentName }) => ({ text: `groq-gateway-${environmentName}` }),
  BillingAccountName: (_, __, { environmentName }) => ({ text: `Groq gateway ${environmentName}` }),
  BillingAccountType: () => ({ text: 'Environment' }),
  BillingCurrency: () => ({ text: 'USD' }),
  BillingPeriodEnd: (_, { day }) => ({ text: endOf(daysOf(day.slice(0, 7)).to) }),
  BillingPeriodStart: (_, { day }) => ({ text: startOf(daysOf(day.slice(0, 7)).from) }),
  ChargeCategory: () => ({ text: 'Usage' }),
  // Only what corrects a month that has been invoiced has a class: the ledgers correct within the month.
  ChargeClass: () => undefined,
  ChargeDescription: ({ meter, isAssumed }, { model }) => ({
    text: `${meter} of ${model}${isAssumed ? ': calls whose outcome never came, at the most they can have cost' : ''}`,
  }),
  ChargeFrequency: () => ({ text: 'Usage-Based' }),
  ChargePeriodEnd: (_, { day }) => ({ text: endOf(day) }),
  ChargePeriodStart: (_, { day }) => ({ text: startOf(day) }),
  ConsumedQuantity: ({ consumedQuantity }) => ({ figure: consumedQuantity }),
  ConsumedUnit: ({ consumedUnit }) => ({ text: consumedUnit }),
  ContractedCost: costOf,
  ContractedUnitPrice: ({ unitPriceUsd }) => ({ figure: unitPriceUsd }),
  EffectiveCost: costOf,
  InvoiceIssuerName: () => ({ text: 'Groq' }),
  ListCost: costOf,
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
  // Tags of the provider's own bear a prefix.
  Tags: (_, { model }, { environmentName }) => ({
    text: JSON.stringify({ 'groq-gateway:environment': environmentName, 'groq-gateway:model': model }),
  }),
  x_IsAssumed: ({ isAssumed }) => ({ text: String(isAssumed) }),
  x_Model: (_, { model }) => ({ text: model }),
};

/** Weeks as a FOCUS cost export in CSV: a row a charge, in exact dollars, which add up to what the ledgers have spent. */
export function renderFocus(reports: readonly WeeklyReport[]): string {
  const columns = Object.values(COLUMNS);
  const rows = reports.flatMap((report) =>
    report.rows.flatMap((row) =>
      chargesOf(row, report.prices.get(row.model)).map((charge) =>
        columns.map((column) => column(charge, row, report)),
      ),
    ),
  );
  return renderCells(Object.keys(COLUMNS), rows);
}

/** The gateway knows no discounts: what is billed, listed and in effect is one. */
function costOf({ costPicoUsd }: FocusCharge): Cell {
  return { figure: usdText(costPicoUsd) };
}

function startOf(day: Day): string {
  return utcText(dayStartsAtEpochMs(day) ?? 0);
}

/** Exclusive, as FOCUS has it: the next midnight. */
function endOf(day: Day): string {
  return utcText((dayStartsAtEpochMs(day) ?? 0) + MS_PER_DAY);
}
