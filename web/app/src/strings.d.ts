// Strings that the build cuts down to what the reader says.
declare module '*.json?reader' {
  const strings: Record<string, string>;
  export default strings;
}
