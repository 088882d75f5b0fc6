CREATE TABLE `mentions` (
	`conversation_id` text NOT NULL,
	`user_id` text NOT NULL,
	`number` integer NOT NULL,
	`sender_id` text NOT NULL,
	PRIMARY KEY(`conversation_id`, `user_id`, `number`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `mentions_read` (
	`conversation_id` text NOT NULL,
	`user_id` text NOT NULL,
	`number` integer NOT NULL,
	PRIMARY KEY(`conversation_id`, `user_id`, `number`)
) WITHOUT ROWID;
