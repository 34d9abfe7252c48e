// What a device's answer means for the person who asked, and what is true now.

const meanings: Record<string, string> = {
  '4.00': 'The device did not understand the request, or a value in it does not fit.',
  '4.01': 'The device does not let this server do that: its access control, or its security, says no.',
  '4.02': 'The device did not understand an option of the request.',
  '4.03': 'The device forbids it.',
  '4.04': 'The device has nothing at this path.',
  '4.05': 'The device does not allow this here: its version of the resource is without this operation.',
  '4.06': 'The device cannot answer in a format that this server reads.',
  '4.08': 'Part of a long message was lost.',
  '4.09': 'It does not fit the state that the device is in.',
  '4.10': 'It is gone from the device.',
  '4.12': 'A condition of the request does not hold.',
  '4.13': 'It is too large for the device.',
  '4.15': 'The device does not read this content format.',
  '5.00': 'Something failed inside the device.',
  '5.01': 'The device has not implemented this.',
  '5.03': 'The device is busy now; try again later.',
  '5.04': 'Something behind the device did not answer.',
}
const after: Record<string, string> = {
  write: 'The value on the device is unchanged.', writePartial: 'The values on the device are unchanged.', execute: 'Nothing was executed.', create: 'No instance was made.', delete: 'The instance is still there.',
  writeAttributes: 'The attributes are as before.', read: 'What is shown here is from before.', observe: 'It is not observed.', observeComposite: 'They are not observed.', writeComposite: 'Nothing was written: together means all of them or none.', discover: '',
}
export const opName: Record<string, string> = { read: 'read', write: 'write', writePartial: 'write', execute: 'execution', create: 'creation', delete: 'deletion', writeAttributes: 'attributes', observe: 'observation', cancelObserve: 'end of the observation', discover: 'discovery', readComposite: 'read', writeComposite: 'write', observeComposite: 'observation' }
export const opTitle: Record<string, string> = { read: 'Read', write: 'Write', writePartial: 'Write', 'write-partial': 'Write', execute: 'Execute', create: 'Create', delete: 'Delete', writeAttributes: 'Attributes', 'write-attributes': 'Attributes', observe: 'Observe', cancelObserve: 'Stop observing', 'cancel-observe': 'Stop observing', discover: 'Discover', readComposite: 'Read', 'read-composite': 'Read', writeComposite: 'Write', 'write-composite': 'Write', observeComposite: 'Observe', 'observe-composite': 'Observe' }
export const codeMeaning = (code: string | undefined): string => meanings[code ?? ''] ?? ''
export const trueNow = (op: string): string => after[op] ?? ''

// A reason as the server's log has it, without the layer that it begins with.
export const plainReason = (reason: string | undefined): string => (reason ?? '').replace(/^(?:[a-z0-9/]+: )+/, '')
