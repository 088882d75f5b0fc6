import { useState } from "preact/hooks";
import type { Draft } from "../model/draft.ts";
import type { Upload } from "../model/upload.ts";
import { Icon, IconButton } from "./icon.tsx";
import { sizeOf } from "./size.ts";

/** The files of the draft with their upload progress. */
export function UploadList({ draft }: { draft: Draft }) {
  const uploads = draft.uploads.value;
  if (uploads.length === 0) return null;
  return (
    <ul class="uploads" aria-label="Files to be sent">
      {uploads.map((upload) => (
        <UploadItem key={upload.id} upload={upload} onRemove={() => draft.remove(upload)} />
      ))}
    </ul>
  );
}

function UploadItem({ upload, onRemove }: { upload: Upload; onRemove: () => void }) {
  const { file, preview } = upload;
  const state = upload.state.value;
  const [isBroken, setBroken] = useState(false);
  return (
    <li class={`upload is-${state.state}`}>
      {preview && !isBroken ? (
        <img src={preview} alt="" onError={() => setBroken(true)} />
      ) : (
        <Icon name="file" />
      )}
      <div class="upload-text">
        <p class="file-name">{file.name}</p>
        {state.state === "uploading" && (
          <progress max={1} value={state.part} aria-label={`Uploading ${file.name}`} />
        )}
        {state.state === "done" && <p class="file-size">{sizeOf(file.size)}</p>}
        {state.state === "failed" && (
          <p class="problem" role="alert">
            {state.reason}
          </p>
        )}
      </div>
      {state.state === "failed" && (
        <IconButton
          icon="retry"
          label={`Upload ${file.name} again`}
          onClick={() => upload.start()}
        />
      )}
      <IconButton icon="close" label={`Remove ${file.name}`} onClick={onRemove} />
    </li>
  );
}
