CREATE TABLE `purchase_requests` (
	`id` text PRIMARY KEY NOT NULL,
	`buyer_id` text NOT NULL,
	`seller_ids` text,
	`registered_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `spending` (
	`user_id` text NOT NULL,
	`name` text NOT NULL,
	`spent_at` integer NOT NULL,
	`amount` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `spending_by_person` ON `spending` (`user_id`,`name`,`spent_at`);--> statement-breakpoint
ALTER TABLE `users` ADD `provisioned_role` text;--> statement-breakpoint
CREATE INDEX `users_by_provisioned_role` ON `users` (`provisioned_role`,`last_seen_at`) WHERE "users"."provisioned_role" IS NOT NULL;--> statement-breakpoint
-- Whoever has a role and was never seen was provisioned with it.
UPDATE `users` SET `provisioned_role` = `role` WHERE `last_seen_at` = 0 AND `role` <> 'user';
