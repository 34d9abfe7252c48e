// A dataset in words.
import type { Dataset } from './pages.ts'

export interface DatasetField { key: keyof Dataset; name: string; text: string; mono?: boolean; copy?: boolean; note?: string }
export const keyNames: ['networkKey' | 'pskc', string, string][] = [['networkKey', 'Network key', 'secures all frames'], ['pskc', 'PSKc', 'lets a commissioner from outside in']]

export function channels(mask: string): string {
  const m = Number(mask)
  const list: string[] = []
  for (let c = 11; c <= 26; c++) if ((m >>> c) & 1) { const from = c; while (c < 26 && (m >>> (c + 1)) & 1) c++; list.push(from === c ? String(c) : `${from} to ${c}`) }
  return list.length ? `channels ${list.join(', ')}` : 'no channel'
}

const flags: [string, string][] = [['o', 'key may be handed out'], ['n', 'native commissioning'], ['c', 'external commissioning'], ['r', 'routers of any version']]
export function fieldsOf(d: Dataset): DatasetField[] {
  const out: DatasetField[] = []
  const add = (key: keyof Dataset, name: string, text: string | number | undefined, more: Partial<DatasetField> = {}): void => { if (text !== undefined && text !== '') out.push({ key, name, text: String(text), ...more }) }
  add('name', 'Name', d.name)
  add('channel', 'Channel', d.channel, { note: d.channel ? `${2405 + 5 * (d.channel - 11)} MHz` : '' })
  add('panid', 'PAN id', d.panid, { mono: true })
  add('extpanid', 'Extended PAN id', d.extpanid, { mono: true, copy: true })
  add('meshLocal', 'Mesh-local prefix', d.meshLocal, { mono: true, copy: true })
  add('channelMask', 'Channel mask', d.channelMask, { mono: true, note: d.channelMask ? channels(d.channelMask) : '' })
  add('wakeupChannel', 'Wake-up channel', d.wakeupChannel)
  if (d.policy) add('policy', 'Security policy', `${d.policy.rotation} h, ${d.policy.flags}`, { note: flags.filter(([f]) => d.policy!.flags.includes(f)).map(([, w]) => w).join(', ') })
  add('timestamp', 'Active timestamp', d.timestamp)
  return out
}
