/** A file as text: Vite reads it. */
declare module "*?raw" {
  const text: string;
  export default text;
}
