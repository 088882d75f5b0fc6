/** Decryption of encrypted content (RFC 8188, RFC 8291), by the authors of the RFCs. */
declare module "http_ece" {
  export function decrypt(
    body: Uint8Array,
    options: {
      version: "aes128gcm";
      privateKey: import("node:crypto").ECDH;
      /** base64url. */
      authSecret: string;
    },
  ): Uint8Array;
}
