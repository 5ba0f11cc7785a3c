-- Messages that came in: replies to letters, and whatever else reached the address.
CREATE TABLE received_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at BIGINT NOT NULL,
    -- Of the bytes as they came. The index decides that the same message counts once.
    sha256 TEXT NOT NULL UNIQUE,
    size BIGINT NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    letter_id BIGINT REFERENCES letters (id),
    incident_id BIGINT REFERENCES incidents (id),
    case_id BIGINT REFERENCES cases (id),
    -- The vendor's contact of that address; contacts may be removed.
    contact_id BIGINT,
    message_id TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    sender_email TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    files TEXT NOT NULL,
    dated_at BIGINT,
    handled_at BIGINT,
    handled_by BIGINT REFERENCES people (id),
    erased_at BIGINT
);
CREATE INDEX received_messages_of_incident ON received_messages (incident_id, id);

-- The bytes of those that answer a letter, in pieces of 256 KB.
CREATE TABLE received_chunks (
    received_id BIGINT NOT NULL REFERENCES received_messages (id),
    number INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (received_id, number)
);

-- A reply names the letter that it answers.
CREATE INDEX letters_message_id ON letters (message_id);
