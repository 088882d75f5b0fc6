CREATE TABLE `deleted_conversations` (
	`id` text PRIMARY KEY NOT NULL,
	`deleted_by` text NOT NULL,
	`deleted_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `jobs` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`target` text,
	`state` text NOT NULL,
	`params` text NOT NULL,
	`done` integer NOT NULL,
	`total` integer,
	`result` text,
	`error` text,
	`created_by` text NOT NULL,
	`created_role` text NOT NULL,
	`created_at` integer NOT NULL,
	`changed_at` integer NOT NULL,
	`finished_at` integer,
	`swept_at` integer
);
--> statement-breakpoint
CREATE INDEX `jobs_by_time` ON `jobs` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `jobs_unfinished` ON `jobs` (`kind`,`target`) WHERE "jobs"."state" IN ('running', 'cancelling');--> statement-breakpoint
CREATE INDEX `jobs_by_target` ON `jobs` (`target`,`created_at`) WHERE "jobs"."target" IS NOT NULL;--> statement-breakpoint
CREATE INDEX `jobs_unswept` ON `jobs` (`finished_at`) WHERE "jobs"."kind" IN ('export-conversation', 'export-user') AND "jobs"."swept_at" IS NULL;--> statement-breakpoint
CREATE TABLE `legal_holds` (
	`subject` text NOT NULL,
	`id` text NOT NULL,
	`placed_by` text NOT NULL,
	`placed_at` integer NOT NULL,
	`reason` text NOT NULL,
	PRIMARY KEY(`subject`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `conversations` ADD `purged_to` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `users` ADD `bot` integer DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX `uploads_by_conversation` ON `uploads` (`sent_to`,`sent_number`) WHERE "uploads"."sent_to" IS NOT NULL;--> statement-breakpoint
CREATE INDEX `uploads_by_owner` ON `uploads` (`owner_id`,`key`);--> statement-breakpoint
CREATE INDEX `reports_by_reporter` ON `reports` (`reporter_id`,`id`);--> statement-breakpoint
-- Nothing of a conversation that was deleted comes back, however late it is written. Each on one line, as in 0005.
CREATE TRIGGER `deleted_conversations_stay` BEFORE INSERT ON `conversations` WHEN EXISTS (SELECT 1 FROM `deleted_conversations` WHERE `id` = new.`id`) BEGIN SELECT RAISE(IGNORE); END;
--> statement-breakpoint
CREATE TRIGGER `deleted_conversations_unreported` BEFORE INSERT ON `reports` WHEN EXISTS (SELECT 1 FROM `deleted_conversations` WHERE `id` = new.`conversation_id`) BEGIN SELECT RAISE(IGNORE); END;
