CREATE TABLE `channel_words` (
	`word` text NOT NULL,
	`channel_id` text NOT NULL,
	PRIMARY KEY(`word`, `channel_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `user_words` (
	`word` text NOT NULL,
	`user_id` text NOT NULL,
	PRIMARY KEY(`word`, `user_id`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `conversations` ADD `words` text;--> statement-breakpoint
CREATE INDEX `channels_without_words` ON `conversations` (`id`) WHERE "conversations"."kind" = 'channel' AND ("conversations"."words" ->> 0) IS NOT ('1' || coalesce("conversations"."title", '') || char(10) || coalesce("conversations"."description", ''));--> statement-breakpoint
ALTER TABLE `users` ADD `words` text;--> statement-breakpoint
CREATE INDEX `users_without_words` ON `users` (`id`) WHERE ("users"."words" ->> 0) IS NOT ('1' || "users"."name");--> statement-breakpoint
-- Triggers, so that the rows of a list change with it, in the same transaction. Each on one line: D1's API does
-- not split statements as SQLite does (workers-sdk#4998).
CREATE TRIGGER `user_words_added` AFTER INSERT ON `users` WHEN new.`words` IS NOT NULL BEGIN INSERT INTO `user_words` SELECT value, new.`id` FROM json_each(new.`words`) WHERE key > 0 ON CONFLICT (`word`, `user_id`) DO NOTHING; END;
--> statement-breakpoint
CREATE TRIGGER `user_words_changed` AFTER UPDATE OF `words` ON `users` WHEN new.`words` IS NOT old.`words` BEGIN DELETE FROM `user_words` WHERE `user_id` = old.`id` AND `word` IN (SELECT value FROM json_each(old.`words`) WHERE key > 0) AND `word` NOT IN (SELECT value FROM json_each(new.`words`) WHERE key > 0); INSERT INTO `user_words` SELECT value, new.`id` FROM json_each(new.`words`) WHERE key > 0 ON CONFLICT (`word`, `user_id`) DO NOTHING; END;
--> statement-breakpoint
CREATE TRIGGER `user_words_removed` AFTER DELETE ON `users` WHEN old.`words` IS NOT NULL BEGIN DELETE FROM `user_words` WHERE `user_id` = old.`id` AND `word` IN (SELECT value FROM json_each(old.`words`) WHERE key > 0); END;
--> statement-breakpoint
-- Of channels, those that everybody may find: public ones that are open.
CREATE TRIGGER `channel_words_added` AFTER INSERT ON `conversations` WHEN new.`kind` = 'channel' AND new.`visibility` = 'public' AND new.`archived_at` IS NULL BEGIN INSERT INTO `channel_words` SELECT value, new.`id` FROM json_each(new.`words`) WHERE key > 0 ON CONFLICT (`word`, `channel_id`) DO NOTHING; END;
--> statement-breakpoint
CREATE TRIGGER `channel_words_changed` AFTER UPDATE OF `words`, `visibility`, `archived_at` ON `conversations` WHEN new.`kind` = 'channel' AND (new.`words` IS NOT old.`words` OR new.`visibility` IS NOT old.`visibility` OR new.`archived_at` IS NOT old.`archived_at`) BEGIN DELETE FROM `channel_words` WHERE `channel_id` = old.`id` AND `word` IN (SELECT value FROM json_each(old.`words`) WHERE key > 0) AND NOT (new.`visibility` = 'public' AND new.`archived_at` IS NULL AND `word` IN (SELECT value FROM json_each(new.`words`) WHERE key > 0)); INSERT INTO `channel_words` SELECT value, new.`id` FROM json_each(new.`words`) WHERE key > 0 AND new.`visibility` = 'public' AND new.`archived_at` IS NULL ON CONFLICT (`word`, `channel_id`) DO NOTHING; END;
--> statement-breakpoint
CREATE TRIGGER `channel_words_removed` AFTER DELETE ON `conversations` WHEN old.`words` IS NOT NULL BEGIN DELETE FROM `channel_words` WHERE `channel_id` = old.`id` AND `word` IN (SELECT value FROM json_each(old.`words`) WHERE key > 0); END;
--> statement-breakpoint
-- What SQL can make of the names of who was here lately, so many that D1 does it in seconds. The cron makes the
-- words of all others, and these anew, because their first item is not the name.
UPDATE `users` SET `words` = '[null,' || substr((SELECT json_group_array(word) FROM (
  SELECT '0' || substr(`name_folded`, 1, 64) AS word
  UNION SELECT '1' || substr(value, 1, 64)
  FROM json_each('[' || replace(json_quote(`name_folded`), ' ', '","') || ']') WHERE key > 0 AND value <> ''
)), 2) WHERE `name_folded` IS NOT NULL
  AND `id` IN (SELECT `id` FROM `users` ORDER BY `last_seen_at` DESC LIMIT 50000);
--> statement-breakpoint
UPDATE `conversations` SET `words` = '[null,' || substr((SELECT json_group_array(word) FROM (
  SELECT '0' || lower(substr(`title`, 1, 64)) AS word
  UNION SELECT '1' || lower(substr(value, 1, 64))
  FROM json_each('[' || replace(json_quote(`title`), ' ', '","') || ']') WHERE key > 0 AND value <> ''
  UNION SELECT '2' || lower(substr(value, 1, 64))
  FROM json_each('[' || replace(json_quote(replace(`description`, char(10), ' ')), ' ', '","') || ']')
  WHERE value <> ''
)), 2) WHERE `title` IS NOT NULL AND `id` IN (SELECT `id` FROM `conversations` WHERE `kind` = 'channel'
  ORDER BY `last_message_at` DESC LIMIT 20000);
