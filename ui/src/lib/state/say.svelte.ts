// The one polite region: what the user asked for, and failures. Never what merely changes.
class Say { text = $state(''); now(t: string): void { this.text = ''; queueMicrotask(() => { this.text = t }) } }
export const say = new Say()
