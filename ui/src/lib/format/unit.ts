// Units of the registry (SenML and UCUM spellings) as people write them.

const known: Record<string, string> = {
  Cel: '°C', cel: '°C', '/100': '%', '%': '%', lat: '°', lon: '°', deg: '°', rad: 'rad', 'm/s2': 'm/s²', 'm/s': 'm/s', m2: 'm²', m3: 'm³', l: 'L', L: 'L', '%RH': '% RH',
  ohm: 'Ω', Ohm: 'Ω', Far: '°F', K: 'K', dB: 'dB', dBm: 'dBm', dBW: 'dBW', bit: 'bit', 'bit/s': 'bit/s', byte: 'B', KB: 'KB', B: 'B', s: 's', ms: 'ms', min: 'min', h: 'h',
  A: 'A', V: 'V', W: 'W', Wh: 'Wh', kWh: 'kWh', VA: 'VA', var: 'var', J: 'J', Hz: 'Hz', '1/min': 'per min', 'beat/min': 'per min', lx: 'lx', cd: 'cd', lm: 'lm', Pa: 'Pa', hPa: 'hPa',
  T: 'T', g: 'g', kg: 'kg', N: 'N', 'm3/s': 'm³/s', 'l/s': 'L/s', 'kg/m3': 'kg/m³', pH: 'pH', mA: 'mA', mV: 'mV', ppm: 'ppm', count: '', '/': '', '': '',
}

export function unit(raw: string | undefined): string {
  if (!raw) return ''
  const trimmed = raw.trim()
  return known[trimmed] ?? trimmed
}
