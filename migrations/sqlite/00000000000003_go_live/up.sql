-- Periods around a launch or migration in which stricter commitments and a command post apply. Added
-- and never edited; one that has not begun may be withdrawn.
CREATE TABLE go_lives (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    contract_id BIGINT NOT NULL REFERENCES contracts (id),
    name TEXT NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    commitments TEXT NOT NULL,
    command_post TEXT NOT NULL,
    entered_at BIGINT NOT NULL,
    entered_by BIGINT REFERENCES people (id),
    withdrawn_at BIGINT,
    withdrawn_by BIGINT REFERENCES people (id)
);
CREATE INDEX go_lives_of_contract ON go_lives (contract_id, starts_at);

-- Fixed with the version of the terms; none: the terms as they are written.
ALTER TABLE cases ADD COLUMN go_live_id BIGINT REFERENCES go_lives (id);
ALTER TABLE breaches ADD COLUMN go_live_id BIGINT REFERENCES go_lives (id);

-- A version entered for the past judges reports from this date of the contract's zone on, also those
-- recorded before it was entered; none: only what is recorded after its entry.
ALTER TABLE terms ADD COLUMN apply_from DATE;
