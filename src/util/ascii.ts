/**
 * Returns whether `text` is a string of visible ASCII that is not empty, and can be sent in a header as it is. It scans
 * characters, because a regular expression would keep a token in `RegExp.input`.
 */
export function isPrintableAscii(text: unknown): text is string {
  if (typeof text !== 'string') return false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x21 || code > 0x7e) return false;
  }
  return text !== '';
}
