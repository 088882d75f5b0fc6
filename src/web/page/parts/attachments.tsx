import type { WireMessage } from "../../../client/received.ts";
import { Icon } from "./icon.tsx";
import { sizeOf } from "./size.ts";

type Attachment = WireMessage["attachments"][number];

/** The files of a message: images, video and audio are shown, others can be downloaded. */
export function Attachments({ attachments }: { attachments: readonly Attachment[] }) {
  if (attachments.length === 0) return null;
  return (
    <ul class="attachments" aria-label="Files">
      {attachments.map((attachment) => (
        <li key={attachment.key}>
          <File attachment={attachment} />
        </li>
      ))}
    </ul>
  );
}

function File({ attachment }: { attachment: Attachment }) {
  const { name, mimeType, url, width, height } = attachment;
  if (mimeType.startsWith("image/") && width && height) {
    return (
      <a class="picture" href={url} target="_blank" rel="noopener noreferrer">
        <img src={url} alt={name} width={width} height={height} loading="lazy" decoding="async" />
      </a>
    );
  }
  // biome-ignore-start lint/a11y/useMediaCaption: people who send films have no captions for them
  if (mimeType.startsWith("video/")) {
    return <video src={url} controls preload="metadata" aria-label={name} />;
  }
  if (mimeType.startsWith("audio/")) {
    return <audio src={url} controls preload="metadata" aria-label={name} />;
  }
  // biome-ignore-end lint/a11y/useMediaCaption: people who send films have no captions for them
  return (
    <a class="file" href={url} target="_blank" rel="noopener noreferrer" download={name}>
      <Icon name="file" />
      <span class="file-name">{name}</span>
      <span class="file-size">{sizeOf(attachment.size)}</span>
    </a>
  );
}
