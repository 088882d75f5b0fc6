CREATE TABLE `audit` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`actor_id` text NOT NULL,
	`actor_role` text NOT NULL,
	`action` text NOT NULL,
	`conversation_id` text,
	`target_id` text,
	`message_number` integer,
	`reason` text,
	`details` text
);
--> statement-breakpoint
CREATE INDEX `audit_by_time` ON `audit` (`at`,`id`);--> statement-breakpoint
CREATE INDEX `audit_by_actor` ON `audit` (`actor_id`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `audit_by_target` ON `audit` (`target_id`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `audit_by_conversation` ON `audit` (`conversation_id`,`at`,`id`);--> statement-breakpoint
CREATE TABLE `bans` (
	`user_id` text PRIMARY KEY NOT NULL,
	`banned_by` text NOT NULL,
	`banned_at` integer NOT NULL,
	`until` integer,
	`reason` text,
	`lifted_at` integer,
	`version` integer NOT NULL,
	`changed_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `bans_changed` ON `bans` (`changed_at`);--> statement-breakpoint
CREATE TABLE `blocks` (
	`user_id` text NOT NULL,
	`blocked_id` text NOT NULL,
	`blocked_at` integer NOT NULL,
	`version` integer NOT NULL,
	PRIMARY KEY(`user_id`, `blocked_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `blocks_of_blocked` ON `blocks` (`blocked_id`,`user_id`);--> statement-breakpoint
CREATE TABLE `lifted_blocks` (
	`user_id` text NOT NULL,
	`blocked_id` text NOT NULL,
	`lifted_at` integer NOT NULL,
	`version` integer NOT NULL,
	PRIMARY KEY(`user_id`, `blocked_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `lifted_blocks_of_blocked` ON `lifted_blocks` (`blocked_id`,`user_id`);--> statement-breakpoint
CREATE INDEX `lifted_blocks_by_time` ON `lifted_blocks` (`lifted_at`);--> statement-breakpoint
CREATE TABLE `reports` (
	`id` text PRIMARY KEY NOT NULL,
	`state` text NOT NULL,
	`conversation_id` text NOT NULL,
	`number` integer NOT NULL,
	`reporter_id` text NOT NULL,
	`reported_id` text,
	`reason` text NOT NULL,
	`note` text,
	`snapshot` text NOT NULL,
	`created_at` integer NOT NULL,
	`claimed_by` text,
	`claimed_at` integer,
	`resolved_by` text,
	`resolved_at` integer,
	`action` text,
	`resolution` text
);
--> statement-breakpoint
CREATE INDEX `reports_by_state` ON `reports` (`state`,`created_at`,`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `reports_by_message` ON `reports` (`conversation_id`,`number`,`reporter_id`);--> statement-breakpoint
ALTER TABLE `members` ADD `request` integer NOT NULL DEFAULT 0;
