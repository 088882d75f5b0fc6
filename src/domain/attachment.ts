/** A stored file as a message carries it. `key` names it in R2; a link to it is signed when shown. */
export interface Attachment {
  key: string;
  name: string;
  mimeType: string;
  /** Bytes. */
  size: number;
  /** Pixels, of images whose header tells. */
  width?: number;
  height?: number;
}
