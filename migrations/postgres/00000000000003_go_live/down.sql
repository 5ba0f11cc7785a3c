ALTER TABLE terms DROP COLUMN apply_from;
ALTER TABLE breaches DROP COLUMN go_live_id;
ALTER TABLE cases DROP COLUMN go_live_id;
DROP TABLE go_lives;
