DROP INDEX clocks_behind;
ALTER TABLE calendar_revisions DROP COLUMN name;
ALTER TABLE calendar_revisions DROP COLUMN same_by;
ALTER TABLE calendar_revisions DROP COLUMN zone_data;
DROP TABLE zone_offsets;
