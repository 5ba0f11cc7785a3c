-- How far an incident's timeline is in the anchor chain; what differs from its last event waits for
-- the next anchor. A hint for the engine alone: what counts is in anchor_heads.
ALTER TABLE incidents ADD COLUMN anchored_seq BIGINT NOT NULL DEFAULT 0;
CREATE INDEX incidents_unanchored ON incidents (id) WHERE last_seq <> anchored_seq;

CREATE TABLE anchors (
    number INTEGER PRIMARY KEY NOT NULL,
    at BIGINT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE
);

-- The heads of the timelines that changed before an anchor was made.
CREATE TABLE anchor_heads (
    number BIGINT NOT NULL REFERENCES anchors (number),
    incident_id BIGINT NOT NULL REFERENCES incidents (id),
    event_count BIGINT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (number, incident_id)
);
CREATE INDEX anchor_heads_of_incident ON anchor_heads (incident_id, event_count);

-- A file that belongs to an event, or is about to. Its name lies with the event's texts once it does.
CREATE TABLE evidence (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    media_type TEXT NOT NULL,
    name TEXT NOT NULL,
    person_id BIGINT NOT NULL REFERENCES people (id),
    uploaded_at BIGINT NOT NULL,
    event_id BIGINT REFERENCES events (id),
    position INTEGER
);
CREATE UNIQUE INDEX evidence_of_event ON evidence (event_id, position);
CREATE INDEX evidence_waiting ON evidence (uploaded_at) WHERE event_id IS NULL;

-- Its content in pieces of 256 KB, which can be erased while the chain stays valid.
CREATE TABLE evidence_chunks (
    evidence_id BIGINT NOT NULL REFERENCES evidence (id),
    number INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (evidence_id, number)
);

-- Letters that quoted what was erased: what was sent is gone, its hash stays.
CREATE TABLE erased_letters (
    letter_id BIGINT PRIMARY KEY NOT NULL REFERENCES letters (id),
    at BIGINT NOT NULL,
    incident_id BIGINT NOT NULL REFERENCES incidents (id),
    seq BIGINT NOT NULL,
    sha256 TEXT
);

-- What happened stays as it was recorded.
CREATE TRIGGER anchors_no_update BEFORE UPDATE ON anchors BEGIN SELECT RAISE(ABORT, 'anchors is append-only'); END;
CREATE TRIGGER anchors_no_delete BEFORE DELETE ON anchors BEGIN SELECT RAISE(ABORT, 'anchors is append-only'); END;
CREATE TRIGGER anchor_heads_no_update BEFORE UPDATE ON anchor_heads BEGIN SELECT RAISE(ABORT, 'anchor_heads is append-only'); END;
CREATE TRIGGER anchor_heads_no_delete BEFORE DELETE ON anchor_heads BEGIN SELECT RAISE(ABORT, 'anchor_heads is append-only'); END;
-- Of a withdrawal its reason can be erased, and nothing else.
DROP TRIGGER withdrawals_no_update;
CREATE TRIGGER withdrawals_no_update BEFORE UPDATE ON withdrawals
    WHEN NOT (NEW.breach_id = OLD.breach_id AND NEW.at = OLD.at AND NEW.seq = OLD.seq AND NEW.reason = '[erased]')
    BEGIN SELECT RAISE(ABORT, 'withdrawals is append-only'); END;
-- Texts and files can be erased and not changed.
CREATE TRIGGER event_texts_no_update BEFORE UPDATE ON event_texts BEGIN SELECT RAISE(ABORT, 'event_texts is append-only'); END;
CREATE TRIGGER evidence_chunks_no_update BEFORE UPDATE ON evidence_chunks BEGIN SELECT RAISE(ABORT, 'evidence_chunks is append-only'); END;

-- INSERT OR REPLACE deletes the row that stands in its way without asking the triggers above.
CREATE TRIGGER events_no_replace BEFORE INSERT ON events
    WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM events WHERE incident_id = NEW.incident_id AND seq = NEW.seq)
    BEGIN SELECT RAISE(ABORT, 'events is append-only'); END;
CREATE TRIGGER event_texts_no_replace BEFORE INSERT ON event_texts
    WHEN EXISTS (SELECT 1 FROM event_texts WHERE event_id = NEW.event_id AND name = NEW.name)
    BEGIN SELECT RAISE(ABORT, 'event_texts is append-only'); END;
CREATE TRIGGER breaches_no_replace BEFORE INSERT ON breaches
    WHEN EXISTS (SELECT 1 FROM breaches WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM breaches WHERE clock_id = NEW.clock_id AND run = NEW.run AND interval = NEW.interval AND due_at = NEW.due_at AND entry = NEW.entry)
    BEGIN SELECT RAISE(ABORT, 'breaches is append-only'); END;
CREATE TRIGGER withdrawals_no_replace BEFORE INSERT ON withdrawals
    WHEN EXISTS (SELECT 1 FROM withdrawals WHERE breach_id = NEW.breach_id)
    BEGIN SELECT RAISE(ABORT, 'withdrawals is append-only'); END;
CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER anchors_no_replace BEFORE INSERT ON anchors
    WHEN EXISTS (SELECT 1 FROM anchors WHERE number = NEW.number)
    OR EXISTS (SELECT 1 FROM anchors WHERE hash = NEW.hash)
    BEGIN SELECT RAISE(ABORT, 'anchors is append-only'); END;
CREATE TRIGGER anchor_heads_no_replace BEFORE INSERT ON anchor_heads
    WHEN EXISTS (SELECT 1 FROM anchor_heads WHERE number = NEW.number AND incident_id = NEW.incident_id)
    BEGIN SELECT RAISE(ABORT, 'anchor_heads is append-only'); END;
CREATE TRIGGER evidence_chunks_no_replace BEFORE INSERT ON evidence_chunks
    WHEN EXISTS (SELECT 1 FROM evidence_chunks WHERE evidence_id = NEW.evidence_id AND number = NEW.number)
    BEGIN SELECT RAISE(ABORT, 'evidence_chunks is append-only'); END;
