/**
 * What the page loads when it is first needed, as one file: notifications, and the dialogs that ask the server,
 * which are of no use without a network.
 */
export { ChannelsDialog } from "./dialogs/channels.tsx";
export { DetailsDialog } from "./dialogs/details.tsx";
export { NewConversationDialog } from "./dialogs/new-conversation.tsx";
export { NotificationsDialog } from "./dialogs/notifications.tsx";
export { ReceiptsDialog } from "./dialogs/receipts.tsx";
export { notificationsOf } from "./notifications/notifications.ts";
