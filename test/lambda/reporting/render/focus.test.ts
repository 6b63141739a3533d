import { describe, expect, it } from 'vitest';
import { addUsd, type PicoUsd, parseUsd, picoUsd, ZERO_USD } from '../../../../lambda/kernel/money.ts';
import { renderFocus } from '../../../../lambda/reporting/render/focus.ts';
import type { SpendingFacts } from '../../../../lambda/reporting/spending-facts.ts';
import { buildWeeklyReport } from '../../../../lambda/reporting/weekly-report.ts';
import { parseCsv } from '../../../support/parse-csv.ts';
import { spendingWith, usageRow, WEEK } from '../../../support/spending.ts';

/** The 21 columns that FOCUS 1.2 makes mandatory (focus.finops.org/focus-specification/v1-2, read 2026-11-25). */
const MANDATORY = [
  'BilledCost',
  'BillingAccountId',
  'BillingAccountName',
  'BillingCurrency',
  'BillingPeriodEnd',
  'BillingPeriodStart',
  'ChargeCategory',
  'ChargeClass',
  'ChargeDescription',
  'ChargePeriodEnd',
  'ChargePeriodStart',
  'ContractedCost',
  'EffectiveCost',
  'InvoiceIssuerName',
  'ListCost',
  'PricingQuantity',
  'PricingUnit',
  'ProviderName',
  'PublisherName',
  'ServiceCategory',
  'ServiceName',
];
/** Conditional and recommended columns that apply to the gateway. */
const OTHERS = [
  'BillingAccountType',
  'ChargeFrequency',
  'ConsumedQuantity',
  'ConsumedUnit',
  'ContractedUnitPrice',
  'ListUnitPrice',
  'PricingCategory',
  'ResourceId',
  'ResourceName',
  'ResourceType',
  'ServiceSubcategory',
  'SkuId',
  'SkuMeter',
  'SkuPriceId',
  'SubAccountId',
  'SubAccountName',
  'SubAccountType',
  'Tags',
];
/** Columns that must be null on a row that corrects no invoiced month; no other may be null. */
const NULL = ['ChargeClass'];

const prices = {
  inputTokenPicoUsd: picoUsd(75_000n),
  cachedInputTokenPicoUsd: picoUsd(37_500n),
  outputTokenPicoUsd: picoUsd(300_000n),
};
const tokens = { promptTokens: 1_234_567, cachedTokens: 234_567, completionTokens: 89 };
const cost = picoUsd(1_000_000n * 75_000n + 234_567n * 37_500n + 89n * 300_000n);
const priced = (fields: Partial<SpendingFacts> = {}) => ({ prices: new Map([['m', prices]]), ...fields });

function exportCharges(facts: SpendingFacts, ...weeks: readonly string[]) {
  return parseCsv(renderFocus((weeks.length === 0 ? [WEEK] : weeks).map((week) => buildWeeklyReport(facts, week))));
}

function parsePicoUsd(text = ''): PicoUsd {
  const amount = parseUsd(text.replace(/^-/, ''));
  if (amount === undefined) throw new Error(`${text} is not a decimal`);
  return picoUsd(text.startsWith('-') ? -amount : amount);
}

const sumColumn = (rows: readonly Readonly<Record<string, string>>[], column: string) =>
  addUsd(ZERO_USD, ...rows.map((row) => parsePicoUsd(row[column])));

describe('the FOCUS 1.2 export', () => {
  const rows = exportCharges(spendingWith([usageRow({ ...tokens, costPicoUsd: cost })], priced()));

  it('has every mandatory column, the ones that apply, and custom columns with their prefix', () => {
    const columns = Object.keys(rows[0] ?? {});
    expect(columns).toEqual(expect.arrayContaining(MANDATORY));
    const standard = columns.filter((column) => !column.startsWith('x_'));
    expect(new Set(standard)).toEqual(new Set([...MANDATORY, ...OTHERS]));
    expect(new Set(columns).size).toBe(columns.length);
  });

  it('has a null only where the specification requires one', () => {
    for (const row of rows)
      for (const [column, value] of Object.entries(row))
        expect([column, value === '']).toEqual([column, NULL.includes(column)]);
  });

  it('charges each kind of token at its own price', () => {
    expect(rows).toMatchObject([
      {
        SkuId: 'm/input',
        SkuMeter: 'Input Tokens',
        SkuPriceId: 'm/input@0.075',
        PricingQuantity: '1',
        PricingUnit: '1000000 Tokens',
        ListUnitPrice: '0.075',
        BilledCost: '0.075',
        ConsumedQuantity: '1000000',
        ConsumedUnit: 'Tokens',
      },
      { SkuId: 'm/cached-input', PricingQuantity: '0.234567', ListUnitPrice: '0.0375', BilledCost: '0.0087962625' },
      { SkuId: 'm/output', PricingQuantity: '0.000089', ListUnitPrice: '0.3', BilledCost: '0.0000267' },
    ]);
    expect(rows[0]).toMatchObject({
      BillingAccountId: 'groq-gateway-test',
      BillingCurrency: 'USD',
      BillingPeriodStart: '2026-11-01T00:00:00Z',
      BillingPeriodEnd: '2026-12-01T00:00:00Z',
      ChargePeriodStart: '2026-11-18T00:00:00Z',
      ChargePeriodEnd: '2026-11-19T00:00:00Z',
      ChargeCategory: 'Usage',
      ChargeFrequency: 'Usage-Based',
      ServiceCategory: 'AI and Machine Learning',
      SubAccountId: 'a',
      ResourceId: 'k1',
      x_IsAssumed: 'false',
    });
    expect(JSON.parse(rows[0]?.Tags ?? '')).toEqual({ 'groq-gateway:environment': 'test', 'groq-gateway:model': 'm' });
  });

  it('has costs that equal quantity times price and add up to the usage, to the last pico-dollar', () => {
    const many = [
      usageRow({ ...tokens, costPicoUsd: cost }),
      usageRow({ ...tokens, keyId: 'assumed', costPicoUsd: addUsd(cost, picoUsd(3n)), assumedPicoUsd: picoUsd(3n) }),
      usageRow({ ...tokens, keyId: 'repriced', costPicoUsd: addUsd(cost, picoUsd(1n)) }),
      usageRow({ ...tokens, model: 'unpriced', costPicoUsd: picoUsd(12_345_678_901_234_567n) }),
      // A call that was charged its maximum cost on the day before and then turned out to be free.
      usageRow({ keyId: 'corrected', requests: -1, costPicoUsd: picoUsd(-9n), assumedPicoUsd: picoUsd(-9n) }),
      usageRow({ keyId: 'refused', requests: 0, costPicoUsd: ZERO_USD, refusals: { requests_exceeded: 3 } }),
    ];
    const found = exportCharges(spendingWith(many, priced()));
    for (const row of found) {
      for (const column of ['ContractedCost', 'EffectiveCost', 'ListCost']) expect(row[column]).toBe(row.BilledCost);
      expect(row.ContractedUnitPrice).toBe(row.ListUnitPrice);
      for (const column of ['BilledCost', 'PricingQuantity', 'ConsumedQuantity', 'ListUnitPrice'])
        expect(row[column]).toMatch(/^-?\d+(\.\d+)?$/);
      expect(parsePicoUsd(row.ConsumedQuantity) > 0n).toBe(true);
      const product = parsePicoUsd(row.PricingQuantity) * parsePicoUsd(row.ListUnitPrice);
      expect([product % 10n ** 12n, product / 10n ** 12n]).toEqual([0n, parsePicoUsd(row.BilledCost)]);
    }
    expect(sumColumn(found, 'BilledCost')).toBe(addUsd(...many.map(({ costPicoUsd }) => costPicoUsd)));
    const assumed = found.filter(({ x_IsAssumed }) => x_IsAssumed === 'true');
    expect(assumed.map(({ BilledCost }) => BilledCost)).toEqual(['0.000000000003', '-0.000000000009']);
    // A cost that the current prices do not explain is exported as it was billed.
    expect(found.filter(({ ResourceId }) => ResourceId === 'repriced')).toMatchObject([
      {
        SkuId: 'm/tokens',
        PricingUnit: 'Dollars',
        ListUnitPrice: '1',
        ConsumedQuantity: '1234656',
        ConsumedUnit: 'Tokens',
      },
    ]);
    expect(found.filter(({ ResourceId }) => ResourceId === 'refused')).toEqual([]);
    // Every price ID belongs to one SKU.
    const skuByPriceId = new Map(found.map(({ SkuPriceId, SkuId }) => [SkuPriceId, SkuId]));
    for (const { SkuPriceId, SkuId } of found) expect(skuByPriceId.get(SkuPriceId)).toBe(SkuId);
  });

  it('splits a week that spans two months between both billing periods', () => {
    const both = [usageRow({ day: '2026-11-30' }), usageRow({ day: '2026-12-01' })];
    const found = exportCharges(spendingWith(both), '2026-W49');
    expect(found.map(({ BillingPeriodStart, BillingPeriodEnd }) => [BillingPeriodStart, BillingPeriodEnd])).toEqual([
      ['2026-11-01T00:00:00Z', '2026-12-01T00:00:00Z'],
      ['2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ]);
  });
});
