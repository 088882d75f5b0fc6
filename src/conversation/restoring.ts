/** What calls of a conversation fail with while it is restored: they are to be made again later. */
export const RESTORING = "the conversation is being restored";
