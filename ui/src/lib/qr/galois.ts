// Reed-Solomon over GF(256) with the polynomial 0x11D (ISO/IEC 18004, annex on error correction).

const exp = new Uint8Array(512)
const log = new Uint8Array(256)
for (let i = 0, x = 1; i < 255; i++) {
  exp[i] = x; log[x] = i
  x <<= 1
  if (x & 0x100) x ^= 0x11d
}
for (let i = 255; i < 512; i++) exp[i] = exp[i - 255]!

const multiply = (a: number, b: number): number => (a && b ? exp[log[a]! + log[b]!]! : 0)

export function generator(degree: number): Uint8Array {
  let poly = Uint8Array.of(1)
  for (let i = 0; i < degree; i++) {
    const next = new Uint8Array(poly.length + 1)
    poly.forEach((c, j) => { next[j] = next[j]! ^ c; next[j + 1] = next[j + 1]! ^ multiply(c, exp[i]!) })
    poly = next
  }
  return poly
}

export function remainder(data: Uint8Array, gen: Uint8Array): Uint8Array {
  const degree = gen.length - 1
  const rest = new Uint8Array(degree)
  for (const byte of data) {
    const factor = byte ^ rest[0]!
    rest.copyWithin(0, 1)
    rest[degree - 1] = 0
    for (let i = 0; i < degree; i++) rest[i] = rest[i]! ^ multiply(gen[i + 1]!, factor)
  }
  return rest
}
