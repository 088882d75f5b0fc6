/** A file as text, by the `Text` rule of wrangler.toml. */
declare module "*/openapi-explorer.min.js" {
  const text: string;
  export default text;
}
