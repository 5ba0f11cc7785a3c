-- The offsets of a zone from 1900 to 2099 as a version of the zone data gives them, as a list of pairs:
-- from which second on how many seconds are added to UTC.
CREATE TABLE zone_offsets (
    zone TEXT NOT NULL,
    zone_data TEXT NOT NULL,
    offsets TEXT NOT NULL,
    PRIMARY KEY (zone, zone_data)
);

-- The version of the zone data that reads the wall clocks of a revision; none: made before this was kept,
-- and noted at the next start.
ALTER TABLE calendar_revisions ADD COLUMN zone_data TEXT;
-- The last version that was found to give the same hours.
ALTER TABLE calendar_revisions ADD COLUMN same_by TEXT;
-- What a revision is called that nobody made: zone data 2026b.
ALTER TABLE calendar_revisions ADD COLUMN name TEXT;

-- Running clocks that an edit of their calendar has not reached yet.
CREATE INDEX clocks_behind ON clocks (calendar_id, calendar_revision)
    WHERE state IN ('running', 'paused') AND breached_at IS NULL;
