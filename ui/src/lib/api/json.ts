// JSON with whole numbers beyond 2^53 kept exact: parsed into bigint where the browser tells the number's source, written back as they were.

interface Context { source?: string }

export function parse<T>(text: string): T {
  if (!/\d{16}/.test(text)) return JSON.parse(text) as T
  const exact = (_key: string, value: unknown, context?: Context) =>
    typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source && /^-?\d+$/.test(context.source) ? BigInt(context.source) : value
  return JSON.parse(text, exact as Parameters<typeof JSON.parse>[1]) as T
}

export function stringify(value: unknown): string {
  const mark = '\u0001bigint:'
  const text = JSON.stringify(value, (_key, v) => (typeof v === 'bigint' ? `${mark}${v}` : v))
  return text.replace(/"\\u0001bigint:(-?\d+)"/g, '$1')
}
