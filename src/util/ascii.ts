/** Whether `text` can be sent in a header as it is: visible ASCII, and some of it. No regular expression sees a token. */
export function isPrintableAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x21 || code > 0x7e) return false;
  }
  return text !== '';
}
