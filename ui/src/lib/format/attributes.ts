import type { Attributes } from '../api/types.ts'
import { number } from './number.ts'

// The notification attributes in the field's words; others that a link carries (ver, dim, ct) are not about notifying.
export function attributeText(a: Attributes | undefined): string {
  if (!a) return ''
  return (['pmin', 'pmax', 'epmin', 'epmax', 'gt', 'lt', 'st'] as const)
    .filter((k) => a[k] !== undefined && a[k] !== null && Number.isFinite(Number(a[k])))
    .map((k) => `${k} ${number(Number(a[k]))}${k.includes('pm') ? ' s' : ''}`).join(', ')
}
