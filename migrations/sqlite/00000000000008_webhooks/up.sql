-- Named destinations beside mailboxes. Letters to one have its name as their address (webhook:chat).
CREATE TABLE webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    address TEXT NOT NULL,
    preset TEXT NOT NULL,
    -- Messages are signed with it, so it is kept as it is, and not only its hash.
    secret TEXT,
    old_secret TEXT,
    rotated_at BIGINT,
    locale TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    -- Why the service itself put it out of use.
    disabled_because TEXT,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);

-- What a webhook last answered to a letter.
CREATE TABLE webhook_answers (
    letter_id BIGINT PRIMARY KEY REFERENCES letters (id),
    at BIGINT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL
);
