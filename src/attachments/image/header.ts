/** The size of an image, as it is shown. */
export interface Pixels {
  width: number;
  height: number;
}

/** The few bytes of an image that its size is parsed from, and its orientation as Exif counts it. */
export interface ImageHeader {
  head: Uint8Array;
  orientation: number;
}
