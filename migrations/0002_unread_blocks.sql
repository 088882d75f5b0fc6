CREATE TABLE `uncounted_blocks` (
	`conversation_id` text NOT NULL,
	`block` integer NOT NULL,
	`count` integer NOT NULL,
	PRIMARY KEY(`conversation_id`, `block`)
);
--> statement-breakpoint
-- Triggers, so that the Worker that still runs while this is deployed keeps the counts as well.
CREATE TRIGGER `uncounted_added` AFTER INSERT ON `uncounted` BEGIN INSERT INTO `uncounted_blocks` VALUES (new.`conversation_id`, new.`number` / 256, 1) ON CONFLICT (`conversation_id`, `block`) DO UPDATE SET `count` = `count` + 1; END;
--> statement-breakpoint
CREATE TRIGGER `uncounted_removed` AFTER DELETE ON `uncounted` BEGIN UPDATE `uncounted_blocks` SET `count` = `count` - 1 WHERE `conversation_id` = old.`conversation_id` AND `block` = old.`number` / 256; END;
--> statement-breakpoint
INSERT INTO `uncounted_blocks` SELECT `conversation_id`, `number` / 256, count(*) FROM `uncounted` WHERE true GROUP BY 1, 2
ON CONFLICT (`conversation_id`, `block`) DO UPDATE SET `count` = excluded.`count`;
