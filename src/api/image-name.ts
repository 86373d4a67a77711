// Whether a text can name an image, as kubelets read it: the grammar of github.com/distribution/reference 0.6. What is
// refused here is never a name; what is not may still be one that no registry has.
const pathPart = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const hostPart = "[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*";
const host = `(?:${hostPart}(?:\\.${hostPart})*|\\[[A-Fa-f0-9:]+\\])(?::[0-9]+)?`;
const path = `(?:${host}/)?${pathPart}(?:/${pathPart})*`;
const tag = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
const digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[A-Fa-f0-9]{32,}";
const reference = new RegExp(`^${path}(?::${tag})?(?:@${digest})?$`);
/** So written, it would be an image's ID, which no registry answers to. */
const identifier = /^[a-f0-9]{64}$/;

const example = "write [REGISTRY/]PATH[:TAG] with the path in lower case, such as ghcr.io/team/tool:1.2";

/** What keeps a text from being an image's name, and what to do. Undefined where it can be one. */
export function imageNameProblem(image: string): string | undefined {
  if (reference.test(image) && !identifier.test(image)) return undefined;
  return `${JSON.stringify(image)} cannot name an image: ${cause(image)}; ${example}`;
}

function cause(image: string): string {
  if (image === "") return "it is empty";
  if (/\s/.test(image)) return "it has white space in it";
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(image)) return "it begins like a URL";
  if (identifier.test(image)) return "64 hexadecimal digits are an image's ID";
  if (reference.test(image.toLowerCase())) return "its path has capital letters";
  return "it is not what registries understand";
}
