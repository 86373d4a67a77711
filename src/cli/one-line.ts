// Makes words of programs and servers safe to print: no line breaks that tear a table, no control characters that a
// terminal would obey.

export function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, " ⏎ ").replace(/\p{Cc}/gu, " ");
}
