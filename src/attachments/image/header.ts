/** The displayed size of an image. */
export interface Pixels {
  width: number;
  height: number;
}

/** The bytes of an image that contain its size, and its Exif orientation. */
export interface ImageHeader {
  head: Uint8Array;
  orientation: number;
}
