// Reads a code from a picture: with the browser's own detector where there is one (the Barcode Detection API), else with a
// decoder that comes when it is first wanted.

interface Detector { detect(source: ImageBitmapSource): Promise<{ rawValue: string }[]> }
type Maker = new (o: { formats: string[] }) => Detector
const most = 1600 // pixels on the longer side

export async function readCode(picture: Blob): Promise<string | undefined> {
  try {
    const image = await createImageBitmap(picture)
    const Detect = (globalThis as { BarcodeDetector?: Maker }).BarcodeDetector
    if (Detect) { const found = (await new Detect({ formats: ['qr_code'] }).detect(image).catch(() => []))[0]; if (found) return found.rawValue }
    const f = Math.min(1, most / Math.max(image.width, image.height)), w = Math.round(image.width * f), h = Math.round(image.height * f)
    const canvas = document.createElement('canvas')
    canvas.width = w; canvas.height = h
    const g = canvas.getContext('2d', { willReadFrequently: true })
    if (!g) return undefined
    g.drawImage(image, 0, 0, w, h)
    const { default: decode } = await import('jsqr')
    return decode(g.getImageData(0, 0, w, h).data, w, h)?.data || undefined
  } catch { return undefined }
}
