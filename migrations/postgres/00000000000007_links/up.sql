-- What links in letters are signed with: one key for each installation, made when it is first needed.
CREATE TABLE link_keys (
    name TEXT PRIMARY KEY,
    secret BYTEA NOT NULL,
    made_at TIMESTAMPTZ NOT NULL
);

-- Links that were used. The key decides which of two that arrive together was first.
CREATE TABLE used_links (
    letter_id BIGINT NOT NULL REFERENCES letters (id),
    purpose TEXT NOT NULL,
    -- Empty for a link that serves once; else which of the forms on the vendor's page it was.
    occasion TEXT NOT NULL,
    used_at TIMESTAMPTZ NOT NULL,
    incident_id BIGINT NOT NULL REFERENCES incidents (id),
    -- The event that was recorded.
    seq BIGINT NOT NULL,
    PRIMARY KEY (letter_id, purpose, occasion)
);

-- Letters whose links were called in.
CREATE TABLE revoked_links (
    letter_id BIGINT PRIMARY KEY REFERENCES letters (id),
    at TIMESTAMPTZ NOT NULL,
    person_id BIGINT REFERENCES people (id)
);
