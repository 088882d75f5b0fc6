/**
 * What the page loads when it is first needed, as one file: notifications, and the dialogs that ask the server,
 * which are of no use without a network.
 */
export { MessageMenu } from "./dialogs/actions.tsx";
export { BlockedDialog } from "./dialogs/blocked.tsx";
export { ChannelsDialog } from "./dialogs/channels.tsx";
export { DetailsDialog } from "./dialogs/details.tsx";
export { NewConversationDialog } from "./dialogs/new-conversation.tsx";
export { NotificationsDialog } from "./dialogs/notifications.tsx";
export { ReceiptsDialog } from "./dialogs/receipts.tsx";
export { Moderation } from "./moderation/moderation.tsx";
export { notificationsOf } from "./notifications/notifications.ts";
export { SearchDialog } from "./search/search-dialog.tsx";
