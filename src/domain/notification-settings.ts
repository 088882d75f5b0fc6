import type { DoNotDisturb } from "./do-not-disturb.ts";

/** How a user wants to be notified of all conversations. */
export interface NotificationSettings {
  /** Whether notifications carry the message. */
  preview: boolean;
  /** Hours of every day without notifications. */
  doNotDisturb: DoNotDisturb | null;
}

/** What is absent stays as it is. */
export type SettingsChange = {
  [Name in keyof NotificationSettings]?: NotificationSettings[Name] | undefined;
};
