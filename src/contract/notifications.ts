import { z } from "@hono/zod-openapi";
import { KINDS } from "../domain/conversation.ts";
import { isTimeZone } from "../domain/do-not-disturb.ts";
import { defaultLevel, LEVELS } from "../domain/notification-level.ts";
import { optional } from "./fields.ts";

/** Schemas of the routes of notification settings and levels; clients infer their types from them. */

const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "not a time as HH:MM");

const doNotDisturb = z
  .object({
    from: clock.openapi({ example: "22:00" }),
    to: clock.openapi({ example: "07:00" }),
    timeZone: z
      .string()
      .max(64, { abort: true })
      .refine(isTimeZone, "not a time zone of the IANA database")
      .openapi({ example: "Europe/Berlin" }),
  })
  .refine(({ from, to }) => from !== to, { path: ["to"], message: "the same as from" });

export const notificationSettingsSchema = z
  .object({
    /** Whether notifications carry the message. */
    preview: z.boolean(),
    /** Hours of every day without notifications. */
    doNotDisturb: doNotDisturb.nullable(),
  })
  .openapi("NotificationSettings");

/** What is absent stays; `doNotDisturb: null` removes the hours. */
export const notificationSettingsBody = z.object({
  preview: optional(z.boolean()),
  doNotDisturb: doNotDisturb.nullish(),
});

export const notificationLevelSchema = z
  .object({
    level: z.enum(LEVELS),
    /** When the default holds again; `null`: never. */
    until: z.iso.datetime().nullable(),
    /** The level of those who have chosen none. */
    default: z.enum([...new Set(KINDS.map(defaultLevel))]),
  })
  .openapi("NotificationLevel");

export const notificationLevelBody = z.object({
  level: z.enum([...LEVELS, "default"]),
  until: optional(z.iso.datetime({ offset: true })),
});
