CREATE TABLE `conversations` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`title` text,
	`description` text,
	`visibility` text NOT NULL,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL,
	`archived_at` integer,
	`subject` text,
	`purchase_request_id` text,
	`metadata` text,
	`member_count` integer NOT NULL,
	`last_number` integer NOT NULL,
	`message_count` integer NOT NULL,
	`last_message` text,
	`last_message_at` integer,
	`epoch` text NOT NULL,
	`rev` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `conversations_by_purchase_request` ON `conversations` (`purchase_request_id`) WHERE "conversations"."purchase_request_id" IS NOT NULL;--> statement-breakpoint
CREATE INDEX `public_channels` ON `conversations` (`created_at`) WHERE "conversations"."kind" = 'channel' AND "conversations"."visibility" = 'public'
    AND "conversations"."archived_at" IS NULL;--> statement-breakpoint
CREATE TABLE `members` (
	`user_id` text NOT NULL,
	`conversation_id` text NOT NULL,
	`role` text NOT NULL,
	`joined_at` integer NOT NULL,
	`left_at` integer,
	`archived` integer NOT NULL,
	`read_up_to` integer NOT NULL,
	`read_beyond` integer NOT NULL,
	`epoch` text NOT NULL,
	`rev` integer NOT NULL,
	PRIMARY KEY(`user_id`, `conversation_id`)
);
--> statement-breakpoint
CREATE INDEX `members_by_conversation` ON `members` (`conversation_id`,`user_id`);--> statement-breakpoint
CREATE TABLE `uncounted` (
	`conversation_id` text NOT NULL,
	`number` integer NOT NULL,
	PRIMARY KEY(`conversation_id`, `number`)
);
--> statement-breakpoint
CREATE TABLE `uploads` (
	`key` text PRIMARY KEY NOT NULL,
	`owner_id` text NOT NULL,
	`name` text NOT NULL,
	`mime_type` text NOT NULL,
	`size` integer,
	`width` integer,
	`height` integer,
	`r2_upload_id` text,
	`created_at` integer NOT NULL,
	`stored_at` integer,
	`claim` text,
	`claimed_by` text,
	`claimed_at` integer,
	`sent_to` text,
	`sent_number` integer,
	`deleted_at` integer
);
--> statement-breakpoint
CREATE INDEX `uploads_unsent` ON `uploads` (`created_at`) WHERE "uploads"."sent_to" IS NULL;--> statement-breakpoint
CREATE INDEX `uploads_deleted` ON `uploads` (`deleted_at`) WHERE "uploads"."deleted_at" IS NOT NULL;--> statement-breakpoint
CREATE INDEX `uploads_claimed` ON `uploads` (`claim`) WHERE "uploads"."claim" IS NOT NULL;--> statement-breakpoint
CREATE TABLE `users` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text,
	`name_folded` text,
	`avatar_url` text,
	`role` text NOT NULL,
	`last_seen_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `users_by_name` ON `users` (`name_folded`);--> statement-breakpoint
CREATE INDEX `users_by_role` ON `users` (`role`,`last_seen_at`);